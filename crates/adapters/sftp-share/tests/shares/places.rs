//! What addresses mean.

use std::sync::Arc;

use keystead_application::ports::{FileShares, Location, Replace, ShareErrorKind, ShareProvider};
use keystead_test_servers::SshServer;

use crate::support::{access, access_to, content, provider, put, share_of};

#[tokio::test]
async fn a_tilde_is_the_login_folder_and_the_receipt_names_the_url() {
    let Some(server) = SshServer::start() else { return };
    let folder = server.make_folder("keys");
    let mut access = access_to(&server, &server.root());
    access.address.names = vec!["~".to_owned(), "keys".to_owned()];
    let share = provider().connect(&access).await.unwrap();
    let receipt = put(&share, "k 1.pem", b"content", Replace::Never).await.unwrap();
    assert_eq!(std::fs::read(folder.join("k 1.pem")).unwrap(), b"content");
    let port = server.port();
    let url = format!("sftp://{}@127.0.0.1:{port}/~/keys/k%201.pem", server.user());
    assert_eq!(receipt.place, url);
    assert_eq!(
        share.place(&keystead_application::ports::SharePath::new("k 1.pem")),
        url
    );

    // A share that is the whole server: the tilde is in the path.
    access.address.names.clear();
    let server_itself = provider().connect(&access).await.unwrap();
    assert_eq!(
        content(&server_itself, "~/keys/k 1.pem").await.unwrap(),
        b"content"
    );
    let whole = folder.join("k 1.pem");
    assert_eq!(
        content(&server_itself, whole.to_str().unwrap()).await.unwrap(),
        b"content"
    );
}

#[tokio::test]
async fn two_shares_of_one_server_do_not_disturb_each_other() {
    let Some(server) = SshServer::start() else { return };
    let (one, two) = (server.make_folder("one"), server.make_folder("two"));
    let (one, two) = (share_of(&server, &one).await, share_of(&server, &two).await);
    put(&one, "k.pem", b"1", Replace::Never).await.unwrap();
    put(&two, "k.pem", b"2", Replace::Never).await.unwrap();
    assert_eq!(content(&one, "k.pem").await.unwrap(), b"1");
    assert_eq!(content(&two, "k.pem").await.unwrap(), b"2");
}

#[tokio::test]
async fn addresses_that_name_no_host_are_refused() {
    let refused = provider()
        .connect(&access("sftp:///srv/keys", &[]))
        .await
        .err()
        .unwrap();
    assert_eq!(refused.kind, ShareErrorKind::BadLocation, "{refused}");
    let shares = FileShares::new(vec![Arc::new(provider())]);
    for text in ["sftp://user:secret@host/k.pem", "sftp://host/a/../b"] {
        let error = shares.locate(text).await.err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert!(!provider().takes_plain_paths());
    assert_eq!(provider().default_port("sftp"), Some(22));
    let paths = provider()
        .settings()
        .iter()
        .filter(|setting| setting.is_path)
        .count();
    assert_eq!(paths, 2, "key_file and known_hosts are files of this machine");
    let location = Location::parse("sftp://");
    assert!(provider().locate(&location, None).await.is_err());
}
