use keystead_application::ports::{Schema, StoreErrorKind};
use keystead_seaorm::{SeaOrmOptions, SeaOrmStore};
use keystead_test_servers::{Certificates, PostgresServer, Settings};

use crate::support::*;

#[tokio::test]
async fn a_server_has_to_show_the_right_certificate_for_its_name() {
    let (Some(right), Some(wrong)) = (Certificates::new("localhost"), Certificates::new("localhost")) else {
        return;
    };
    let Some(server) = PostgresServer::start_with_tls(Settings::default(), &right) else {
        return;
    };
    let database = server.create_database();
    let url = |host: &str, mode: &str, authority: &Certificates| {
        let url = server.url_of(&database).replace("127.0.0.1", host);
        format!(
            "{url}?sslmode={mode}&sslrootcert={}",
            authority.authority().display()
        )
    };
    let trusted = url("localhost", "verify-full", &right);
    schema(&trusted).migrate().await.unwrap();
    let store = SeaOrmStore::connect(SeaOrmOptions::new(trusted)).await.unwrap();
    insert(&store, 1).await.unwrap();
    let sql = "SELECT bool_and(ssl), count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
               WHERE application_name = 'keystead'";
    assert_eq!(server.client(&database, sql), "t|t");

    // Another authority; another name than the certificate's; no authority that this machine knows.
    let without = server.url_of(&database).replace("127.0.0.1", "localhost") + "?sslmode=verify-full";
    for url in [
        url("localhost", "verify-full", &wrong),
        url("127.0.0.1", "verify-full", &right),
        without.clone(),
    ] {
        let refused = schema(&url).status().await.unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{refused:?}");
        assert!(
            refused.to_string().contains("check the server's certificate"),
            "{refused}"
        );
    }
    let no_file = format!("{without}&sslrootcert=/nowhere/ca.pem");
    let refused = schema(&no_file).status().await.unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Unavailable, "{refused:?}");
    assert!(
        refused.to_string().contains("certificates that the URL names"),
        "{refused}"
    );
    // The name does not matter where only the authority is asked for.
    schema(&url("127.0.0.1", "verify-ca", &right))
        .status()
        .await
        .unwrap();
    // This server lets nobody in without TLS.
    let refused = schema(&url("localhost", "disable", &right)).status().await;
    assert_eq!(kind_of(refused), Some(StoreErrorKind::Unavailable));
}
