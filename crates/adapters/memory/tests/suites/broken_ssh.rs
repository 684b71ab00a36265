//! SSH signatures that break a promise each.

use std::sync::Arc;

use keystead_application::ports::{SigningEngine, SigningKeyPair, SshSignatureError, SshSignatures};
use keystead_contract::ssh_signatures::SshSignaturesFixture;
use keystead_domain::{SecretBytes, SshPublicKey};
use keystead_memory::{MemorySigningEngine, MemorySshSignatures};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    VerifiesAnything,
    IgnoresTheMessage,
    IgnoresTheNamespace,
    NeedsNoNamespace,
    IgnoresTheKey,
    TakesMoreBytes,
    TakesAnyPrivateKey,
    HasBareKeys,
    RefusesComments,
    ReadsAnyKind,
    NamesAnotherKey,
    KnowsOneLineEnd,
    KnowsNoMail,
    NeedsNoEnd,
    IsNotEd25519,
}

#[derive(Clone)]
struct BrokenFixture {
    engine: MemorySigningEngine,
    inner: MemorySshSignatures,
    fault: Fault,
}

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        let engine = MemorySigningEngine::new();
        Self {
            inner: MemorySshSignatures::new(engine.clone()),
            engine,
            fault,
        }
    }
}

impl SshSignaturesFixture for BrokenFixture {
    fn signatures(&self) -> Arc<dyn SshSignatures> {
        Arc::new(self.clone())
    }

    fn key_pair(&self) -> SigningKeyPair {
        self.engine.generate().unwrap()
    }

    fn is_ed25519(&self) -> bool {
        self.fault == Fault::IsNotEd25519
    }
}

caught! { ssh_signatures, BrokenFixture;
    a_signature_that_is_always_right: VerifiesAnything => "every_byte_of_a_signature_matters";
    an_ignored_message: IgnoresTheMessage => "another_message_is_not_verified";
    an_ignored_namespace: IgnoresTheNamespace => "another_namespace_is_named";
    no_namespace: NeedsNoNamespace => "a_signature_has_a_namespace";
    an_ignored_key: IgnoresTheKey => "another_key_does_not_verify";
    bytes_behind_a_signature: TakesMoreBytes => "a_cut_or_longer_signature_is_malformed";
    any_private_key: TakesAnyPrivateKey => "a_malformed_private_key_does_not_sign";
    a_key_without_its_kind: HasBareKeys => "a_raw_key_is_an_ssh_key";
    a_key_with_a_comment: RefusesComments => "a_key_is_read_from_its_line";
    a_key_of_another_kind: ReadsAnyKind => "what_is_no_key_is_refused";
    another_key: NamesAnotherKey => "a_signature_names_its_key";
    armor_with_other_line_ends: KnowsOneLineEnd => "armor_comes_off";
    armor_in_a_mail: KnowsNoMail => "armor_comes_off_after_a_mail_program";
    armor_without_an_end: NeedsNoEnd => "what_is_no_armor_is_refused";
    another_algorithm: IsNotEd25519 => "what_openssh_signed_is_verified";
    another_signature: IsNotEd25519 => "the_same_bytes_are_signed_as_openssh_signs";
}

impl SshSignatures for BrokenFixture {
    fn read_key(&self, line: &str) -> Result<SshPublicKey, SshSignatureError> {
        match self.fault {
            Fault::RefusesComments if line.trim_end().split(' ').count() > 2 => {
                Err(SshSignatureError::KeyNotAccepted("there is a comment".to_owned()))
            }
            Fault::ReadsAnyKind => {
                let (_, text) = line.split_once(' ').unwrap_or_default();
                self.inner.read_key(&format!("ssh-ed25519 {text}"))
            }
            _ => self.inner.read_key(line),
        }
    }

    fn ed25519_key(&self, public_key: &[u8; 32]) -> SshPublicKey {
        match self.fault {
            Fault::HasBareKeys => SshPublicKey::new("ssh-ed25519", public_key.to_vec()),
            _ => self.inner.ed25519_key(public_key),
        }
    }

    fn dearmor(&self, armored: &str) -> Result<Vec<u8>, SshSignatureError> {
        match self.fault {
            Fault::KnowsOneLineEnd if armored.contains('\r') => {
                Err(SshSignatureError::Malformed("there is a CR".to_owned()))
            }
            Fault::KnowsNoMail if !armored.starts_with("-----BEGIN") => {
                Err(SshSignatureError::Malformed("there is more".to_owned()))
            }
            Fault::NeedsNoEnd if !armored.contains("-----END") => self
                .inner
                .dearmor(&format!("{armored}-----END SSH SIGNATURE-----\n")),
            _ => self.inner.dearmor(armored),
        }
    }

    fn claimed_key(&self, signature: &[u8]) -> Result<SshPublicKey, SshSignatureError> {
        let key = self.inner.claimed_key(signature)?;
        Ok(match self.fault {
            Fault::NamesAnotherKey => self.inner.ed25519_key(&[1; 32]),
            _ => key,
        })
    }

    fn verify(
        &self,
        key: &SshPublicKey,
        namespace: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SshSignatureError> {
        let verified = self.inner.verify(key, namespace, message, signature);
        match (self.fault, verified) {
            (Fault::VerifiesAnything, _) => Ok(()),
            (Fault::IgnoresTheMessage | Fault::IgnoresTheKey, Err(SshSignatureError::BadSignature))
            | (Fault::IgnoresTheNamespace, Err(SshSignatureError::OtherNamespace { .. })) => Ok(()),
            (Fault::TakesMoreBytes, Err(SshSignatureError::Malformed(_))) => {
                let len = signature.len().saturating_sub(1);
                self.inner.verify(key, namespace, message, &signature[..len])
            }
            (_, verified) => verified,
        }
    }

    fn sign(
        &self,
        private_key: &SecretBytes,
        namespace: &str,
        message: &[u8],
    ) -> Result<Vec<u8>, SshSignatureError> {
        match (self.fault, namespace) {
            (Fault::TakesAnyPrivateKey, _) => {
                self.inner.sign(private_key, namespace, message).or(Ok(vec![1]))
            }
            (Fault::NeedsNoNamespace, "") => self.inner.sign(private_key, "any", message),
            _ => self.inner.sign(private_key, namespace, message),
        }
    }
}
