//! Every look-up uses an index: each engine's own client is asked how it would find the rows.

use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};
use sea_orm::{DbBackend, QueryTrait};

use super::*;
use crate::read::look_ups;
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
    statements
}

#[tokio::test]
async fn on_sqlite() {
    let place = Place::new();
    place.migrate().await;
    for sql in statements(DbBackend::Sqlite) {
        let plan = place.sqlite3(&format!("EXPLAIN QUERY PLAN {sql}"));
        assert!(plan.contains("SEARCH keyset"), "{sql}\n{plan}");
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
    INSERT INTO keyset_private_keys SELECT id, 'k', 'p', 1, 'x' FROM keysets";

fn fill(series: &str, digest: &str) -> String {
    let cut = |length: u32| format!("substr({digest}, 1, {length})");
    FILL.replace("SERIES", series)
        .replace("BYTES36", &cut(36))
        .replace("BYTES64", &cut(64))
        .replace("BYTES8", &cut(8))
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
    server.client(&database, &fill("generate_series(1, 20000) AS n", digest));
    server.client(&database, "ANALYZE");
    for sql in statements(DbBackend::Postgres) {
        let plan = server.client(&database, &format!("EXPLAIN {sql}"));
        assert!(
            plan.contains("Index Scan") || plan.contains("Bitmap Index"),
            "{sql}\n{plan}"
        );
        // Pages come in the order of their index, and no table but that of one row is read from end to end.
        assert!(
            !sql.contains("created_at\" >=") || !plan.contains("Sort"),
            "{sql}\n{plan}"
        );
        assert!(!plan.contains("Seq Scan on keyset"), "{sql}\n{plan}");
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
    server.client(&database, &fill("seq AS n FROM seq_1_to_20000", "sha2(n, 256)"));
    for sql in statements(DbBackend::MySql) {
        // id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra.
        let plan = server.client(&database, &format!("EXPLAIN {sql}"));
        let keysets = plan
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|line| line[2].starts_with("keyset"));
        let mut seen = 0;
        for line in keysets {
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
