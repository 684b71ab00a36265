use std::sync::Arc;

use keystead_application::ports::MasterKeyError;
use keystead_domain::SealedBytes;

use super::{CONTEXT, MasterKeyFixture, damaged, is_other, new_key, opens, refused, secret};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn MasterKeyFixture>> {
    cases![
        what_was_sealed_is_opened,
        sealed_bytes_name_their_key,
        sealed_bytes_do_not_show_the_secret,
        sealing_twice_gives_different_bytes,
        another_context_does_not_open,
        changed_bytes_do_not_open,
        another_key_is_named,
        an_unknown_format_is_named,
    ]
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
    is_other(&*second, &sealed, first.id()).await?;
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

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
