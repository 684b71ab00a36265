//! What a `SigningEngine` promises.

use std::sync::Arc;

use keystead_application::ports::{SigningEngine, SigningError, SigningKeyPair};
use keystead_domain::SecretBytes;

use crate::case::{cases, ensure, equal};
use crate::{Suite, Verdict, Violation, samples};

/// How the suite comes by an engine.
pub trait SigningFixture: Send + Sync {
    /// The engine.
    fn engine(&self) -> Arc<dyn SigningEngine>;

    /// Whether it computes Ed25519, so that published test vectors apply.
    fn is_ed25519(&self) -> bool;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn SigningFixture> {
    Suite::new(
        "signing engine",
        cases![
            what_was_signed_is_verified,
            signing_is_deterministic,
            no_key_is_made_twice,
            another_message_is_not_verified,
            a_changed_signature_is_not_verified,
            another_key_does_not_verify,
            a_malformed_private_key_does_not_sign,
            weak_keys_verify_nothing,
            the_published_vectors_hold if ed25519,
        ],
    )
}

fn ed25519(fixture: &(dyn SigningFixture + 'static)) -> Result<(), &'static str> {
    if fixture.is_ed25519() {
        Ok(())
    } else {
        Err("the engine does not compute Ed25519")
    }
}

async fn what_was_signed_is_verified(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture)?;
    equal(
        pair.private_key.expose().len(),
        32,
        "the length of the private key",
    )?;
    for len in [0, 1, 64, 100_000] {
        let message = samples::bytes(1, len);
        let signature = engine.sign(&pair.private_key, &message)?;
        engine.verify(&pair.public_key, &message, &signature)?;
    }
    Ok(())
}

async fn signing_is_deterministic(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture)?;
    let first = engine.sign(&pair.private_key, b"message")?;
    let second = engine.sign(&pair.private_key, b"message")?;
    ensure!(first == second, "the same message gets two signatures");
    Ok(())
}

async fn no_key_is_made_twice(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let (engine, first) = with_key(&fixture)?;
    let second = engine.generate()?;
    ensure!(
        first.public_key != second.public_key,
        "two public keys are the same"
    );
    ensure!(
        first.private_key.expose() != second.private_key.expose(),
        "two private keys are the same"
    );
    Ok(())
}

async fn another_message_is_not_verified(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture)?;
    let signature = engine.sign(&pair.private_key, b"message")?;
    for other in [&b""[..], b"messagE", b"message\0", b"essage"] {
        refused(
            engine.verify(&pair.public_key, other, &signature),
            "another message",
        )?;
    }
    Ok(())
}

async fn a_changed_signature_is_not_verified(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture)?;
    let signature = engine.sign(&pair.private_key, b"message")?;
    for position in 0..64 {
        let mut changed = signature;
        changed[position] ^= 0x08;
        let what = format!("a signature with byte {position} changed");
        refused(engine.verify(&pair.public_key, b"message", &changed), &what)?;
    }
    for other in [[0; 64], [0xff; 64]] {
        refused(
            engine.verify(&pair.public_key, b"message", &other),
            "a signature of one value",
        )?;
    }
    Ok(())
}

async fn another_key_does_not_verify(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture)?;
    let other = engine.generate()?;
    let signature = engine.sign(&pair.private_key, b"message")?;
    refused(
        engine.verify(&other.public_key, b"message", &signature),
        "the key of somebody else",
    )
}

async fn a_malformed_private_key_does_not_sign(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let engine = fixture.engine();
    for len in [0, 1, 31, 33, 64] {
        let key = SecretBytes::new(vec![7; len]);
        match engine.sign(&key, b"message") {
            Err(SigningError::Malformed) => {}
            Err(error) => {
                return Err(Violation::new(format!(
                    "{len} bytes: refused with another error ({error:?})"
                )));
            }
            Ok(_) => return Err(Violation::new(format!("a private key of {len} bytes signs"))),
        }
    }
    Ok(())
}

/// A public key of small order verifies the all-zero scalar for about every message unless the check is strict.
async fn weak_keys_verify_nothing(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let engine = fixture.engine();
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&identity);
    for key in [identity, [0; 32], [0xff; 32]] {
        for message in [&b""[..], b"message", b"another"] {
            refused(engine.verify(&key, message, &signature), "a weak key")?;
        }
    }
    Ok(())
}

/// RFC 8032, section 7.1, tests 1 to 3.
async fn the_published_vectors_hold(fixture: Arc<dyn SigningFixture>) -> Verdict {
    let engine = fixture.engine();
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (private, public, message, signature) in vectors {
        let message = hex(message)?;
        let made = engine.sign(&SecretBytes::new(hex(private)?), &message)?;
        ensure!(
            made.as_slice() == hex(signature)?,
            "the signature of {message:02x?} is another one"
        );
        let public = hex(public)?
            .try_into()
            .map_err(|_| Violation::new("a vector is malformed"))?;
        engine.verify(&public, &message, &made)?;
    }
    Ok(())
}

fn with_key(
    fixture: &Arc<dyn SigningFixture>,
) -> Result<(Arc<dyn SigningEngine>, SigningKeyPair), Violation> {
    let engine = fixture.engine();
    let pair = engine.generate()?;
    Ok((engine, pair))
}

fn refused(result: Result<(), SigningError>, what: &str) -> Verdict {
    match result {
        Err(SigningError::BadSignature) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(()) => Err(Violation::new(format!("{what}: verified"))),
    }
}

fn hex(digits: &str) -> Result<Vec<u8>, Violation> {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
    Ok((0..digits.len()).step_by(2).map(byte).collect::<Result<_, _>>()?)
}
