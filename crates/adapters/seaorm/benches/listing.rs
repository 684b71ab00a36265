//! What the store costs: keysets kept, activated, listed and looked up, with few rows and with many.
//!
//! `cargo bench -p keystead-seaorm --bench listing`; with `KEYSTEAD_BENCH_SHORT=1` it only shows that everything runs.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints, and may stop at the first failure"
)]

use std::time::{Duration, Instant};

use keystead_application::ports::{Schema, Store};
use keystead_contract::samples;
use keystead_domain::{Action, Keyset};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};

const LOOKUPS: u32 = 500;
const PAGE: u32 = 1000;

fn main() {
    let short = std::env::var_os("KEYSTEAD_BENCH_SHORT").is_some();
    let sizes: &[u32] = if short { &[10, 200] } else { &[10, 10_000] };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    for rows in sizes {
        runtime.block_on(measure(*rows));
    }
}

async fn measure(rows: u32) {
    let folder = tempfile::tempdir().unwrap();
    let options = SeaOrmOptions::for_sqlite_file(&folder.path().join("bench.db")).unwrap();
    SeaOrmSchema::new(options.clone())
        .unwrap()
        .migrate()
        .await
        .unwrap();
    let store = SeaOrmStore::connect(options).await.unwrap();

    let start = Instant::now();
    for n in 0..rows {
        insert(&store, &samples::keyset(n).unwrap()).await;
    }
    let inserted = start.elapsed() / rows;

    let start = Instant::now();
    let mut after = None;
    let mut seen = 0;
    loop {
        let page = store
            .snapshot()
            .await
            .unwrap()
            .list_keysets(after, PAGE)
            .await
            .unwrap();
        seen += page.keysets.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let listed = start.elapsed();
    assert_eq!(seen, rows as usize);

    let start = Instant::now();
    for n in 0..LOOKUPS {
        let fingerprint = samples::keyset(n * 7919 % rows).unwrap().fingerprint();
        let found = store
            .snapshot()
            .await
            .unwrap()
            .find_by_fingerprint(&fingerprint)
            .await
            .unwrap();
        assert!(found.is_some());
    }
    let looked_up = start.elapsed() / LOOKUPS;
    println!(
        "{rows:>6} keysets: insert {:.0}/s; the whole list {:.1} ms; lookup by fingerprint {:.0}/s",
        rate(inserted),
        listed.as_secs_f64() * 1e3,
        rate(looked_up)
    );
}

async fn insert(store: &SeaOrmStore, keyset: &Keyset) {
    let mut unit = store.begin().await.unwrap();
    unit.insert_keyset(keyset, &samples::sealed(1).unwrap())
        .await
        .unwrap();
    let event = samples::event(Action::KeysetCreate, keyset.id()).unwrap();
    unit.append_audit(&event).await.unwrap();
    unit.commit().await.unwrap();
}

fn rate(each: Duration) -> f64 {
    1.0 / each.as_secs_f64()
}
