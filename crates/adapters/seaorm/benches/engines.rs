//! What the store costs on each engine, with few rows and with many: keysets created, activated and listed per second, a
//! page of the list, and a look-up by fingerprint.
//!
//! `cargo bench -p keystead-seaorm --bench engines`; with `KEYSTEAD_BENCH_SHORT=1` it only shows that everything runs.
//! `-- MariaDB` behind it measures that engine alone. Servers write as durably as in production. The private keys are shorter than real ones; nothing that is measured
//! here reads them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints, and may stop at the first failure"
)]

use std::time::{Duration, Instant};

use keystead_application::ports::{KeysetCursor, Schema, Store};
use keystead_contract::samples;
use keystead_domain::{Action, Keyset};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};
use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};
use sea_orm::sea_query::Query;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseTransaction, TransactionTrait};

/// Whole pages and whole look-ups, each with its own snapshot, as a command does them.
const READS: u32 = 300;
const WRITES: u32 = 200;
const PAGE: u32 = 100;
/// How much slower many rows may be than fewer.
const BOUND: f64 = 1.5;

/// What was measured with so many rows.
struct Measured {
    rows: u32,
    filled: Duration,
    created: f64,
    activated: f64,
    listed: f64,
    page: Duration,
    look_up: Duration,
}

