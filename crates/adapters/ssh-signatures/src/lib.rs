//! Signatures in OpenSSH's format, as `ssh-keygen -Y sign` makes them with a key or an agent.
//!
//! ssh-key reads the formats, AWS-LC computes ECDSA and RSA, ed25519-dalek computes Ed25519. Ed25519 signatures have one
//! spelling, and so have RSA's. One ECDSA signature can be turned into a second one of the same message by whoever sees it,
//! because OpenSSH makes both; so the bytes of a signature name nothing.

mod armor;
mod envelope;
mod key;
mod line;
mod verify;

use ed25519_dalek::{Signer, SigningKey};
use keystead_application::ports::{SshSignatureError, SshSignatures};
use keystead_domain::{SecretBytes, SshPublicKey};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, Signature, SshSig};

use crate::envelope::Envelope;

/// Signatures of OpenSSH.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenSshSignatures;

impl SshSignatures for OpenSshSignatures {
    fn read_key(&self, line: &str) -> Result<SshPublicKey, SshSignatureError> {
        line::read(line).map_err(SshSignatureError::KeyNotAccepted)
    }

    fn ed25519_key(&self, public_key: &[u8; 32]) -> SshPublicKey {
        key::ed25519(public_key)
    }

    fn dearmor(&self, armored: &str) -> Result<Vec<u8>, SshSignatureError> {
        armor::take_off(armored)
    }

    fn claimed_key(&self, signature: &[u8]) -> Result<SshPublicKey, SshSignatureError> {
        Ok(Envelope::parse(signature)?.public_key)
    }

    fn verify(
        &self,
        key: &SshPublicKey,
        namespace: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SshSignatureError> {
        let envelope = Envelope::parse(signature)?;
        if envelope.namespace() != namespace {
            return Err(SshSignatureError::OtherNamespace {
                found: harmless(envelope.namespace()),
                expected: namespace.to_owned(),
            });
        }
        let is_right = envelope.public_key == *key
            && verify::verifies(&envelope.key, &envelope.signed(message), envelope.signature());
        is_right.then_some(()).ok_or(SshSignatureError::BadSignature)
    }

    fn sign(
        &self,
        private_key: &SecretBytes,
        namespace: &str,
        message: &[u8],
    ) -> Result<Vec<u8>, SshSignatureError> {
        let seed: &[u8; 32] = private_key
            .expose()
            .try_into()
            .map_err(|_| SshSignatureError::BadPrivateKey)?;
        let key = SigningKey::from_bytes(seed);
        let signed = envelope::signed_data(namespace, &[], HashAlg::Sha512, message);
        let signature = key.sign(&signed).to_bytes();
        let made = Signature::new(Algorithm::Ed25519, signature.to_vec()).and_then(|signature| {
            let public_key = KeyData::Ed25519(Ed25519PublicKey(key.verifying_key().to_bytes()));
            SshSig::new(public_key, namespace, HashAlg::Sha512, signature)
        });
        made.map_err(|e| SshSignatureError::Malformed(e.to_string()))
            .and_then(|made| envelope::bytes(&made))
    }
}

/// Whoever made the signature chose the namespace, and it is shown to people.
fn harmless(namespace: &str) -> String {
    let is_harmless = |c: &char| c.is_ascii_graphic() || c.is_alphanumeric() || *c == ' ';
    namespace
        .chars()
        .take(80)
        .map(|c| {
            if is_harmless(&c) {
                c
            } else {
                char::REPLACEMENT_CHARACTER
            }
        })
        .collect()
}
