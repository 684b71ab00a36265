use std::sync::Arc;

use keystead_domain::{GenerateBits, SecretBytes};

use super::{RsaEngineFixture, not_decrypted, refused, with_key};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn RsaEngineFixture>> {
    cases![
        what_was_encrypted_is_decrypted,
        a_text_that_is_too_long_is_refused,
        encrypting_twice_gives_different_ciphertexts,
        another_label_does_not_decrypt,
        another_key_does_not_decrypt,
        a_changed_ciphertext_does_not_decrypt,
        a_ciphertext_of_another_length_does_not_decrypt,
        one_loaded_key_serves_many_at_once,
    ]
}

const LABEL: &[u8] = b"keystead/contract/label";
/// A modulus of 2048 bits, less two digests of SHA-256 and two bytes (RFC 8017, section 7.1.1).
const LONGEST: usize = 256 - 2 * 32 - 2;

async fn what_was_encrypted_is_decrypted(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let key = engine.load(&pair.private).await?;
    for label in [LABEL, b"", b"age-encryption.org/v1/ssh-rsa", &[0; 300]] {
        for len in [0, 1, 16, 32, LONGEST] {
            let text = SecretBytes::new(samples::bytes(4, len));
            let ciphertext = engine.encrypt(&pair.public, label, &text)?;
            equal(ciphertext.len(), 256, "the length of the ciphertext")?;
            let opened = key.decrypt(label, &ciphertext).await?;
            ensure!(
                opened.expose() == text.expose(),
                "a text of {len} bytes came back changed"
            );
        }
    }
    Ok(())
}

async fn a_text_that_is_too_long_is_refused(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    for len in [LONGEST + 1, 256, 10_000] {
        let text = SecretBytes::new(vec![1; len]);
        ensure!(
            engine.encrypt(&pair.public, LABEL, &text).is_err(),
            "a text of {len} bytes was encrypted"
        );
    }
    Ok(())
}

async fn encrypting_twice_gives_different_ciphertexts(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let text = SecretBytes::new(vec![1; 16]);
    let first = engine.encrypt(&pair.public, LABEL, &text)?;
    let second = engine.encrypt(&pair.public, LABEL, &text)?;
    ensure!(first != second, "the same text gives the same ciphertext");
    Ok(())
}

async fn another_label_does_not_decrypt(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let key = engine.load(&pair.private).await?;
    let ciphertext = engine.encrypt(&pair.public, LABEL, &SecretBytes::new(vec![1; 16]))?;
    for other in [
        &LABEL[1..],
        b"",
        b"keystead/contract/Label",
        b"keystead/contract/label\0",
    ] {
        refused(
            key.decrypt(other, &ciphertext).await,
            not_decrypted,
            "decrypting with another label",
        )?;
    }
    Ok(())
}

async fn another_key_does_not_decrypt(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let ciphertext = engine.encrypt(&pair.public, LABEL, &SecretBytes::new(vec![1; 16]))?;
    for bits in [GenerateBits::B2048, GenerateBits::B3072] {
        let other = engine.generate(bits).await?;
        let key = engine.load(&other.private).await?;
        refused(
            key.decrypt(LABEL, &ciphertext).await,
            not_decrypted,
            "decrypting with another key",
        )?;
    }
    Ok(())
}

async fn a_changed_ciphertext_does_not_decrypt(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let key = engine.load(&pair.private).await?;
    let ciphertext = engine.encrypt(&pair.public, LABEL, &SecretBytes::new(vec![1; 16]))?;
    for (position, bit) in [(0, 0x01), (0, 0x80), (1, 0x40), (128, 0x10), (255, 0x01)] {
        let mut changed = ciphertext.clone();
        changed[position] ^= bit;
        let what = format!("a ciphertext with byte {position} changed");
        refused(key.decrypt(LABEL, &changed).await, not_decrypted, &what)?;
    }
    Ok(())
}

async fn a_ciphertext_of_another_length_does_not_decrypt(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let key = engine.load(&pair.private).await?;
    let ciphertext = engine.encrypt(&pair.public, LABEL, &SecretBytes::new(vec![1; 16]))?;
    let mut longer = ciphertext.clone();
    longer.push(0);
    let mut shifted = vec![0];
    shifted.extend_from_slice(&ciphertext);
    let others = [
        vec![],
        ciphertext[..255].to_vec(),
        ciphertext[1..].to_vec(),
        longer,
        shifted,
        vec![0; 256],
        vec![0xff; 256],
        vec![1; 100_000],
    ];
    for other in others {
        let what = format!("a ciphertext of {} bytes", other.len());
        refused(key.decrypt(LABEL, &other).await, not_decrypted, &what)?;
    }
    Ok(())
}

async fn one_loaded_key_serves_many_at_once(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let key = Arc::new(engine.load(&pair.private).await?);
    let mut crowd = tokio::task::JoinSet::new();
    for n in 0..8 {
        let text = samples::bytes(n, 16);
        let ciphertext = engine.encrypt(&pair.public, LABEL, &SecretBytes::new(text.clone()))?;
        let key = Arc::clone(&key);
        crowd.spawn(async move {
            let opened = key.decrypt(LABEL, &ciphertext).await?;
            ensure!(opened.expose() == text, "text {n} came back changed");
            Ok::<_, Violation>(())
        });
    }
    while let Some(ended) = crowd.join_next().await {
        ended??;
    }
    Ok(())
}
