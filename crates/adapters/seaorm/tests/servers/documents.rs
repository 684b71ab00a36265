//! Bytes that are longer than what a server takes at once.

use keystead_application::ports::{RecoveryDocument, Store};
use keystead_contract::samples;
use keystead_domain::Action;
use keystead_seaorm::{SeaOrmOptions, SeaOrmStore};

use crate::support::*;

#[tokio::test]
async fn a_long_document_passes_a_server_that_takes_four_mib_at_once() {
    const LIMIT: &str = "4194304";
    let Some(server) = keystead_test_servers::MariaDbServer::start(Default::default()) else {
        return;
    };
    // What MySQL was long delivered with; it holds for connections that are made after it.
    server.client("mysql", &format!("SET GLOBAL max_allowed_packet = {LIMIT}"));
    let (_, database) = new_store(&server).await;
    assert_eq!(
        server.client(&database, "SELECT @@GLOBAL.max_allowed_packet"),
        LIMIT
    );
    let store = SeaOrmStore::connect(SeaOrmOptions::new(server.url_of(&database)))
        .await
        .unwrap();
    let document: Vec<u8> = (0..64 * 1024 * 1024_u32).map(|n| (n / 255) as u8).collect();
    let (server, which) = (samples::server(1).unwrap(), RecoveryDocument::Request);
    let request = samples::recovery(1, &server).unwrap();
    let mut work = store.begin().await.unwrap();
    work.insert_server(&server).await.unwrap();
    work.insert_recovery(&request).await.unwrap();
    work.keep_recovery_document(request.id, which, &document)
        .await
        .unwrap();
    let event = samples::event(Action::RecoveryReceive, request.id).unwrap();
    work.append_audit(&event).await.unwrap();
    work.commit().await.unwrap();

    let mut snapshot = store.snapshot().await.unwrap();
    let found = snapshot.recovery_document(request.id, which).await.unwrap();
    assert!(found == Some(document));
}
