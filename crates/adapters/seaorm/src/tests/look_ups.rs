//! Every look-up uses an index: each engine's own client is asked how it would find the rows.

use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};
use sea_orm::{DbBackend, QueryTrait};

use super::*;
use crate::read::look_ups;
use crate::records;
use crate::recoveries::{documents, requests, servers};
use crate::rotation::without_copy;

/// The look-ups of an engine.
fn statements(backend: DbBackend) -> Vec<String> {
    let selects = look_ups();
    let mut statements: Vec<String> = selects
        .iter()
        .map(|select| select.build(backend).to_string())
        .collect();
    for after in [None, Some(KeysetId::from_random_bytes([7; 16]))] {
        statements.push(without_copy(after, 100).build(backend).to_string());
    }
    statements.extend(servers::look_ups(backend));
    statements.extend(requests::look_ups(backend));
    statements.push(documents::look_up(backend));
    statements.extend(records::look_ups(backend));
    statements
}

#[tokio::test]
async fn on_sqlite() {
    let place = Place::new();
    place.migrate().await;
    for sql in statements(DbBackend::Sqlite) {
        let plan = place.sqlite3(&format!("EXPLAIN QUERY PLAN {sql}"));
        assert!(plan.contains("SEARCH "), "{sql}\n{plan}");
        assert!(
            !plan.contains("SCAN") && !plan.contains("TEMP B-TREE"),
            "{sql}\n{plan}"
        );
    }
}

/// Enough rows that an engine has to choose.
const FILL: &str =
    "INSERT INTO keysets (id, version, hint, spki, fingerprint, bits, recipient_tag, origin, created_at)
    SELECT BYTES36, 1, 'x', 'x', BYTES64, 2048, BYTES8, 'generated', n
    FROM (SELECT SERIES) AS numbers;
    INSERT INTO keyset_private_keys SELECT id, 'k', 'p', 1, 'x' FROM keysets;
    INSERT INTO backup_servers (id, version, name, enrolled_at) SELECT id, 1, 'x', created_at FROM keysets;
    INSERT INTO server_identities
    SELECT id, 1, fingerprint, KEY32, substr(fingerprint, 1, 62), created_at, NULL FROM keysets;
    INSERT INTO recoveries (id, version, server_id, identity, digest, asked_by, created_at, expires_at, response_key,
        files, received_at, state)
    SELECT id, 1, id, fingerprint, fingerprint, 'x', 1, 2, substr(fingerprint, 1, 62), 1, created_at, 'waiting'
    FROM keysets;
    INSERT INTO recovery_approvals SELECT id, 1, id, 'x', 'own', 0, 'x', 1 FROM keysets;
    INSERT INTO recovery_documents SELECT id, 'request', 1, 1, 'x' FROM keysets;
    INSERT INTO records SELECT 'session', fingerprint, 1, created_at, 'x' FROM keysets";

fn fill(series: &str, digest: &str, key: &str) -> String {
    let cut = |length: u32| format!("substr({digest}, 1, {length})");
    FILL.replace("SERIES", series)
        .replace("BYTES36", &cut(36))
        .replace("BYTES64", &cut(64))
        .replace("BYTES8", &cut(8))
        .replace("KEY32", key)
}

#[tokio::test]
async fn on_postgresql() {
    let Some(server) = PostgresServer::start(Settings::default()) else {
        return;
    };
    let database = server.create_database();
    let schema = SeaOrmSchema::new(SeaOrmOptions::new(server.url_of(&database))).unwrap();
    schema.migrate().await.unwrap();
    let digest = "encode(sha256(n::text::bytea), 'hex')";
    server.client(
        &database,
        &fill(
            "generate_series(1, 20000) AS n",
            digest,
            "decode(fingerprint, 'hex')",
        ),
    );
    server.client(&database, "ANALYZE");
    for sql in statements(DbBackend::Postgres) {
        let plan = server.client(&database, &format!("EXPLAIN {sql}"));
        assert!(
            plan.contains("Index Scan") || plan.contains("Bitmap Index"),
            "{sql}\n{plan}"
        );
        // Pages come in the order of their index, and no table but that of one row is read from end to end.
        assert!(
            !(["created_at\" >=", "received_at\" <=", "record_key\" >"]
                .iter()
                .any(|page| sql.contains(page)))
                || !plan.contains("Sort"),
            "{sql}\n{plan}"
        );
        assert!(
            [
                "Seq Scan on keyset",
                "Seq Scan on backup",
                "Seq Scan on server",
                "Seq Scan on recover",
                "Seq Scan on records"
            ]
            .iter()
            .all(|whole| !plan.contains(whole)),
            "{sql}\n{plan}"
        );
    }
}

#[tokio::test]
async fn on_mariadb() {
    let Some(server) = MariaDbServer::start(Settings::default()) else {
        return;
    };
    let database = server.create_database();
    let schema = SeaOrmSchema::new(SeaOrmOptions::new(server.url_of(&database))).unwrap();
    schema.migrate().await.unwrap();
    server.client(
        &database,
        &fill(
            "seq AS n FROM seq_1_to_20000",
            "sha2(n, 256)",
            "unhex(fingerprint)",
        ),
    );
    for sql in statements(DbBackend::MySql) {
        // id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra.
        let plan = server.client(&database, &format!("EXPLAIN {sql}"));
        let tables = plan
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|line| !["active_keyset", "NULL"].contains(&line[2]));
        let mut seen = 0;
        for line in tables {
            seen += 1;
            assert!(line[3] != "ALL" && line[5] != "NULL", "{sql}\n{plan}");
        }
        // What is looked up by a whole unique key was read to make the plan.
        assert!(
            seen > 0 || plan.contains("after reading const tables"),
            "{sql}\n{plan}"
        );
        assert!(!plan.contains("filesort"), "{sql}\n{plan}");
    }
}
