//! What a user of a token relies on, with SoftHSM as the token and pkcs11-tool as the one that looks.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use cryptoki::context::Pkcs11;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider};
use keystead_contract::block_on;
use keystead_domain::{SealedBytes, SecretBytes};
use support::{LABEL, PIN, Pin, SO_PIN, provider, with_softhsm};

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

/// Why the token stays locked.
fn locked<T>(result: Result<T, MasterKeyError>) -> String {
    match result {
        Err(error @ MasterKeyError::NotUnlocked { .. }) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it opened"),
    }
}

async fn opens(key: &Arc<dyn MasterKey>) {
    let sealed = key.seal(&secret(), b"row").await.unwrap();
    let opened = key.open(&sealed, b"row").await.unwrap();
    assert_eq!(opened.expose(), secret().expose());
}

#[test]
fn the_key_never_leaves_the_token() {
    with_softhsm("the_key_never_leaves_the_token", |softhsm| {
        let id = block_on(async {
            let key = softhsm.provider().create().await.unwrap();
            opens(&key).await;
            key.id().to_string()
        });
        let list = softhsm.as_user(&["--list-objects", "--type", "secrkey"]);
        assert_eq!(list.matches("Secret Key Object").count(), 1, "{list}");
        assert!(
            list.contains("AES length 32") && list.contains("my key"),
            "{list}"
        );
        assert!(list.contains(id.strip_prefix("pkcs11-").unwrap()), "{list}");
        let access = list.lines().find(|line| line.contains("Access:")).unwrap();
        for word in ["sensitive", "always sensitive", "never extractable", "local"] {
            assert!(access.contains(word), "{list}");
        }
        let usage = list.lines().find(|line| line.contains("Usage:")).unwrap();
        assert!(
            usage.contains("encrypt, decrypt") && !usage.contains("wrap"),
            "{list}"
        );
        let anybody = softhsm.pkcs11_tool(&["--list-objects"]);
        assert!(!String::from_utf8_lossy(&anybody.stdout).contains("my key"));
    });
}

#[test]
fn another_process_finds_the_keys_and_what_they_sealed() {
    with_softhsm("another_process_finds_the_keys_and_what_they_sealed", |softhsm| {
        let (sealed, ids) = block_on(async {
            let provider = softhsm.provider();
            let first = provider.create().await.unwrap();
            let second = provider.create_successor().await.unwrap();
            let sealed = first.seal(&secret(), b"row").await.unwrap();
            (sealed, [first.id().clone(), second.id().clone()])
        });
        // All users are gone, so the module was finalised; this begins anew.
        block_on(async {
            let provider = softhsm.provider();
            let keys = provider.keys().await.unwrap();
            assert_eq!(keys.len(), 2);
            for id in &ids {
                assert!(keys.iter().any(|key| key.id() == id));
            }
            let key = keys.iter().find(|key| *key.id() == ids[0]).unwrap();
            assert_eq!(
                key.open(&sealed, b"row").await.unwrap().expose(),
                secret().expose()
            );
            assert!(matches!(
                key.open(&sealed, b"other row").await,
                Err(MasterKeyError::Damaged)
            ));
            let promotion = provider.promote(&ids[1]).await.unwrap();
            let kept = format!("the PKCS#11 token {LABEL:?}, as {}", ids[0]);
            assert_eq!(promotion.old_kept_at, Some(kept));
            assert_eq!(promotion.to_do, None);
            // With a third one, nobody knows which was in use.
            provider.create_successor().await.unwrap();
            let promotion = provider.promote(&ids[1]).await.unwrap();
            let kept = promotion.old_kept_at.unwrap();
            assert!(
                kept.contains("2 other keys") && !kept.contains(ids[0].as_str()),
                "{kept}"
            );
            let unknown = why(provider.promote(&"pkcs11-00".parse().unwrap()).await);
            assert!(unknown.contains("pkcs11-00"), "{unknown}");
        });
    });
}

