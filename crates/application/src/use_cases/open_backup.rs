use std::sync::Arc;

use keystead_domain::{
    Action, Actor, FileKey, Fingerprint, Keyset, KeysetSlot, Outcome, Passphrase, SecretBytes,
};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::custody::Custody;
use super::dearmored::Dearmored;
use super::pump::{Progress, pump};
use super::shared::off_runtime;
use super::{BackupError, ExamineExport, KeysetError};
use crate::ports::{
    Clock, ExportCodec, LoadedKey, MasterKey, ParsedHeader, RsaEngine, RsaError, SealedFormat,
    SealedFormatError, SealedHeader, ShareWriter, Store,
};

/// How many keysets with the same tag are tried for one slot. A tag has 32 bits, so more than one is an accident.
const MAX_SAME_TAG: u32 = 8;

/// Opens a sealed file: first its header is read, then one of the `unlock` methods finds the file key and verifies the
/// header with it, and only then content comes out.
pub struct OpenBackup {
    /// Reads the format.
    pub format: Arc<dyn SealedFormat>,
}

/// A sealed file whose header has been read.
pub struct SealedSource<'a> {
    /// The header. Unverified.
    pub header: SealedHeader,
    /// Where the payload begins: bytes that were read along with the header.
    first: Vec<u8>,
    /// The rest of the file.
    rest: Box<dyn AsyncRead + Send + Unpin + 'a>,
}

/// A file key that has verified the header.
pub struct UnlockedBackup {
    file_key: FileKey,
    /// What opened it.
    pub with: Opened,
}

/// What opened a sealed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// A keyset.
    Keyset(Fingerprint),
    /// A password.
    Password,
}

/// A slot of a sealed file, for people.
#[derive(Debug, Clone)]
pub enum SlotView {
    /// For a keyset.
    Keyset {
        /// The slot.
        slot: KeysetSlot,
        /// The keyset here that it most likely belongs to.
        here: Option<Box<Keyset>>,
    },
    /// For a password.
    Password {
        /// The hint, if there is one.
        hint: Option<String>,
    },
    /// Of a kind that this program does not know.
    Other(String),
}

