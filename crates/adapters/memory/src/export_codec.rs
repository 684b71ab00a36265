mod blocks;
mod metadata;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keystead_application::ports::{
    DecodedFile, EncodePlan, EncodedPrivateKey, EncodedPublicKey, ExportCodec, ExportCodecError,
    MetadataBlock, PrivateBlock, Protect, PublicBlock, SignedMetadata,
};
use keystead_domain::{ExportMetadata, Kdf, Passphrase, Protection, SecretBytes};

use self::blocks::{Block, read_blocks, write_block};
use crate::token::{lock, token};

const PRIVATE: &str = "MEMORY PRIVATE KEY";
const PROTECTED: &str = "MEMORY PROTECTED KEY";
const PUBLIC: &str = "MEMORY PUBLIC KEY";
const METADATA: &str = "MEMORY KEYSET";

/// A codec for export files that only it and its clones can read: a protected key is a token in the file.
#[derive(Clone, Default)]
pub struct MemoryExportCodec {
    protected: Arc<Mutex<HashMap<Vec<u8>, ProtectedKey>>>,
}

struct ProtectedKey {
    passphrase: Passphrase,
    private: SecretBytes,
}

impl MemoryExportCodec {
    /// A codec that has written no file yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn protect(&self, private: &[u8], passphrase: &Passphrase) -> Vec<u8> {
        let handle = token(64);
        let key = ProtectedKey {
            passphrase: Passphrase::new(passphrase.expose().to_vec().into()),
            private: SecretBytes::new(private.to_vec()),
        };
        lock(&self.protected).insert(handle.clone(), key);
        handle
    }
}

impl ExportCodec for MemoryExportCodec {
    fn metadata_json(&self, metadata: &ExportMetadata) -> Result<Vec<u8>, ExportCodecError> {
        metadata::to_json(metadata)
    }

    fn signed_message(&self, metadata_json: &[u8]) -> Vec<u8> {
        [b"keystead-memory-keyset\0", metadata_json].concat()
    }

    fn encode(&self, plan: EncodePlan<'_>) -> Result<SecretBytes, ExportCodecError> {
        let EncodePlan {
            private,
            public,
            metadata: SignedMetadata { json, signature },
            protect,
        } = plan;
        let mut text = String::new();
        match protect {
            Protect::Unprotected => write_block(&mut text, PRIVATE, private.expose()),
            // There is no derivation that salt and initialisation vector could go into.
            Protect::Passphrase {
                passphrase,
                salt: _,
                iv: _,
            } => {
                write_block(&mut text, PROTECTED, &self.protect(private.expose(), passphrase));
            }
        }
        write_block(&mut text, PUBLIC, public.spki_der());
        write_block(&mut text, METADATA, &[json.as_slice(), &[0], &signature].concat());
        Ok(SecretBytes::new(text.into_bytes()))
    }

    fn decode(&self, file: &SecretBytes) -> Result<DecodedFile, ExportCodecError> {
        let mut decoded = DecodedFile {
            privates: Vec::new(),
            publics: Vec::new(),
            metadata: Vec::new(),
        };
        let text = String::from_utf8_lossy(file.expose());
        for Block { label, bytes } in read_blocks(&text)? {
            match label.as_str() {
                PRIVATE => {
                    let key = EncodedPrivateKey::Pkcs8(SecretBytes::new(bytes));
                    decoded.privates.push(PrivateBlock::Plain(key));
                }
                PROTECTED => decoded.privates.push(PrivateBlock::Protected {
                    der: bytes,
                    protection: Protection::Passphrase(Kdf::Pbkdf2 { iterations: 600_000 }),
                }),
                PUBLIC => decoded.publics.push(PublicBlock(EncodedPublicKey::Spki(bytes))),
                METADATA => decoded.metadata.push(metadata_block(&bytes)?),
                _ => {}
            }
        }
        if decoded.privates.is_empty() {
            return Err(ExportCodecError::NoPrivateKey {
                found: format!("a text of {} bytes", file.expose().len()),
            });
        }
        Ok(decoded)
    }

    fn public_keys(&self, file: &[u8]) -> Result<Vec<PublicBlock>, ExportCodecError> {
        let blocks = read_blocks(&String::from_utf8_lossy(file))?;
        let publics = blocks.into_iter().filter(|block| block.label == PUBLIC);
        Ok(publics
            .map(|block| PublicBlock(EncodedPublicKey::Spki(block.bytes)))
            .collect())
    }

    fn unlock(
        &self,
        block: &PrivateBlock,
        passphrase: &Passphrase,
    ) -> Result<EncodedPrivateKey, ExportCodecError> {
        let copy = |bytes: &SecretBytes| SecretBytes::new(bytes.expose().to_vec());
        match block {
            PrivateBlock::Plain(EncodedPrivateKey::Pkcs8(bytes)) => Ok(EncodedPrivateKey::Pkcs8(copy(bytes))),
            PrivateBlock::Plain(EncodedPrivateKey::Pkcs1(bytes)) => Ok(EncodedPrivateKey::Pkcs1(copy(bytes))),
            PrivateBlock::Protected { der, .. } => match lock(&self.protected).get(der) {
                Some(key) if key.passphrase.expose() == passphrase.expose() => {
                    Ok(EncodedPrivateKey::Pkcs8(copy(&key.private)))
                }
                Some(_) | None => Err(ExportCodecError::NotUnlocked),
            },
        }
    }
}

fn metadata_block(bytes: &[u8]) -> Result<MetadataBlock, ExportCodecError> {
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .ok_or_else(|| ExportCodecError::Damaged {
            block: METADATA.to_owned(),
            why: "it has no signature".to_owned(),
        })?;
    let (json, signature) = (&bytes[..end], &bytes[end + 1..]);
    Ok(MetadataBlock {
        metadata: metadata::from_json(json, METADATA)?,
        signed: SignedMetadata {
            json: json.to_vec(),
            signature: signature.to_vec(),
        },
    })
}