#[test]
fn the_pin_is_asked_for_once() {
    with_softhsm("the_pin_is_asked_for_once", |softhsm| {
        block_on(async {
            let pin = Pin::right();
            let provider = provider(softhsm.options(&pin));
            assert_eq!(pin.asked(), 0);
            let key = provider.create().await.unwrap();
            for _ in 0..3 {
                opens(&key).await;
                assert_eq!(provider.keys().await.unwrap().len(), 1);
            }
            assert_eq!(pin.asked(), 1);
        });
    });
}

#[test]
fn a_wrong_pin_is_told_and_not_tried_again() {
    with_softhsm("a_wrong_pin_is_told_and_not_tried_again", |softhsm| {
        block_on(async {
            let pin = Pin::of(&["a wrong one", "a wrong one", PIN]);
            let provider = provider(softhsm.options(&pin));
            let first = locked(provider.keys().await);
            assert!(
                first.contains("refused the PIN") && first.contains("lock"),
                "{first}"
            );
            let second = locked(provider.keys().await);
            assert!(second.contains("not tried again"), "{second}");
            assert!(!(first + &second).contains("a wrong one"));
            assert!(provider.keys().await.unwrap().is_empty());
            assert_eq!(pin.asked(), 3);
        });
    });
}

#[test]
fn without_a_pin_the_token_stays_locked() {
    with_softhsm("without_a_pin_the_token_stays_locked", |softhsm| {
        let why = locked(block_on(provider(softhsm.options(&Pin::of(&[]))).keys()));
        assert!(why.contains("nobody is there to ask"), "{why}");
    });
}

