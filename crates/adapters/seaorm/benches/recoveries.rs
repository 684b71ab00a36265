//! What recoveries cost on each engine: long lists of backup servers and of requests, page by page, and a long document.
//!
//! `cargo bench -p keystead-seaorm --bench recoveries`; with `KEYSTEAD_BENCH_SHORT=1` it only shows that everything runs.
//! Servers write as durably as in production.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints, and may stop at the first failure"
)]

use std::time::Instant;

use keystead_application::ports::{RecoveryCursor, RecoveryDocument, Schema, Snapshot, Store, UnitOfWork};
use keystead_contract::samples;
use keystead_domain::{Action, BackupServer, Permission, Recovery};
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};
use keystead_test_servers::{MariaDbServer, PostgresServer, Settings};

fn main() {
    let short = std::env::var_os("KEYSTEAD_BENCH_SHORT").is_some();
    let (rows, mib) = if short { (50, 2) } else { (10_000, 20) };
    let durable = Settings { durable: true };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/store.db", folder.path().display());
    runtime.block_on(measure("SQLite", &file, rows, mib));
    if let Some(server) = PostgresServer::start(durable) {
        runtime.block_on(measure(
            "PostgreSQL",
            &server.url_of(&server.create_database()),
            rows,
            mib,
        ));
    }
    if let Some(server) = MariaDbServer::start(durable) {
        runtime.block_on(measure(
            "MariaDB",
            &server.url_of(&server.create_database()),
            rows,
            mib,
        ));
    }
}

async fn measure(engine: &str, url: &str, rows: u32, mib: usize) {
    let options = SeaOrmOptions::new(url);
    SeaOrmSchema::new(options.clone())
        .unwrap()
        .migrate()
        .await
        .unwrap();
    let store = SeaOrmStore::connect(options).await.unwrap();
    let last = fill(&store, rows).await;
    println!("\n{engine}, {rows} backup servers of two identities, {rows} requests of two approvals");
    for page in [100, 1_000, rows] {
        let start = Instant::now();
        assert_eq!(servers(&store, page).await, rows as usize);
        let (of_servers, start) = (millis(start), Instant::now());
        assert_eq!(requests(&store, page).await, rows as usize);
        println!(
            "in pages of {page:>6}: servers {of_servers:>7.1} ms, requests {:>7.1} ms",
            millis(start)
        );
    }

    let document = samples::bytes(1, mib * 1024 * 1024);
    let which = RecoveryDocument::Request;
    let start = Instant::now();
    let mut work = store.begin().await.unwrap();
    work.keep_recovery_document(last.id, which, &document)
        .await
        .unwrap();
    commit(work, Action::RecoveryReceive).await;
    let (kept, start) = (millis(start), Instant::now());
    let mut snapshot = store.snapshot().await.unwrap();
    let found = snapshot.recovery_document(last.id, which).await.unwrap();
    let read = millis(start);
    assert!(found == Some(document));
    println!("a document of {mib} MiB: kept in {kept:.1} ms, read in {read:.1} ms");
}

async fn fill(store: &SeaOrmStore, rows: u32) -> Recovery {
    let officers = [samples::officer(1).unwrap(), samples::officer(2).unwrap()];
    let mut work = store.begin().await.unwrap();
    let mut last = None;
    for n in 0..rows {
        let server: BackupServer = samples::server(n)
            .unwrap()
            .re_enrolled(samples::identity_keys(n + rows).unwrap(), samples::at(1).unwrap())
            .unwrap();
        work.insert_server(&server).await.unwrap();
        let mut request = samples::recovery(n, &server).unwrap();
        for officer in &officers {
            let approval = samples::approval(n, officer, Permission::default()).unwrap();
            request.approvals.push(approval);
        }
        work.insert_recovery(&request).await.unwrap();
        last = Some(request);
    }
    commit(work, Action::RecoveryReceive).await;
    last.unwrap()
}

async fn commit(mut work: Box<dyn UnitOfWork>, action: Action) {
    let event = samples::event(action, "a bench").unwrap();
    work.append_audit(&event).await.unwrap();
    work.commit().await.unwrap();
}

/// Goes through all servers, and counts them.
async fn servers(store: &SeaOrmStore, limit: u32) -> usize {
    let mut snapshot: Box<dyn Snapshot> = store.snapshot().await.unwrap();
    let (mut seen, mut after) = (0, None);
    loop {
        let page = snapshot.list_servers(after, limit).await.unwrap();
        let Some(last) = page.last() else { return seen };
        (seen, after) = (seen + page.len(), Some(last.id));
    }
}

/// Goes through all requests, and counts them.
async fn requests(store: &SeaOrmStore, limit: u32) -> usize {
    let mut snapshot: Box<dyn Snapshot> = store.snapshot().await.unwrap();
    let (mut seen, mut after) = (0, None);
    loop {
        let page = snapshot.list_recoveries(after, limit).await.unwrap();
        let Some(last) = page.last() else { return seen };
        (seen, after) = (seen + page.len(), Some(RecoveryCursor::of(last)));
    }
}

fn millis(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1e3
}
