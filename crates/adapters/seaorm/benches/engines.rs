//! What the store costs on each engine, with few rows and with many: keysets created, activated and listed per second, a
//! page of the list, and a look-up by fingerprint.
//!
//! `cargo bench -p keystead-seaorm --bench engines`; with `KEYSTEAD_BENCH_SHORT=1` it only shows that everything runs.
//! `-- MariaDB` behind it measures that engine alone. Servers write as durably as in production. The private keys are
//! shorter than real ones; nothing that is measured here reads them.

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

/// A store with so many rows, and what was measured on it.
struct Filled {
    rows: u32,
    took: Duration,
    store: SeaOrmStore,
    pages: Vec<Duration>,
    look_ups: Vec<Duration>,
    listed: usize,
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
        let file = |rows| format!("sqlite://{}/{rows}.db", folder.path().display());
        runtime.block_on(report("SQLite", sizes, file, |_| ()));
    }
    if wanted("PostgreSQL")
        && let Some(server) = PostgresServer::start(durable)
    {
        let name = |url: &str| url.rsplit('/').next().unwrap().to_owned();
        runtime.block_on(report(
            "PostgreSQL",
            sizes,
            |_| server.url_of(&server.create_database()),
            // What the server does by itself after some time.
            |url| drop(server.client(&name(url), "VACUUM ANALYZE")),
        ));
    }
    if wanted("MariaDB")
        && let Some(server) = MariaDbServer::start(durable)
    {
        let url = |_| server.url_of(&server.create_database());
        runtime.block_on(report("MariaDB", sizes, url, |_| ()));
    }
}

async fn report(engine: &str, sizes: &[u32], url: impl Fn(u32) -> String, settle: impl Fn(&str)) {
    println!("\n{engine:<10}  created/s  activated/s  listed/s  page of {PAGE}  look-up     (filled in)");
    let mut stores = Vec::new();
    for rows in sizes {
        let url = url(*rows);
        stores.push(Filled::new(&url, *rows, &settle).await);
    }
    // In turns, so that what else the machine does meets all sizes alike. The first round warms up.
    for _ in 0..2 {
        stores.iter_mut().for_each(Filled::forget);
        for n in 0..READS {
            for store in &mut stores {
                store.read(n).await;
            }
        }
    }
    for filled in &stores {
        let (created, activated) = filled.write().await;
        println!(
            "{:>10}  {created:>9.0}  {activated:>11.0}  {:>8.0}  {:>8.2} ms  {:>7.3} ms  ({:.1} s)",
            filled.rows,
            filled.listed as f64 / filled.pages.iter().sum::<Duration>().as_secs_f64(),
            millis(&filled.pages),
            millis(&filled.look_ups),
            filled.took.as_secs_f64()
        );
    }
    // A page of fewer rows than it has room for says nothing.
    if let [.., fewer, more] = stores.as_slice()
        && fewer.rows > PAGE
    {
        let ratio = |fewer: f64, more: f64| {
            let ratio = more / fewer;
            format!("{ratio:.2}{}", if ratio > BOUND { " TOO SLOW" } else { "" })
        };
        println!(
            "{} rows against {}: page {}, look-up {}",
            more.rows,
            fewer.rows,
            ratio(millis(&fewer.pages), millis(&more.pages)),
            ratio(millis(&fewer.look_ups), millis(&more.look_ups))
        );
    }
}

impl Filled {
    async fn new(url: &str, rows: u32, settle: impl Fn(&str)) -> Self {
        let options = SeaOrmOptions::new(url);
        let schema = SeaOrmSchema::new(options.clone()).unwrap();
        schema.migrate().await.unwrap();
        let start = Instant::now();
        fill(url, rows).await;
        settle(url);
        Self {
            rows,
            took: start.elapsed(),
            store: SeaOrmStore::connect(options).await.unwrap(),
            pages: Vec::new(),
            look_ups: Vec::new(),
            listed: 0,
        }
    }

    fn forget(&mut self) {
        self.pages.clear();
        self.look_ups.clear();
        self.listed = 0;
    }

    async fn read(&mut self, n: u32) {
        // Somewhere in the list, and where the page is a whole one.
        let first = n.wrapping_mul(7919) % self.rows;
        let last_whole = self.rows.saturating_sub(PAGE + 1);
        let after = KeysetCursor::of(&samples::keyset(first.min(last_whole)).unwrap());
        let start = Instant::now();
        let mut snapshot = self.store.snapshot().await.unwrap();
        let page = snapshot.list_keysets(Some(after), PAGE).await;
        self.pages.push(start.elapsed());
        drop(snapshot);
        self.listed += page.unwrap().keysets.len();

        let fingerprint = samples::keyset(first).unwrap().fingerprint();
        let start = Instant::now();
        let mut snapshot = self.store.snapshot().await.unwrap();
        let found = snapshot.find_by_fingerprint(&fingerprint).await;
        self.look_ups.push(start.elapsed());
        assert!(found.unwrap().is_some());
    }

    /// Keysets created and activated per second.
    async fn write(&self) -> (f64, f64) {
        let start = Instant::now();
        for n in self.rows..self.rows + WRITES {
            create(&self.store, &samples::keyset(n).unwrap()).await;
        }
        let created = per_second(start.elapsed());
        let start = Instant::now();
        for n in 0..WRITES {
            activate(&self.store, n % 2).await;
        }
        (created, per_second(start.elapsed()))
    }
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

fn per_second(took: Duration) -> f64 {
    f64::from(WRITES) / took.as_secs_f64()
}

/// The median, in milliseconds.
fn millis(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}
