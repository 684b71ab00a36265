//! What a `MasterKeyProvider` and its `MasterKey` promise.

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider};
use keystead_domain::{SealedBytes, SecretBytes};

use crate::case::{cases, ensure, equal};
use crate::{Suite, Verdict, Violation, samples};

/// How the suite comes by a place for a master key.
#[async_trait]
pub trait MasterKeyFixture: Send + Sync {
    /// A provider whose place is new and holds no master key yet.
    async fn provider(&self) -> Arc<dyn MasterKeyProvider>;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn MasterKeyFixture> {
    Suite::new(
        "master key",
        cases![
            there_is_no_key_before_one_is_made,
            a_key_is_made_once,
            of_many_that_make_a_key_one_does,
            a_loaded_key_is_the_one_that_was_made,
            what_was_sealed_is_opened,
            sealed_bytes_name_their_key,
            sealed_bytes_do_not_show_the_secret,
            sealing_twice_gives_different_bytes,
            another_context_does_not_open,
            changed_bytes_do_not_open,
            another_key_is_named,
            an_unknown_format_is_named,
        ],
    )
}

const CONTEXT: &[u8] = b"keystead/contract/context";

async fn new_key(fixture: &Arc<dyn MasterKeyFixture>) -> Result<Arc<dyn MasterKey>, Violation> {
    Ok(fixture.provider().await.create().await?)
}

async fn there_is_no_key_before_one_is_made(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    for _ in 0..2 {
        ensure!(
            provider.load().await?.is_none(),
            "there is a key already, or loading made one"
        );
    }
    ensure!(!provider.place().is_empty(), "the place has no name");
    Ok(())
}

async fn a_key_is_made_once(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let first = provider.create().await?;
    refused(
        provider.create().await,
        |e| matches!(e, MasterKeyError::Exists(_)),
        "making a second key",
    )?;
    let Some(loaded) = provider.load().await? else {
        return Err(Violation::new("the key is gone after a second one was refused"));
    };
    equal(
        loaded.id(),
        first.id(),
        "the id of the key after a second one was refused",
    )
}

async fn of_many_that_make_a_key_one_does(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let provider = Arc::clone(&provider);
        crowd.spawn(async move { provider.create().await });
    }
    let mut made = Vec::new();
    while let Some(ended) = crowd.join_next().await {
        match ended? {
            Ok(key) => made.push(key),
            Err(MasterKeyError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    equal(made.len(), 1, "the number of keys that were made at once")?;
    let loaded = provider.load().await?.map(|key| key.id().clone());
    equal(
        loaded.as_ref(),
        Some(made[0].id()),
        "the id of the key that is there in the end",
    )
}

async fn a_loaded_key_is_the_one_that_was_made(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let made = provider.create().await?;
    let sealed = made.seal(&secret(32), CONTEXT).await?;
    let Some(loaded) = provider.load().await? else {
        return Err(Violation::new("there is no key after one was made"));
    };
    equal(loaded.id(), made.id(), "the id of the loaded key")?;
    equal(
        loaded.provider(),
        made.provider(),
        "the provider of the loaded key",
    )?;
    opens(&*loaded, &sealed, 32).await?;
    opens(&*made, &loaded.seal(&secret(32), CONTEXT).await?, 32).await
}

async fn what_was_sealed_is_opened(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let key = new_key(&fixture).await?;
    for len in [0, 1, 32, 2_400, 100_000] {
        opens(&*key, &key.seal(&secret(len), CONTEXT).await?, len).await?;
    }
    for context in [&b""[..], &[0; 5_000]] {
        let sealed = key.seal(&secret(32), context).await?;
        let opened = key.open(&sealed, context).await?;
        ensure!(
            opened.expose() == secret(32).expose(),
            "a secret came back changed"
        );
    }
    Ok(())
}

async fn sealed_bytes_name_their_key(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let key = new_key(&fixture).await?;
    let sealed = key.seal(&secret(32), CONTEXT).await?;
    equal(
        &sealed.master_key_id,
        key.id(),
        "the key that the sealed bytes name",
    )?;
    equal(
        sealed.provider.as_str(),
        key.provider(),
        "the provider that the sealed bytes name",
    )?;
    ensure!(
        sealed.format_version > 0,
        "the sealed bytes name no format version"
    );
    ensure!(!sealed.ciphertext.is_empty(), "there are no sealed bytes");
    Ok(())
}

async fn sealed_bytes_do_not_show_the_secret(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let key = new_key(&fixture).await?;
    let sealed = key.seal(&secret(1_000), CONTEXT).await?;
    let secret = secret(1_000);
    let shown = secret
        .expose()
        .chunks(12)
        .any(|part| part.len() == 12 && holds(&sealed.ciphertext, part));
    ensure!(!shown, "a part of the secret stands in the sealed bytes");
    ensure!(
        !holds(&sealed.ciphertext, CONTEXT),
        "the context stands in the sealed bytes"
    );
    Ok(())
}

async fn sealing_twice_gives_different_bytes(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let key = new_key(&fixture).await?;
    let (first, second) = (
        key.seal(&secret(32), CONTEXT).await?,
        key.seal(&secret(32), CONTEXT).await?,
    );
    ensure!(
        first.ciphertext != second.ciphertext,
        "the same secret gives the same bytes"
    );
    opens(&*key, &first, 32).await?;
    opens(&*key, &second, 32).await
}

async fn another_context_does_not_open(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let key = new_key(&fixture).await?;
    let sealed = key.seal(&secret(32), CONTEXT).await?;
    for other in [
        &b""[..],
        &CONTEXT[1..],
        b"keystead/contract/context\0",
        b"keystead/contract/Context",
    ] {
        refused(
            key.open(&sealed, other).await,
            damaged,
            "opening in another context",
        )?;
    }
    let of_nothing = key.seal(&secret(32), b"").await?;
    refused(
        key.open(&of_nothing, CONTEXT).await,
        damaged,
        "opening in a context of its own",
    )
}

async fn changed_bytes_do_not_open(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let key = new_key(&fixture).await?;
    let sealed = key.seal(&secret(32), CONTEXT).await?;
    let good = &sealed.ciphertext;
    let mut others = vec![
        vec![],
        good[..good.len() - 1].to_vec(),
        good[1..].to_vec(),
        [good.as_slice(), &[0]].concat(),
    ];
    for position in 0..good.len() {
        let mut changed = good.clone();
        changed[position] ^= 0x20;
        others.push(changed);
    }
    for ciphertext in others {
        let what = format!("opening {} changed bytes", ciphertext.len());
        let changed = SealedBytes {
            ciphertext,
            ..sealed.clone()
        };
        refused(key.open(&changed, CONTEXT).await, damaged, &what)?;
    }
    Ok(())
}

async fn another_key_is_named(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let (first, second) = (new_key(&fixture).await?, new_key(&fixture).await?);
    ensure!(
        first.id() != second.id(),
        "two keys have the same id {}",
        first.id()
    );
    let sealed = first.seal(&secret(32), CONTEXT).await?;
    match second.open(&sealed, CONTEXT).await {
        Err(MasterKeyError::OtherKey {
            sealed_under,
            at_hand,
        }) => {
            equal(&sealed_under, first.id(), "the key that sealed, as named")?;
            equal(&at_hand, second.id(), "the key at hand, as named")?;
        }
        Err(error) => return Err(Violation::new(format!("refused with another error ({error:?})"))),
        Ok(_) => return Err(Violation::new("another key opened it")),
    }
    // A name is not what decides: the bytes of one key under the name of the other do not open either.
    let renamed = SealedBytes {
        master_key_id: second.id().clone(),
        ..sealed
    };
    refused(
        second.open(&renamed, CONTEXT).await,
        damaged,
        "opening what another key sealed, under a wrong name",
    )
}

async fn an_unknown_format_is_named(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let key = new_key(&fixture).await?;
    let sealed = key.seal(&secret(32), CONTEXT).await?;
    let later = SealedBytes {
        format_version: u16::MAX,
        ..sealed
    };
    let named = |error: &MasterKeyError| matches!(error, MasterKeyError::UnknownFormat(u16::MAX));
    refused(
        key.open(&later, CONTEXT).await,
        named,
        "opening a format of the future",
    )
}

fn secret(len: usize) -> SecretBytes {
    SecretBytes::new(samples::bytes(6, len))
}

async fn opens(key: &dyn MasterKey, sealed: &SealedBytes, len: usize) -> Verdict {
    let opened = key.open(sealed, CONTEXT).await?;
    ensure!(
        opened.expose() == secret(len).expose(),
        "a secret of {len} bytes came back changed"
    );
    Ok(())
}

fn damaged(error: &MasterKeyError) -> bool {
    matches!(error, MasterKeyError::Damaged)
}

fn refused<T>(
    result: Result<T, MasterKeyError>,
    as_expected: fn(&MasterKeyError) -> bool,
    what: &str,
) -> Verdict {
    match result {
        Err(error) if as_expected(&error) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: accepted"))),
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