#[test]
fn a_missing_token_is_told_with_those_that_are_there() {
    with_softhsm("a_missing_token_is_told_with_those_that_are_there", |softhsm| {
        softhsm.init_token("another one");
        block_on(async {
            let mut options = softhsm.options(&Pin::right());
            options.token_label = "gone".to_owned();
            let why = why(provider(options).keys().await);
            assert!(why.contains(r#"no token with the label "gone""#), "{why}");
            assert!(why.contains(LABEL) && why.contains("another one"), "{why}");
        });
    });
}

#[test]
fn two_tokens_with_one_label_are_refused() {
    with_softhsm("two_tokens_with_one_label_are_refused", |softhsm| {
        softhsm.init_token(LABEL);
        let why = why(block_on(softhsm.provider().keys()));
        assert!(why.contains("several tokens have the label"), "{why}");
    });
}

#[test]
fn a_module_that_is_none_is_told() {
    with_softhsm("a_module_that_is_none_is_told", |softhsm| {
        block_on(async {
            let text = std::env::temp_dir().join("gone/module.so");
            for (module, told) in [
                (text, "cannot be loaded"),
                ("libm.so.6".into(), "is not a PKCS#11 module"),
            ] {
                let pin = Pin::right();
                let mut options = softhsm.options(&pin);
                options.module = module.clone();
                let why = why(provider(options).keys().await);
                assert!(why.contains(told), "{why}");
                assert!(why.contains(&module.display().to_string()), "{why}");
                assert_eq!(pin.asked(), 0);
            }
        });
    });
}

#[test]
fn a_token_without_a_user_pin_is_told() {
    with_softhsm("a_token_without_a_user_pin_is_told", |softhsm| {
        let args = [
            "--slot-index",
            "1",
            "--init-token",
            "--label",
            "fresh",
            "--so-pin",
            SO_PIN,
        ];
        let made = softhsm
            .command("pkcs11-tool")
            .arg("--module")
            .arg(&softhsm.module)
            .args(args)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        block_on(async {
            let pin = Pin::right();
            let mut options = softhsm.options(&pin);
            options.token_label = "fresh".to_owned();
            let why = why(provider(options).keys().await);
            assert!(
                why.contains("no user PIN yet") && why.contains("--init-pin"),
                "{why}"
            );
            assert_eq!(pin.asked(), 0);
        });
    });
}

#[test]
fn a_key_object_that_was_deleted_is_told() {
    with_softhsm("a_key_object_that_was_deleted_is_told", |softhsm| {
        block_on(async {
            let provider = softhsm.provider();
            let key = provider.create().await.unwrap();
            let sealed = key.seal(&secret(), b"row").await.unwrap();
            softhsm.as_user(&["--delete-object", "--type", "secrkey", "--label", "my key"]);
            for why in [
                why(key.open(&sealed, b"row").await),
                why(key.seal(&secret(), b"row").await),
            ] {
                assert!(why.contains("not on the token any more"), "{why}");
            }
            assert!(provider.keys().await.unwrap().is_empty());
        });
    });
}

#[test]
fn a_lost_session_is_opened_again_without_asking() {
    with_softhsm("a_lost_session_is_opened_again_without_asking", |softhsm| {
        block_on(async {
            let pin = Pin::right();
            let provider = provider(softhsm.options(&pin));
            let key = provider.create().await.unwrap();
            let sealed = key.seal(&secret(), b"row").await.unwrap();
            // The same module in the same process is the same state: this ends all sessions.
            Pkcs11::new(&softhsm.module).unwrap().finalize().unwrap();
            assert_eq!(
                key.open(&sealed, b"row").await.unwrap().expose(),
                secret().expose()
            );
            assert_eq!(pin.asked(), 1);
        });
    });
}

/// The bytes were made with libsodium, and with the same key that pkcs11-tool puts on the token here.
#[test]
fn the_sealed_format_stays_the_same() {
    const SEALED: &str = "03030303030303030303030300f7854e78aad6f32cb27fcaa95070088d23093936e0f2cb67466c735a4d836444ab13708b\
                          19ac569dd5825456b57e8f0202020202020202020202020202020202020202020202028529b3a81f38f9753650364c0155b8\
                          9211000c0d7b92b76a1857636c13a05c";
    with_softhsm("the_sealed_format_stays_the_same", |softhsm| {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, [5; 32]).unwrap();
        let args = [
            "--type",
            "secrkey",
            "--key-type",
            "AES:32",
            "--label",
            "my key",
            "--id",
            "0b",
            "--sensitive",
        ];
        softhsm.as_user(&[&["--write-object", file.to_str().unwrap()][..], &args].concat());
        let digits = SEALED
            .as_bytes()
            .chunks(2)
            .map(|two| std::str::from_utf8(two).unwrap());
        let sealed = SealedBytes {
            master_key_id: "pkcs11-0b".parse().unwrap(),
            provider: "pkcs11".to_owned(),
            format_version: 1,
            ciphertext: digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect(),
        };
        // One thread is enough, also where asking for the PIN waits for something.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let keys = softhsm.provider().keys().await.unwrap();
            let opened = keys[0].open(&sealed, b"row").await.unwrap();
            assert_eq!(opened.expose(), secret().expose());
        });
    });
}

#[test]
fn many_use_one_token_at_once() {
    with_softhsm("many_use_one_token_at_once", |softhsm| {
        block_on(async {
            let first = softhsm.provider();
            let key = first.create().await.unwrap();
            let sealed = Arc::new(key.seal(&secret(), b"row").await.unwrap());
            let mut crowd = tokio::task::JoinSet::new();
            for _ in 0..16 {
                let (provider, sealed) = (softhsm.provider(), Arc::clone(&sealed));
                crowd.spawn(async move {
                    let keys = provider.keys().await.unwrap();
                    keys[0].open(&sealed, b"row").await.unwrap().expose().to_vec()
                });
            }
            let opened = crowd.join_all().await;
            assert!(opened.iter().all(|opened| opened == secret().expose()));
            // Those that are gone took the module from nobody.
            opens(&key).await;
        });
    });
}
