use std::sync::Arc;

use keystead_domain::GenerateBits;

use super::{RsaEngineFixture, bad_signature, refused, with_key};
use crate::case::{cases, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn RsaEngineFixture>> {
    cases![
        what_was_signed_is_verified,
        a_changed_message_is_not_verified,
        a_changed_signature_is_not_verified,
        another_key_does_not_verify,
    ]
}

async fn what_was_signed_is_verified(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let key = engine.load(&pair.private).await?;
    for len in [0, 1, 31, 1_000, 100_000] {
        let message = samples::bytes(5, len);
        for _ in 0..2 {
            let signature = key.sign(&message).await?;
            equal(signature.len(), 256, "the length of the signature")?;
            engine.verify(&pair.public, &message, &signature)?;
        }
    }
    Ok(())
}

async fn a_changed_message_is_not_verified(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let signature = engine.load(&pair.private).await?.sign(b"message").await?;
    for other in [&b""[..], b"messagE", b"message\0", b"essage", b"Message"] {
        refused(
            engine.verify(&pair.public, other, &signature),
            bad_signature,
            "another message",
        )?;
    }
    Ok(())
}

async fn a_changed_signature_is_not_verified(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let signature = engine.load(&pair.private).await?.sign(b"message").await?;
    let mut others = vec![
        vec![],
        vec![0; 256],
        vec![0xff; 256],
        signature[..255].to_vec(),
        signature[1..].to_vec(),
        [&[0], signature.as_slice()].concat(),
        [signature.as_slice(), &[0]].concat(),
    ];
    for position in [0, 1, 100, 255] {
        let mut changed = signature.clone();
        changed[position] ^= 0x10;
        others.push(changed);
    }
    for other in others {
        let what = format!("a changed signature of {} bytes", other.len());
        refused(
            engine.verify(&pair.public, b"message", &other),
            bad_signature,
            &what,
        )?;
    }
    Ok(())
}

async fn another_key_does_not_verify(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let signature = engine.load(&pair.private).await?.sign(b"message").await?;
    for bits in [GenerateBits::B2048, GenerateBits::B3072] {
        let other = engine.generate(bits).await?.public;
        refused(
            engine.verify(&other, b"message", &signature),
            bad_signature,
            "the key of somebody else",
        )?;
    }
    Ok(())
}
