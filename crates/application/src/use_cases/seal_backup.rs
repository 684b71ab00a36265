use std::sync::Arc;

use keystead_domain::{
    Action, Actor, Argon2Cost, AuditEvent, FileId, FileKey, Fingerprint, Hint, KeysetSlot, Outcome,
    Passphrase, PasswordSlot, PublicKey, Recipient, SealInfo, SecretBytes, ServerId,
};
use tokio::io::AsyncRead;

use super::BackupError;
use super::pump::{Progress, pump};
use super::shared::{off_runtime, record_refusal};
use crate::ports::{
    Clock, HeaderPlan, Randomness, RandomnessExt, RsaEngine, SealedFormat, ShareWriter, Store,
};

/// Seals a backup, a tape stream or a secret.
pub struct SealBackup<'a> {
    /// Encrypts to the keysets.
    pub rsa: &'a dyn RsaEngine,
    /// Writes the format.
    pub format: Arc<dyn SealedFormat>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Makes keys, salts and ids.
    pub randomness: &'a dyn Randomness,
}

/// To whom a backup is sealed.
pub enum SealRecipients<'a> {
    /// To the Active keyset of an installation.
    Active(&'a dyn Store),
    /// To recipients that were given; no installation is needed.
    Given(Vec<Recipient>),
}

/// The password that opens a backup beside the keysets.
pub struct SealPassword {
    /// The password.
    pub password: Passphrase,
    /// What to remind people of it. Everybody who has the file can read it.
    pub hint: Option<Hint>,
}

/// The public keys that a backup is sealed to: of the Active keyset, or of recipients that somebody named. Only
/// [`SealBackup::recipients`] makes it.
pub struct SealTo(Vec<PublicKey>);

/// What to seal, and for whom.
pub struct SealRequest {
    /// The keysets.
    pub to: SealTo,
    /// The password.
    pub password: Option<SealPassword>,
    /// The backup server that seals, if it is enrolled with a manager. The header names it.
    pub server: Option<ServerId>,
}

/// What came of it.
#[derive(Debug)]
pub struct Sealed {
    /// Names the sealed file.
    pub file_id: FileId,
    /// The keysets that open it.
    pub fingerprints: Vec<Fingerprint>,
    /// Whether a password opens it.
    pub has_password: bool,
    /// The length of the content, in bytes.
    pub content_bytes: u64,
}

impl SealBackup<'_> {
    /// Finds out to whom a backup is sealed. It comes before everything else, so that nobody types a password in vain.
    /// A refusal is an event of the audit trail, where there is one.
    ///
    /// # Errors
    /// When no keyset is Active and no recipient was given; when a recipient is not an accepted key.
    pub async fn recipients(
        &self,
        actor: &Actor,
        recipients: SealRecipients<'_>,
    ) -> Result<SealTo, BackupError> {
        match recipients {
            SealRecipients::Given(recipients) => {
                let mut keys: Vec<PublicKey> = Vec::new();
                for recipient in recipients {
                    let key = self
                        .rsa
                        .public_from_numbers(recipient.numbers())
                        .map_err(BackupError::Recipient)?;
                    if !keys.contains(&key) {
                        keys.push(key);
                    }
                }
                Ok(SealTo(keys))
            }
            SealRecipients::Active(store) => {
                let keyset = store.snapshot().await?.active_keyset().await?;
                // The witness, not the row, is what a backup is sealed to.
                if let Some(active) = keyset.as_ref().and_then(|keyset| keyset.active()) {
                    return Ok(SealTo(vec![active.keyset().public_key().clone()]));
                }
                let event = AuditEvent::new(
                    self.clock.now(),
                    actor.clone(),
                    Action::BackupSeal,
                    Outcome::Refused,
                )
                .with("refused_because", BackupError::NoActive);
                record_refusal(store, event).await;
                Err(BackupError::NoActive)
            }
        }
    }

    /// Seals what `input` gives into `output`, in constant memory. The caller publishes the output afterwards.
    ///
    /// # Errors
    /// When no keyset is Active and no recipient was given; when reading or writing fails.
    pub async fn run(
        &self,
        request: SealRequest,
        input: &mut (dyn AsyncRead + Send + Unpin),
        output: &mut dyn ShareWriter,
        progress: Progress<'_>,
    ) -> Result<Sealed, BackupError> {
        let SealRequest {
            to: SealTo(recipients),
            password,
            server,
        } = request;
        if recipients.is_empty() && password.is_none() {
            return Err(BackupError::NoSlot);
        }
        let file_key = Arc::new(FileKey::new(self.randomness.secret()?));
        let has_password = password.is_some();
        let plan = HeaderPlan {
            keysets: self.keyset_slots(&recipients, &file_key)?,
            password: match password {
                Some(password) => Some(self.password_slot(password, &file_key).await?),
                None => None,
            },
            info: SealInfo {
                file_id: FileId::from_random_bytes(self.randomness.bytes()?),
                server_id: server.map(|id| id.to_string()),
                sealed_at: self.clock.now(),
                fingerprints: recipients.iter().map(PublicKey::fingerprint).collect(),
            },
        };
        let header = self.format.write_header(&plan, &file_key)?;
        output.write(&header).await?;
        let stream = self.format.seal_payload(&file_key, self.randomness.bytes()?)?;
        let content_bytes = pump(stream, Vec::new(), input, output, progress).await?;
        let SealInfo {
            file_id,
            fingerprints,
            server_id: _,
            sealed_at: _,
        } = plan.info;
        Ok(Sealed {
            file_id,
            fingerprints,
            has_password,
            content_bytes,
        })
    }

    fn keyset_slots(&self, keys: &[PublicKey], file_key: &FileKey) -> Result<Vec<KeysetSlot>, BackupError> {
        let file_key = SecretBytes::new(file_key.expose().to_vec());
        keys.iter()
            .map(|key| {
                let wrapped = self.rsa.encrypt(key, self.format.keyset_label(), &file_key)?;
                Ok(KeysetSlot {
                    tag: key.tag(),
                    fingerprint: Some(key.fingerprint()),
                    wrapped,
                })
            })
            .collect()
    }

    async fn password_slot(
        &self,
        password: SealPassword,
        file_key: &Arc<FileKey>,
    ) -> Result<PasswordSlot, BackupError> {
        let SealPassword { password, hint } = password;
        let slot = PasswordSlot {
            salt: self.randomness.bytes()?,
            cost: Argon2Cost::DEFAULT,
            hint,
            wrapped: [0; 32],
        };
        let (format, file_key) = (Arc::clone(&self.format), Arc::clone(file_key));
        Ok(off_runtime(move || format.wrap_with_password(slot, &password, &file_key)).await??)
    }
}
