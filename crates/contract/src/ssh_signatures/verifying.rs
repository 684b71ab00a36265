use std::sync::Arc;

use keystead_application::ports::{SshSignatureError, SshSignatures};
use keystead_domain::{SecretBytes, SshPublicKey};

use super::{NAMESPACE, SshSignaturesFixture, bad_signature, malformed, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn SshSignaturesFixture>> {
    cases![
        what_was_signed_is_verified,
        another_message_is_not_verified,
        another_namespace_is_named,
        a_signature_has_a_namespace,
        another_key_does_not_verify,
        every_byte_of_a_signature_matters,
        a_cut_or_longer_signature_is_malformed,
        a_malformed_private_key_does_not_sign,
    ]
}

async fn what_was_signed_is_verified(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let (signatures, pair) = (fixture.signatures(), fixture.key_pair());
    let key = signatures.ed25519_key(&pair.public_key);
    for len in [0, 1, 64, 100_000] {
        let message = samples::bytes(41, len);
        for namespace in [NAMESPACE, "file", "approval@keystead"] {
            let signature = signatures.sign(&pair.private_key, namespace, &message)?;
            signatures.verify(&key, namespace, &message, &signature)?;
        }
    }
    Ok(())
}

async fn another_message_is_not_verified(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let Signed {
        signatures,
        key,
        signature,
    } = signed(&fixture)?;
    for other in [&b""[..], b"messagE", b"message\0", b"essage"] {
        refused(
            signatures.verify(&key, NAMESPACE, other, &signature),
            bad_signature,
            "another message",
        )?;
    }
    Ok(())
}

async fn another_namespace_is_named(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let Signed {
        signatures,
        key,
        signature,
    } = signed(&fixture)?;
    for other in ["file", "keystead-contract-2", "keystead", "KEYSTEAD-CONTRACT", ""] {
        match signatures.verify(&key, other, b"message", &signature) {
            Err(SshSignatureError::OtherNamespace { found, expected }) => {
                equal(
                    found.as_str(),
                    NAMESPACE,
                    "the namespace of the signature, as named",
                )?;
                equal(expected.as_str(), other, "the namespace asked for, as named")?;
            }
            Err(error) => {
                return Err(Violation::new(format!(
                    "{other:?}: refused with another error ({error:?})"
                )));
            }
            Ok(()) => return Err(Violation::new(format!("{other:?}: verified"))),
        }
    }
    Ok(())
}

/// PROTOCOL.sshsig: the namespace must not be empty.
async fn a_signature_has_a_namespace(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let (signatures, pair) = (fixture.signatures(), fixture.key_pair());
    refused(
        signatures.sign(&pair.private_key, "", b"message"),
        malformed,
        "signing without a namespace",
    )
}

async fn another_key_does_not_verify(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let Signed {
        signatures,
        signature,
        ..
    } = signed(&fixture)?;
    let other = signatures.ed25519_key(&fixture.key_pair().public_key);
    refused(
        signatures.verify(&other, NAMESPACE, b"message", &signature),
        bad_signature,
        "the key of somebody else",
    )
}

async fn every_byte_of_a_signature_matters(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let Signed {
        signatures,
        key,
        signature,
    } = signed(&fixture)?;
    for position in 0..signature.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut changed = signature.clone();
            changed[position] ^= bit;
            let accepted = signatures.verify(&key, NAMESPACE, b"message", &changed).is_ok();
            ensure!(!accepted, "a signature with byte {position} changed: verified");
        }
    }
    Ok(())
}

async fn a_cut_or_longer_signature_is_malformed(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let Signed {
        signatures,
        key,
        signature,
    } = signed(&fixture)?;
    for len in 0..signature.len() {
        let what = format!("{len} of {} bytes", signature.len());
        let verified = signatures.verify(&key, NAMESPACE, b"message", &signature[..len]);
        refused(verified, malformed, &what)?;
    }
    for more in [&b"\0"[..], b"\n", b"\0\0\0\0", &signature] {
        let longer = [&signature, more].concat();
        let what = format!("a signature with {} bytes behind it", more.len());
        let verified = signatures.verify(&key, NAMESPACE, b"message", &longer);
        refused(verified, malformed, &what)?;
    }
    Ok(())
}

async fn a_malformed_private_key_does_not_sign(fixture: Arc<dyn SshSignaturesFixture>) -> Verdict {
    let signatures = fixture.signatures();
    for len in [0, 1, 31, 33, 64] {
        let key = SecretBytes::new(vec![7; len]);
        let bad_key = |error: &SshSignatureError| matches!(error, SshSignatureError::BadPrivateKey);
        refused(
            signatures.sign(&key, NAMESPACE, b"message"),
            bad_key,
            &format!("a private key of {len} bytes"),
        )?;
    }
    Ok(())
}

struct Signed {
    signatures: Arc<dyn SshSignatures>,
    key: SshPublicKey,
    signature: Vec<u8>,
}

/// A key and its signature of `message`.
fn signed(fixture: &Arc<dyn SshSignaturesFixture>) -> Result<Signed, Violation> {
    let (signatures, pair) = (fixture.signatures(), fixture.key_pair());
    let key = signatures.ed25519_key(&pair.public_key);
    let signature = signatures.sign(&pair.private_key, NAMESPACE, b"message")?;
    Ok(Signed {
        signatures,
        key,
        signature,
    })
}