fn main() {
    let short = std::env::var_os("KEYSTEAD_BENCH_SHORT").is_some();
    let sizes: &[u32] = if short {
        &[10, 1_000]
    } else {
        &[10, 10_000, 1_000_000]
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let durable = Settings { durable: true };
    let only = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let wanted = |engine: &str| only.as_ref().is_none_or(|only| only == engine);

    if wanted("SQLite") {
        let folder = tempfile::tempdir().unwrap();
        let file = |rows: u32| format!("sqlite://{}/{rows}.db", folder.path().display());
        report("SQLite", sizes, |rows| {
            runtime.block_on(measure(&file(rows), rows, || {}))
        });
    }
    if wanted("PostgreSQL")
        && let Some(server) = PostgresServer::start(durable)
    {
        report("PostgreSQL", sizes, |rows| {
            let database = server.create_database();
            // What the server does by itself after some time.
            let analyze = || drop(server.client(&database, "VACUUM ANALYZE"));
            runtime.block_on(measure(&server.url_of(&database), rows, analyze))
        });
    }
    if wanted("MariaDB")
        && let Some(server) = MariaDbServer::start(durable)
    {
        report("MariaDB", sizes, |rows| {
            let database = server.create_database();
            runtime.block_on(measure(&server.url_of(&database), rows, || {}))
        });
    }
}

fn report(engine: &str, sizes: &[u32], measure: impl Fn(u32) -> Measured) {
    println!("\n{engine:<10}  created/s  activated/s  listed/s  page of {PAGE}  look-up     (filled in)");
    let measured: Vec<Measured> = sizes.iter().map(|rows| measure(*rows)).collect();
    for m in &measured {
        println!(
            "{:>10}  {:>9.0}  {:>11.0}  {:>8.0}  {:>8.2} ms  {:>7.3} ms  ({:.1} s)",
            m.rows,
            m.created,
            m.activated,
            m.listed,
            m.page.as_secs_f64() * 1e3,
            m.look_up.as_secs_f64() * 1e3,
            m.filled.as_secs_f64()
        );
    }
    // A page of fewer rows than it has room for says nothing.
    if let [.., fewer, more] = measured.as_slice()
        && fewer.rows > PAGE
    {
        let ratio = |few: f64, many: f64| {
            let ratio = many / few;
            format!("{ratio:.2}{}", if ratio > BOUND { " TOO SLOW" } else { "" })
        };
        println!(
            "{} rows against {}: page {}, look-up {}",
            more.rows,
            fewer.rows,
            ratio(fewer.page.as_secs_f64(), more.page.as_secs_f64()),
            ratio(fewer.look_up.as_secs_f64(), more.look_up.as_secs_f64())
        );
    }
}

async fn measure(url: &str, rows: u32, settle: impl FnOnce()) -> Measured {
    let options = SeaOrmOptions::new(url);
    SeaOrmSchema::new(options.clone())
        .unwrap()
        .migrate()
        .await
        .unwrap();
    let start = Instant::now();
    fill(url, rows).await;
    settle();
    let filled = start.elapsed();

    let store = SeaOrmStore::connect(options).await.unwrap();
    read(&store, rows).await;
    let (page, look_up, listed) = read(&store, rows).await;
    let created = {
        let start = Instant::now();
        for n in rows..rows + WRITES {
            create(&store, &samples::keyset(n).unwrap()).await;
        }
        per_second(WRITES, start.elapsed())
    };
    let activated = {
        let start = Instant::now();
        for n in 0..WRITES {
            activate(&store, n % 2).await;
        }
        per_second(WRITES, start.elapsed())
    };
    store.close().await.unwrap();
    Measured {
        rows,
        filled,
        created,
        activated,
        listed,
        page,
        look_up,
    }
}

/// The median times of a page and a look-up, and keysets listed per second.
async fn read(store: &SeaOrmStore, rows: u32) -> (Duration, Duration, f64) {
    let (mut pages, mut look_ups, mut listed) = (Vec::new(), Vec::new(), 0);
    for n in 0..READS {
        // Somewhere in the list, and where the page is a whole one.
        let first = n.wrapping_mul(7919) % rows;
        let after = KeysetCursor::of(&samples::keyset(first.min(rows.saturating_sub(PAGE + 1))).unwrap());
        let start = Instant::now();
        let page = store
            .snapshot()
            .await
            .unwrap()
            .list_keysets(Some(after), PAGE)
            .await;
        pages.push(start.elapsed());
        listed += page.unwrap().keysets.len();
        let fingerprint = samples::keyset(first).unwrap().fingerprint();
        let start = Instant::now();
        let found = store
            .snapshot()
            .await
            .unwrap()
            .find_by_fingerprint(&fingerprint)
            .await;
        look_ups.push(start.elapsed());
        assert!(found.unwrap().is_some());
    }
    let listed = per_second(u32::try_from(listed).unwrap(), pages.iter().sum());
    (median(pages), median(look_ups), listed)
}

async fn create(store: &SeaOrmStore, keyset: &Keyset) {
    let mut work = store.begin().await.unwrap();
    work.insert_keyset(keyset, &samples::sealed(1).unwrap())
        .await
        .unwrap();
    let event = samples::event(Action::KeysetCreate, keyset.id()).unwrap();
    work.append_audit(&event).await.unwrap();
    work.commit().await.unwrap();
}

async fn activate(store: &SeaOrmStore, n: u32) {
    let mut work = store.begin().await.unwrap();
    let current = work.active_keyset().await.unwrap();
    let keyset = work.find_keyset(samples::keyset_id(n)).await.unwrap().unwrap();
    let (active, superseded) =
        samples::activated(&keyset, current.as_ref(), samples::at(i64::from(n)).unwrap()).unwrap();
    let expected = current.as_ref().map(Keyset::id);
    work.point_active(keyset.id(), expected).await.unwrap();
    work.save_keyset(&active, keyset.version()).await.unwrap();
    if let (Some(superseded), Some(current)) = (superseded, current) {
        work.save_keyset(&superseded, current.version()).await.unwrap();
    }
    let event = samples::event(Action::KeysetActivate, keyset.id()).unwrap();
    work.append_audit(&event).await.unwrap();
    work.commit().await.unwrap();
}

/// Puts rows there past the store, many at once.
async fn fill(url: &str, rows: u32) {
    const AT_ONCE: u32 = 1_000;
    const PER_TRANSACTION: u32 = 50_000;
    let mut options = ConnectOptions::new(url);
    // Keys come in no order, so that every page of every index is needed again and again.
    options.map_sqlx_sqlite_opts(|options| options.pragma("cache_size", "-400000"));
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.unwrap();
    let mut next = 0;
    while next < rows {
        let transaction = connection.begin().await.unwrap();
        let end = rows.min(next + PER_TRANSACTION);
        while next < end {
            let batch: Vec<Keyset> = (next..end.min(next + AT_ONCE))
                .map(|n| samples::keyset(n).unwrap())
                .collect();
            next += u32::try_from(batch.len()).unwrap();
            insert(&transaction, &batch).await;
        }
        transaction.commit().await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn insert(db: &DatabaseTransaction, keysets: &[Keyset]) {
    let mut rows = Query::insert();
    rows.into_table("keysets").columns([
        "id",
        "version",
        "hint",
        "spki",
        "fingerprint",
        "bits",
        "recipient_tag",
        "origin",
        "created_at",
    ]);
    let mut keys = Query::insert();
    keys.into_table("keyset_private_keys").columns([
        "keyset_id",
        "master_key_id",
        "provider",
        "format_version",
        "ciphertext",
    ]);
    for keyset in keysets {
        let stored = keyset.to_stored();
        let tag: String = stored
            .public_key
            .tag()
            .0
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        rows.values_panic([
            stored.id.to_string().into(),
            i64::from(stored.version.0).into(),
            stored.hint.as_str().into(),
            stored.public_key.spki_der().to_vec().into(),
            stored.fingerprint.to_string().into(),
            i32::from(stored.public_key.bits().get()).into(),
            tag.into(),
            "generated".into(),
            stored.created_at.as_micros().into(),
        ]);
        keys.values_panic([
            stored.id.to_string().into(),
            "bench".into(),
            "bench".into(),
            1.into(),
            vec![7_u8; 64].into(),
        ]);
    }
    db.execute(&rows).await.unwrap();
    db.execute(&keys).await.unwrap();
}

fn per_second(count: u32, took: Duration) -> f64 {
    f64::from(count) / took.as_secs_f64()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
