use std::sync::Arc;

use keystead_domain::{
    ExportMetadata, Fingerprint, KeysetId, Passphrase, Protection, PublicKey, SecretBytes,
    pair_by_fingerprint,
};
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use super::KeysetError;
use super::shared::off_runtime;
use crate::ports::{
    DecodedFile, EncodedPrivateKey, ExportCodec, FileShares, KeyPair, MetadataBlock, PrivateBlock, RsaEngine,
    ShareError, ShareErrorKind, Store,
};

/// The longest file that is read as an export, in bytes: room for a thousand keysets.
pub const MAX_EXPORT_FILE: u64 = 16 * 1024 * 1024;

/// What is set aside for a file at once, in bytes: a vector that grows leaves copies of what it held behind, and few
/// exports are longer.
const ROOM: usize = 1024 * 1024;

/// Reads an export and tells what is in it. Stores nothing.
pub struct ExamineExport<'a> {
    /// Reads the format.
    pub codec: Arc<dyn ExportCodec>,
    /// Checks the keys.
    pub rsa: &'a dyn RsaEngine,
}

/// What an export holds.
pub struct ExaminedExport {
    /// Its keysets, in the order of their private keys.
    pub keysets: Vec<ExaminedKeyset>,
}

/// One keyset of an export.
pub struct ExaminedKeyset {
    /// Its public key; unknown when the private key is protected, the file holds no public key for it, and no
    /// passphrase was given.
    pub public: Option<PublicKey>,
    /// What its signed metadata block says. The signature was verified.
    pub metadata: Option<ExportMetadata>,
    /// How the private key is protected.
    pub protection: Protection,
    /// Both halves, admitted; absent when no passphrase was given for a protected key.
    pub pair: Option<KeyPair>,
}

/// Reads a whole export file from a share.
///
/// # Errors
/// When it cannot be read, or is longer than [`MAX_EXPORT_FILE`].
pub async fn load_export_file(shares: &FileShares, location: &str) -> Result<SecretBytes, KeysetError> {
    let located = shares.locate(location).await?;
    let reader = located.share.read(&located.path).await?;
    let mut file = Zeroizing::new(Vec::with_capacity(ROOM));
    reader
        .take(MAX_EXPORT_FILE + 1)
        .read_to_end(&mut file)
        .await
        .map_err(|e| {
            ShareError::new(
                ShareErrorKind::Unavailable,
                "read the file",
                location,
                e.to_string(),
            )
        })?;
    if file.len() as u64 > MAX_EXPORT_FILE {
        return Err(KeysetError::FileTooLong(MAX_EXPORT_FILE));
    }
    Ok(SecretBytes::from_zeroizing(file))
}

