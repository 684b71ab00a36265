use keystead_application::ports::{
    DecodedFile, EncodePlan, EncodedPrivateKey, ExportCodec, ExportCodecError, PrivateBlock, PublicBlock,
};
use keystead_domain::{ExportMetadata, MAX_PBKDF2_ITERATIONS, Passphrase, SecretBytes};

use crate::{decode, encode, encryption, metadata};

/// The fewest PBKDF2 iterations that a new export is protected with.
pub const MIN_PBKDF2_ITERATIONS: u32 = 600_000;

/// How exports are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemOptions {
    /// The PBKDF2 iterations that a passphrase goes through.
    pub pbkdf2_iterations: u32,
}

impl Default for PemOptions {
    fn default() -> Self {
        Self {
            pbkdf2_iterations: MIN_PBKDF2_ITERATIONS,
        }
    }
}

/// Options that would write weak exports, or exports that are not read again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} PBKDF2 iterations are not accepted for exports; choose {MIN_PBKDF2_ITERATIONS} to {MAX_PBKDF2_ITERATIONS}"
)]
pub struct InvalidPemOptions(u32);

/// Writes and reads export files.
///
/// It reads files of other makers too: PKCS#8 in the clear and with PBES2, and PKCS#1, with LF or CRLF, a byte order
/// mark, text around the blocks and blanks at the ends of lines. Blocks that cannot hold a private key are passed over.
/// Blocks that hold one of a kind that is not read are refused by name, because a file is imported whole or not at all.
#[derive(Debug)]
pub struct PemExportCodec {
    options: PemOptions,
}

impl PemExportCodec {
    /// A codec that writes with these options.
    ///
    /// # Errors
    /// When the number of iterations is out of range.
    pub fn new(options: PemOptions) -> Result<Self, InvalidPemOptions> {
        let iterations = options.pbkdf2_iterations;
        if (MIN_PBKDF2_ITERATIONS..=MAX_PBKDF2_ITERATIONS).contains(&iterations) {
            Ok(Self { options })
        } else {
            Err(InvalidPemOptions(iterations))
        }
    }
}

impl ExportCodec for PemExportCodec {
    fn metadata_json(&self, metadata: &ExportMetadata) -> Result<Vec<u8>, ExportCodecError> {
        metadata::to_json(metadata)
    }

    fn signed_message(&self, metadata_json: &[u8]) -> Vec<u8> {
        metadata::signed_message(metadata_json)
    }

    fn encode(&self, plan: EncodePlan<'_>) -> Result<SecretBytes, ExportCodecError> {
        encode::encode(plan, self.options.pbkdf2_iterations)
    }

    fn decode(&self, file: &SecretBytes) -> Result<DecodedFile, ExportCodecError> {
        decode::decode(file.expose())
    }

    fn public_keys(&self, file: &[u8]) -> Result<Vec<PublicBlock>, ExportCodecError> {
        decode::public_keys(file)
    }

    fn unlock(
        &self,
        block: &PrivateBlock,
        passphrase: &Passphrase,
    ) -> Result<EncodedPrivateKey, ExportCodecError> {
        let copy = |bytes: &SecretBytes| SecretBytes::new(bytes.expose().to_vec());
        match block {
            PrivateBlock::Protected { der, protection: _ } => encryption::unlock(der, passphrase),
            // Nothing to unlock.
            PrivateBlock::Plain(EncodedPrivateKey::Pkcs8(der)) => Ok(EncodedPrivateKey::Pkcs8(copy(der))),
            PrivateBlock::Plain(EncodedPrivateKey::Pkcs1(der)) => Ok(EncodedPrivateKey::Pkcs1(copy(der))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_and_unreadable_options_are_refused() {
        let with = |pbkdf2_iterations| PemExportCodec::new(PemOptions { pbkdf2_iterations });
        assert!(with(599_999).is_err());
        assert!(with(600_000).is_ok());
        assert!(with(10_000_000).is_ok());
        assert!(with(10_000_001).is_err());
    }
}
