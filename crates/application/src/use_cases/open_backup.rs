use std::sync::Arc;

use keystead_domain::{
    Action, Actor, AuditEvent, FileKey, Fingerprint, Keyset, KeysetSlot, Outcome, Passphrase, RequestId,
    SecretBytes,
};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::custody::Custody;
use super::dearmored::Dearmored;
use super::pump::{Progress, pump};
use super::shared::{off_runtime, record_refusal};
use super::slots::{SlotView, by_tag, candidates, file_name, fitting, needed};
use super::{BackupError, ExamineExport, KeysetError};
use crate::ports::{
    Clock, ExportCodec, LoadedKey, MasterKey, ParsedHeader, RsaEngine, RsaError, SealedFormat,
    SealedFormatError, SealedHeader, ShareWriter, Store,
};

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
    /// The header's bytes, without armor.
    pub header_bytes: Vec<u8>,
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
    /// A key that a manager gave in answer to a recovery request.
    Recovered(RequestId),
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
                        header_bytes: bytes,
                        first,
                        rest: input,
                    });
                }
                ParsedHeader::NeedsMore => {
                    // Doubling keeps the work of looking again proportional to the length.
                    let more = (bytes.len() as u64).max(4096);
                    let read = (&mut input).take(more).read_to_end(&mut bytes).await;
                    if read.map_err(BackupError::of_input)? == 0 {
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
        header: &SealedHeader,
        store: Option<&dyn Store>,
    ) -> Result<Vec<SlotView>, BackupError> {
        let mut views = Vec::new();
        for group in by_tag(header) {
            let here = match store {
                Some(store) => candidates(store, &group).await?,
                None => Vec::new(),
            };
            for slot in group {
                let here = match slot.fingerprint {
                    Some(named) => here.iter().find(|k| k.fingerprint() == named),
                    None => here.first(),
                };
                let (slot, here) = (slot.clone(), here.cloned().map(Box::new));
                views.push(SlotView::Keyset { slot, here });
            }
        }
        for slot in &header.passwords {
            views.push(SlotView::Password {
                hint: slot.hint.as_ref().map(ToString::to_string),
            });
        }
        views.extend(header.others.iter().cloned().map(SlotView::Other));
        Ok(views)
    }

    /// Finds the file key with a keyset of the installation; `None` when none of them is here, which is a refused attempt
    /// in the audit trail. The use of a private key is there before the key is touched.
    ///
    /// # Errors
    /// When the header was changed, or a key that is here cannot be used and no other one opens the file.
    pub async fn unlock_with_keysets(
        &self,
        header: &SealedHeader,
        keys: &KeysetAccess<'_>,
        actor: &Actor,
    ) -> Result<Option<UnlockedBackup>, BackupError> {
        let mut trouble = None;
        for group in by_tag(header) {
            for keyset in candidates(keys.store, &group).await? {
                match self.try_keyset(header, &group, keyset, keys, actor).await {
                    Ok(Some(unlocked)) => return Ok(Some(unlocked)),
                    Ok(None) => {}
                    // One key that cannot be used does not keep another from opening the file.
                    Err(error) => trouble = trouble.or(Some(error)),
                }
            }
        }
        if let Some(error) = trouble {
            return Err(error);
        }
        let event = AuditEvent::new(
            keys.clock.now(),
            actor.clone(),
            Action::BackupOpen,
            Outcome::Refused,
        )
        .with("file_id_unverified", file_name(header))
        .with("refused_because", "no keyset that opens it is here");
        record_refusal(keys.store, event).await;
        Ok(None)
    }

    /// Tries a keyset on the slots that could be its: one use of its key, however many slots there are.
    async fn try_keyset(
        &self,
        header: &SealedHeader,
        slots: &[&KeysetSlot],
        keyset: Keyset,
        keys: &KeysetAccess<'_>,
        actor: &Actor,
    ) -> Result<Option<UnlockedBackup>, BackupError> {
        let fitting = fitting(slots, keyset.public_key());
        if fitting.is_empty() {
            return Ok(None);
        }
        let KeysetAccess {
            store,
            master_key,
            rsa,
            clock,
        } = *keys;
        let custody = Custody {
            store,
            master_key,
            rsa,
            clock,
        };
        let details = vec![("file_id_unverified", file_name(header))];
        let begun = custody
            .begin(actor, Action::BackupOpen, vec![keyset.clone()], details)
            .await?;
        let unwrapped = async {
            let released = custody.release(&begun, &keyset).await?;
            self.unwrap_one(header, &fitting, released.loaded.as_ref()).await
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
        header: &SealedHeader,
        export: SecretBytes,
        passphrase: Option<Arc<Passphrase>>,
        codec: Arc<dyn ExportCodec>,
        rsa: &dyn RsaEngine,
    ) -> Result<UnlockedBackup, BackupError> {
        let examined = ExamineExport { codec, rsa }.run(export, passphrase).await?;
        if examined.needs_passphrase() {
            return Err(KeysetError::PassphraseNeeded.into());
        }
        let groups = by_tag(header);
        for pair in examined.keysets.into_iter().filter_map(|keyset| keyset.pair) {
            let group = groups.iter().find(|group| group[0].tag == pair.public.tag());
            let fitting = group.map_or_else(Vec::new, |group| fitting(group, &pair.public));
            if fitting.is_empty() {
                continue;
            }
            let loaded = rsa.load(&pair.private).await?;
            match self.unwrap_one(header, &fitting, loaded.as_ref()).await {
                Ok(file_key) => {
                    let with = Opened::Keyset(pair.public.fingerprint());
                    return Ok(UnlockedBackup { file_key, with });
                }
                Err(BackupError::Rsa(RsaError::NotDecrypted)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(BackupError::OtherIdentity {
            needed: needed(header),
        })
    }

    /// Finds the file key with a password; no installation is needed.
    ///
    /// # Errors
    /// When the password opens none of the slots, or a slot asks for too much work.
    pub async fn unlock_with_password(
        &self,
        header: &SealedHeader,
        password: Passphrase,
    ) -> Result<UnlockedBackup, BackupError> {
        if header.passwords.is_empty() {
            return Err(BackupError::NoPasswordSlot);
        }
        let password = Arc::new(password);
        // One slot is what this program writes; the bound keeps a made-up file from asking for a day of work.
        for slot in header.passwords.iter().take(MAX_PASSWORD_SLOTS) {
            let (format, slot, password) = (Arc::clone(&self.format), slot.clone(), Arc::clone(&password));
            match off_runtime(move || format.unwrap_with_password(&slot, &password)).await? {
                Ok(file_key) => {
                    self.format.verify_header(header, &file_key)?;
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

    /// Opens with a file key that a manager gave; no installation is needed.
    ///
    /// # Errors
    /// When it is not the key of this file, or the header was changed.
    pub fn unlock_with_recovered(
        &self,
        header: &SealedHeader,
        file_key: FileKey,
        request: RequestId,
    ) -> Result<UnlockedBackup, BackupError> {
        self.format.verify_header(header, &file_key)?;
        Ok(UnlockedBackup {
            file_key,
            with: Opened::Recovered(request),
        })
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
            header_bytes: _,
            first,
            mut rest,
        } = source;
        let stream = self.format.open_payload(&unlocked.file_key)?;
        pump(stream, first, &mut *rest, output, progress).await
    }

    async fn unwrap_one(
        &self,
        header: &SealedHeader,
        slots: &[&KeysetSlot],
        key: &dyn LoadedKey,
    ) -> Result<FileKey, BackupError> {
        for slot in slots {
            match key.decrypt(self.format.keyset_label(), &slot.wrapped).await {
                Ok(unwrapped) => {
                    let file_key = FileKey::from_unwrapped(&unwrapped).ok_or(RsaError::NotDecrypted)?;
                    self.format.verify_header(header, &file_key)?;
                    return Ok(file_key);
                }
                Err(RsaError::NotDecrypted) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(RsaError::NotDecrypted.into())
    }
}

const MAX_PASSWORD_SLOTS: usize = 4;

/// What is needed to open with the keysets of an installation.
#[derive(Clone, Copy)]
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