impl ExamineExport<'_> {
    /// Reads the blocks, checks every key that can be read, and pairs what belongs together.
    ///
    /// # Errors
    /// When the file is no export, a key is not accepted, or the blocks do not belong together.
    pub async fn run(
        &self,
        file: SecretBytes,
        passphrase: Option<Arc<Passphrase>>,
    ) -> Result<ExaminedExport, KeysetError> {
        let codec = Arc::clone(&self.codec);
        let DecodedFile {
            privates,
            publics,
            metadata,
        } = off_runtime(move || codec.decode(&file)).await??;
        let publics = publics
            .iter()
            .map(|block| self.rsa.read_public(&block.0))
            .collect::<Result<Vec<PublicKey>, _>>()?;

        let mut keysets = Vec::with_capacity(privates.len());
        for block in privates {
            let protection = block.protection();
            let pair = match self.unlock(block, passphrase.clone()).await? {
                Some(encoded) => Some(self.rsa.admit(encoded).await?),
                None => None,
            };
            let public = pair.as_ref().map(|pair| pair.public.clone());
            keysets.push(ExaminedKeyset {
                public,
                metadata: None,
                protection,
                pair,
            });
        }
        name_locked_keysets(&mut keysets, &publics);
        self.attach_metadata(&mut keysets, &publics, &metadata)?;
        Ok(ExaminedExport { keysets })
    }

    async fn unlock(
        &self,
        block: PrivateBlock,
        passphrase: Option<Arc<Passphrase>>,
    ) -> Result<Option<EncodedPrivateKey>, KeysetError> {
        match (block, passphrase) {
            (PrivateBlock::Plain(encoded), _) => Ok(Some(encoded)),
            (PrivateBlock::Protected { .. }, None) => Ok(None),
            (block @ PrivateBlock::Protected { .. }, Some(passphrase)) => {
                let codec = Arc::clone(&self.codec);
                Ok(Some(
                    off_runtime(move || codec.unlock(&block, &passphrase)).await??,
                ))
            }
        }
    }

    fn attach_metadata(
        &self,
        keysets: &mut [ExaminedKeyset],
        publics: &[PublicKey],
        blocks: &[MetadataBlock],
    ) -> Result<(), KeysetError> {
        let known: Vec<usize> = (0..keysets.len())
            .filter(|i| keysets[*i].public.is_some())
            .collect();
        let privates: Vec<Fingerprint> = known
            .iter()
            .filter_map(|i| keysets[*i].public.as_ref())
            .map(PublicKey::fingerprint)
            .collect();
        let public_prints: Vec<_> = publics.iter().map(PublicKey::fingerprint).collect();
        // While a private key is still locked and nameless, a block may be its; what can be told is told.
        let nameless = keysets.len() - known.len();
        let blocks: Vec<&MetadataBlock> = blocks
            .iter()
            .filter(|block| nameless == 0 || privates.contains(&block.metadata.fingerprint))
            .collect();
        let block_prints: Vec<_> = blocks.iter().map(|block| block.metadata.fingerprint).collect();

        let pairs = pair_by_fingerprint(&privates, &public_prints, &block_prints)?;
        for (i, block) in known.into_iter().zip(pairs) {
            if let (Some(block), Some(public)) = (block, &keysets[i].public) {
                self.verify(blocks[block], public)?;
                keysets[i].metadata = Some(blocks[block].metadata.clone());
            }
        }
        Ok(())
    }

    fn verify(&self, block: &MetadataBlock, public: &PublicKey) -> Result<(), KeysetError> {
        let changed = KeysetError::MetadataChanged(public.fingerprint());
        let message = self.codec.signed_message(&block.signed.json);
        if self
            .rsa
            .verify(public, &message, &block.signed.signature)
            .is_err()
        {
            return Err(changed);
        }
        if block.metadata.bits != public.bits() {
            Err(changed)
        } else {
            Ok(())
        }
    }
}

/// Gives the public keys that are left over to the private keys that are still locked, in their order. An import unlocks
/// them and pairs by fingerprint; this is for looking at a file without its passphrase.
fn name_locked_keysets(keysets: &mut [ExaminedKeyset], publics: &[PublicKey]) {
    let taken: Vec<Fingerprint> = keysets
        .iter()
        .filter_map(|k| k.public.as_ref())
        .map(PublicKey::fingerprint)
        .collect();
    let mut left_over = publics.iter().filter(|p| !taken.contains(&p.fingerprint()));
    for keyset in keysets.iter_mut().filter(|k| k.public.is_none()) {
        keyset.public = left_over.next().cloned();
    }
}

impl ExaminedExport {
    /// Whether a passphrase is needed to import it.
    #[must_use]
    pub fn needs_passphrase(&self) -> bool {
        self.keysets.iter().any(|k| k.pair.is_none())
    }
}

impl ExaminedKeyset {
    /// The id that this keyset has here already.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn already_here(&self, store: &dyn Store) -> Result<Option<KeysetId>, KeysetError> {
        let Some(public) = &self.public else {
            return Ok(None);
        };
        let found = store
            .snapshot()
            .await?
            .find_by_fingerprint(&public.fingerprint())
            .await?;
        Ok(found.map(|keyset| keyset.id()))
    }
}
