//! Export codecs that break a promise each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{
    DecodedFile, EncodePlan, EncodedPrivateKey, ExportCodec, ExportCodecError, KeyPair, PrivateBlock,
    Protect, PublicBlock,
};
use keystead_contract::export_codec::ExportCodecFixture;
use keystead_contract::samples;
use keystead_domain::{ExportMetadata, Passphrase, SecretBytes};
use keystead_memory::MemoryExportCodec;

use crate::fixtures::Memory;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    TakesAnyPassphrase,
    IgnoresSalt,
    WritesMetadataAnew,
    EndsSignaturesAtZero,
    ReadsTheFirstKey,
    UnlocksToAnotherKey,
    CallsNothingDamaged,
    TripsOverCarriageReturns,
    SignsWithoutPurpose,
    DoesNotProtect,
    WantsPrivateKeys,
    ReadsCutFiles,
}

#[derive(Clone)]
struct BrokenCodec {
    inner: MemoryExportCodec,
    fault: Fault,
    encoded: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
    other_key: Arc<Mutex<Vec<u8>>>,
}

struct BrokenFixture {
    memory: Memory,
    codec: BrokenCodec,
}

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        let codec = BrokenCodec {
            inner: MemoryExportCodec::new(),
            fault,
            encoded: Arc::default(),
            other_key: Arc::default(),
        };
        Self {
            memory: Memory::new(),
            codec,
        }
    }
}

#[async_trait]
impl ExportCodecFixture for BrokenFixture {
    fn codec(&self) -> Arc<dyn ExportCodec> {
        Arc::new(self.codec.clone())
    }

    async fn key_pair(&self) -> KeyPair {
        let other = self.memory.key_pair().await;
        *self.codec.other_key.lock().unwrap() = other.private.expose().to_vec();
        self.memory.key_pair().await
    }

    async fn admits(&self, key: &EncodedPrivateKey) -> bool {
        self.memory.admits(key).await
    }
}

caught! { export_codec, BrokenFixture;
    any_passphrase: TakesAnyPassphrase => "another_passphrase_does_not_unlock";
    an_ignored_salt: IgnoresSalt => "salt_and_vector_are_used";
    metadata_written_anew: WritesMetadataAnew => "metadata_survives_byte_for_byte";
    a_signature_that_ends_at_zero: EndsSignaturesAtZero => "metadata_survives_byte_for_byte";
    the_first_key_only: ReadsTheFirstKey => "several_exports_in_one_file_are_all_read";
    another_key_instead_of_an_error: UnlocksToAnotherKey => "a_changed_protected_key_never_becomes_another_key";
    nothing_called_damaged: CallsNothingDamaged => "a_file_without_a_private_key_is_named_so";
    carriage_returns: TripsOverCarriageReturns => "what_mail_and_editors_add_is_passed_over";
    a_message_without_purpose: SignsWithoutPurpose => "different_metadata_is_signed_differently";
    no_protection: DoesNotProtect => "a_protected_export_is_unlocked_again";
    public_keys_that_need_a_private_one: WantsPrivateKeys => "public_keys_are_found_without_a_private_one";
    a_cut_file_that_is_read: ReadsCutFiles => "a_file_that_was_cut_never_gives_another_key";
}

impl ExportCodec for BrokenCodec {
    fn metadata_json(&self, metadata: &ExportMetadata) -> Result<Vec<u8>, ExportCodecError> {
        self.inner.metadata_json(metadata)
    }

    fn signed_message(&self, metadata_json: &[u8]) -> Vec<u8> {
        match self.fault {
            Fault::SignsWithoutPurpose => metadata_json.to_vec(),
            _ => self.inner.signed_message(metadata_json),
        }
    }

    fn encode(&self, plan: EncodePlan<'_>) -> Result<SecretBytes, ExportCodecError> {
        let any = samples::passphrase(b"any");
        let protect = match plan.protect {
            Protect::Passphrase { .. } if self.fault == Fault::DoesNotProtect => Protect::Unprotected,
            Protect::Passphrase { salt, iv, .. } if self.fault == Fault::TakesAnyPassphrase => {
                Protect::Passphrase {
                    passphrase: &any,
                    salt,
                    iv,
                }
            }
            other => other,
        };
        let same = plan.metadata.json.clone();
        let made = self.inner.encode(EncodePlan { protect, ..plan })?;
        if self.fault != Fault::IgnoresSalt {
            return Ok(made);
        }
        let mut encoded = self.encoded.lock().unwrap();
        let first = encoded.entry(same).or_insert_with(|| made.expose().to_vec());
        Ok(SecretBytes::new(first.clone()))
    }

    fn decode(&self, file: &SecretBytes) -> Result<DecodedFile, ExportCodecError> {
        if self.fault == Fault::TripsOverCarriageReturns && file.expose().contains(&b'\r') {
            return Err(damaged());
        }
        let mut decoded = match self.inner.decode(file) {
            Err(ExportCodecError::NoPrivateKey { .. }) if self.fault == Fault::CallsNothingDamaged => {
                return Err(damaged());
            }
            Err(ExportCodecError::Damaged { .. }) if self.fault == Fault::ReadsCutFiles => DecodedFile {
                privates: vec![PrivateBlock::Plain(EncodedPrivateKey::Pkcs8(SecretBytes::new(
                    vec![0],
                )))],
                publics: Vec::new(),
                metadata: Vec::new(),
            },
            result => result?,
        };
        match self.fault {
            Fault::ReadsTheFirstKey => decoded.privates.truncate(1),
            Fault::WritesMetadataAnew => {
                for block in &mut decoded.metadata {
                    block.signed.json.push(b' ');
                }
            }
            Fault::EndsSignaturesAtZero => {
                for block in &mut decoded.metadata {
                    let end = block.signed.signature.iter().position(|byte| *byte == 0);
                    block.signed.signature.truncate(end.unwrap_or(usize::MAX));
                }
            }
            _ => {}
        }
        Ok(decoded)
    }

    fn public_keys(&self, file: &[u8]) -> Result<Vec<PublicBlock>, ExportCodecError> {
        match self.fault {
            Fault::WantsPrivateKeys => Ok(self.inner.decode(&SecretBytes::new(file.to_vec()))?.publics),
            _ => self.inner.public_keys(file),
        }
    }

    fn unlock(
        &self,
        block: &PrivateBlock,
        passphrase: &Passphrase,
    ) -> Result<EncodedPrivateKey, ExportCodecError> {
        match self.fault {
            Fault::TakesAnyPassphrase => self.inner.unlock(block, &samples::passphrase(b"any")),
            Fault::UnlocksToAnotherKey => self.inner.unlock(block, passphrase).or_else(|_| {
                let other = self.other_key.lock().unwrap().clone();
                Ok(EncodedPrivateKey::Pkcs8(SecretBytes::new(other)))
            }),
            _ => self.inner.unlock(block, passphrase),
        }
    }
}

fn damaged() -> ExportCodecError {
    ExportCodecError::Damaged {
        block: "first".to_owned(),
        why: "it was meant to be".to_owned(),
    }
}
