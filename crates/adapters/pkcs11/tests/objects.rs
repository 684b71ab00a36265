//! Key objects that an administrator makes under the label of the master key, with pkcs11-tool.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider};
use keystead_contract::block_on;
use keystead_domain::SecretBytes;
use support::with_softhsm;

fn secret() -> SecretBytes {
    SecretBytes::new(b"the private key".to_vec())
}

fn why<T>(result: Result<T, MasterKeyError>) -> String {
    match result {
        Err(error @ MasterKeyError::Unusable { .. }) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it worked"),
    }
}

async fn opens(key: &Arc<dyn MasterKey>) {
    let sealed = key.seal(&secret(), b"row").await.unwrap();
    let opened = key.open(&sealed, b"row").await.unwrap();
    assert_eq!(opened.expose(), secret().expose());
}

#[test]
fn a_key_that_can_be_read_is_refused() {
    with_softhsm("a_key_that_can_be_read_is_refused", |softhsm| {
        let args = [
            "--keygen",
            "--key-type",
            "AES:32",
            "--label",
            "my key",
            "--id",
            "01",
        ];
        softhsm.as_user(&args);
        let why = why(block_on(softhsm.provider().keys()));
        assert!(why.contains("CKA_SENSITIVE"), "{why}");
    });
}

#[test]
fn a_key_that_an_administrator_made_is_used() {
    with_softhsm("a_key_that_an_administrator_made_is_used", |softhsm| {
        let args = [
            "--keygen",
            "--key-type",
            "AES:32",
            "--label",
            "my key",
            "--id",
            "0a",
            "--sensitive",
        ];
        softhsm.as_user(&args);
        block_on(async {
            let keys = softhsm.provider().keys().await.unwrap();
            assert_eq!(keys[0].id().as_str(), "pkcs11-0a");
            opens(&keys[0]).await;
        });
    });
}

/// A key that is not the one that sealed, under the same name: which of them a call would get is chance.
#[test]
fn keys_that_nothing_tells_apart_are_refused() {
    with_softhsm("keys_that_nothing_tells_apart_are_refused", |softhsm| {
        block_on(async {
            let provider = softhsm.provider();
            let key = provider.create().await.unwrap();
            let sealed = key.seal(&secret(), b"row").await.unwrap();
            let id = key.id().as_str().strip_prefix("pkcs11-").unwrap();
            let make = |label: &str| {
                let kind = ["--keygen", "--key-type", "AES:32", "--sensitive"];
                softhsm.as_user(&[&kind[..], &["--label", label, "--id", id]].concat());
            };
            // Under another label it is another key.
            make("their key");
            assert_eq!(provider.keys().await.unwrap().len(), 1);
            for count in 2..=3 {
                make("my key");
                for why in [
                    why(provider.keys().await),
                    why(provider.create().await),
                    why(provider.promote(key.id()).await),
                    why(key.open(&sealed, b"row").await),
                    why(key.seal(&secret(), b"row").await),
                ] {
                    let told = format!("{count} key objects on the token have the label \"my key\"");
                    assert!(why.contains(&told) && why.contains(id), "{why}");
                    assert!(why.contains("delete none"), "{why}");
                }
            }
        });
    });
}