impl OpenBackup {
    /// Reads the header of a sealed file.
    ///
    /// # Errors
    /// When this is no sealed file.
    pub async fn read_header<'a>(
        &self,
        mut input: Box<dyn AsyncRead + Send + Unpin + 'a>,
    ) -> Result<SealedSource<'a>, BackupError> {
        let mut bytes = Vec::with_capacity(8 * 1024);
        let mut armor_is_off = false;
        loop {
            if !armor_is_off && self.format.is_armored(&bytes) == Some(true) {
                let begun = std::mem::take(&mut bytes);
                input = Box::new(Dearmored::new(begun, input, self.format.dearmor()?));
                armor_is_off = true;
            }
            match self.format.parse_header(&bytes)? {
                ParsedHeader::Complete { header, len } => {
                    let first = bytes.split_off(len);
                    return Ok(SealedSource {
                        header: *header,
                        first,
                        rest: input,
                    });
                }
                ParsedHeader::NeedsMore => {
                    // Doubling keeps the work of looking again proportional to the length.
                    let more = (bytes.len() as u64).max(4096);
                    let read = (&mut input).take(more).read_to_end(&mut bytes).await;
                    if read.map_err(BackupError::Input)? == 0 {
                        let what = if bytes.is_empty() {
                            "it is empty"
                        } else {
                            "it ends within its header"
                        };
                        return Err(SealedFormatError::NotSealed(what.into()).into());
                    }
                }
            }
        }
    }

    /// Lists the slots, with the keysets here that they belong to.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn slots(
        &self,
        source: &SealedSource<'_>,
        store: Option<&dyn Store>,
    ) -> Result<Vec<SlotView>, BackupError> {
        let mut views = Vec::new();
        for slot in &source.header.keysets {
            let candidates = match store {
                Some(store) => candidates(store, slot).await?,
                None => Vec::new(),
            };
            let here = match slot.fingerprint {
                Some(named) => candidates.into_iter().find(|k| k.fingerprint() == named),
                None => candidates.into_iter().next(),
            };
            views.push(SlotView::Keyset {
                slot: slot.clone(),
                here: here.map(Box::new),
            });
        }
        for slot in &source.header.passwords {
            views.push(SlotView::Password {
                hint: slot.hint.as_ref().map(ToString::to_string),
            });
        }
        views.extend(source.header.others.iter().cloned().map(SlotView::Other));
        Ok(views)
    }

    /// Finds the file key with a keyset of the installation; `None` when none of them is here. The use of the private
    /// key is in the audit trail before the key is touched.
    ///
    /// # Errors
    /// When the header was changed, or the key cannot be used.
    pub async fn unlock_with_keysets(
        &self,
        source: &SealedSource<'_>,
        keys: &KeysetAccess<'_>,
        actor: &Actor,
    ) -> Result<Option<UnlockedBackup>, BackupError> {
        for slot in &source.header.keysets {
            for keyset in candidates(keys.store, slot).await? {
                if let Some(unlocked) = self.try_keyset(source, slot, keyset, keys, actor).await? {
                    return Ok(Some(unlocked));
                }
            }
        }
        Ok(None)
    }

    async fn try_keyset(
        &self,
        source: &SealedSource<'_>,
        slot: &KeysetSlot,
        keyset: Keyset,
        keys: &KeysetAccess<'_>,
        actor: &Actor,
    ) -> Result<Option<UnlockedBackup>, BackupError> {
        let custody = Custody {
            store: keys.store,
            master_key: keys.master_key,
            rsa: keys.rsa,
            clock: keys.clock,
        };
        let file = source
            .header
            .info
            .as_ref()
            .map_or_else(|| "unnamed".to_owned(), |i| i.file_id.to_string());
        let details = vec![("file_id_unverified", file)];
        let begun = custody
            .begin(actor, Action::BackupOpen, vec![keyset.clone()], details)
            .await?;
        let unwrapped = async {
            let released = custody.release(&begun, &keyset).await?;
            self.unwrap(source, slot, released.loaded.as_ref()).await
        };
        match unwrapped.await {
            Ok(file_key) => {
                custody.finish(&begun, Outcome::Done, &[]).await?;
                Ok(Some(UnlockedBackup {
                    file_key,
                    with: Opened::Keyset(keyset.fingerprint()),
                }))
            }
            Err(error) => {
                let why = [("failed_because", error.to_string())];
                custody.finish(&begun, Outcome::Failed, &why).await?;
                match error {
                    // Another key with the same short tag.
                    BackupError::Rsa(RsaError::NotDecrypted) => Ok(None),
                    other => Err(other),
                }
            }
        }
    }

    /// Finds the file key with an exported keyset; no installation is needed.
    ///
    /// # Errors
    /// When the export is not usable or opens none of the slots.
    pub async fn unlock_with_identity(
        &self,
        source: &SealedSource<'_>,
        export: SecretBytes,
        passphrase: Option<Arc<Passphrase>>,
        codec: Arc<dyn ExportCodec>,
        rsa: &dyn RsaEngine,
    ) -> Result<UnlockedBackup, BackupError> {
        let examined = ExamineExport { codec, rsa }.run(export, passphrase).await?;
        if examined.needs_passphrase() {
            return Err(KeysetError::PassphraseNeeded.into());
        }
        for pair in examined.keysets.into_iter().filter_map(|keyset| keyset.pair) {
            let matching = source
                .header
                .keysets
                .iter()
                .filter(|slot| slot.tag == pair.public.tag());
            for slot in matching {
                let loaded = rsa.load(&pair.private).await?;
                match self.unwrap(source, slot, loaded.as_ref()).await {
                    Ok(file_key) => {
                        let with = Opened::Keyset(pair.public.fingerprint());
                        return Ok(UnlockedBackup { file_key, with });
                    }
                    Err(BackupError::Rsa(RsaError::NotDecrypted)) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        Err(BackupError::OtherIdentity {
            needed: needed(&source.header),
        })
    }

    /// Finds the file key with a password; no installation is needed.
    ///
    /// # Errors
    /// When the password opens none of the slots, or a slot asks for too much work.
    pub async fn unlock_with_password(
        &self,
        source: &SealedSource<'_>,
        password: Passphrase,
    ) -> Result<UnlockedBackup, BackupError> {
        if source.header.passwords.is_empty() {
            return Err(BackupError::NoPasswordSlot);
        }
        let password = Arc::new(password);
        // One slot is what this program writes; the bound keeps a made-up file from asking for a day of work.
        for slot in source.header.passwords.iter().take(MAX_PASSWORD_SLOTS) {
            let (format, slot, password) = (Arc::clone(&self.format), slot.clone(), Arc::clone(&password));
            match off_runtime(move || format.unwrap_with_password(&slot, &password)).await? {
                Ok(file_key) => {
                    self.format.verify_header(&source.header, &file_key)?;
                    return Ok(UnlockedBackup {
                        file_key,
                        with: Opened::Password,
                    });
                }
                Err(SealedFormatError::NotUnlocked) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(BackupError::WrongPassword)
    }

    /// Writes the content, in constant memory; each part was authenticated before. The caller publishes the output
    /// when this has succeeded.
    ///
    /// # Errors
    /// When the file is damaged or cut off, or writing fails.
    pub async fn write_content(
        &self,
        source: SealedSource<'_>,
        unlocked: &UnlockedBackup,
        output: &mut dyn ShareWriter,
        progress: Progress<'_>,
    ) -> Result<u64, BackupError> {
        let SealedSource {
            header: _,
            first,
            mut rest,
        } = source;
        let stream = self.format.open_payload(&unlocked.file_key)?;
        pump(stream, first, &mut *rest, output, progress).await
    }

    async fn unwrap(
        &self,
        source: &SealedSource<'_>,
        slot: &KeysetSlot,
        key: &dyn LoadedKey,
    ) -> Result<FileKey, BackupError> {
        let unwrapped = key.decrypt(self.format.keyset_label(), &slot.wrapped).await?;
        let file_key = FileKey::from_unwrapped(&unwrapped).ok_or(RsaError::NotDecrypted)?;
        self.format.verify_header(&source.header, &file_key)?;
        Ok(file_key)
    }
}

const MAX_PASSWORD_SLOTS: usize = 4;

/// What is needed to open with the keysets of an installation.
pub struct KeysetAccess<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// Opens their private keys.
    pub master_key: &'a dyn MasterKey,
    /// Uses them.
    pub rsa: &'a dyn RsaEngine,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// What opens a file, for messages.
#[must_use]
pub fn needed(header: &SealedHeader) -> String {
    let name = |slot: &KeysetSlot| match slot.fingerprint {
        Some(fingerprint) => format!("keyset {}", fingerprint.short()),
        None => "an unnamed RSA keyset".to_owned(),
    };
    let mut names: Vec<String> = header.keysets.iter().take(8).map(name).collect();
    if !header.passwords.is_empty() {
        names.push("its password".to_owned());
    }
    if !header.others.is_empty() {
        names.push("keys of another program".to_owned());
    }
    names.join(" or ")
}

async fn candidates(store: &dyn Store, slot: &KeysetSlot) -> Result<Vec<Keyset>, BackupError> {
    let mut found = store
        .snapshot()
        .await?
        .find_by_tag(slot.tag, MAX_SAME_TAG)
        .await?;
    // The one that the file names comes first; what the file says is not believed beyond that.
    found.sort_by_key(|keyset| Some(keyset.fingerprint()) != slot.fingerprint);
    Ok(found)
}
