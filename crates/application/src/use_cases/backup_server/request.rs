use std::collections::BTreeMap;
use std::time::Duration;

use keystead_domain::{
    Fingerprint, MAX_REQUESTED_FILES, PersonName, Reason, RecoveryRequest, RequestId, RequestedFile,
    Sha256Digest, Timestamp, Validity,
};

use super::ServerError;
use super::home::{Home, OwnFile, OwnIdentity, OwnRequest, TrustedManager};
use crate::exchange::RequestDocument;
use crate::ports::{
    Clock, MessageCipher, Randomness, RandomnessExt, SealedHeader, ServerFolder, SshSignatures,
};

/// Asks the manager for the keys of sealed files.
pub struct RequestRecovery<'a> {
    /// Where the request, and the key for its response, are kept.
    pub folder: &'a dyn ServerFolder,
    /// Makes the key for the response.
    pub cipher: &'a dyn MessageCipher,
    /// Signs.
    pub ssh: &'a dyn SshSignatures,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Gives ids.
    pub randomness: &'a dyn Randomness,
}

/// What is asked for, and by whom.
pub struct AskForRecovery {
    /// The person who asks.
    pub asked_by: PersonName,
    /// What for.
    pub reason: Option<Reason>,
    /// How long the request holds.
    pub lifetime: Duration,
    /// The files.
    pub files: Vec<FileToRecover>,
}

/// A sealed file whose header was read.
pub struct FileToRecover {
    /// What it is called, for people.
    pub name: String,
    /// Where it can be read again; `None` when it came through a pipe.
    pub place: Option<String>,
    /// Its header.
    pub header: SealedHeader,
    /// The header's bytes.
    pub bytes: Vec<u8>,
}

/// A request that was made.
#[derive(Debug, Clone)]
pub struct MadeRequest {
    /// Its id.
    pub id: RequestId,
    /// The digest of its bytes.
    pub digest: Sha256Digest,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The number of files that it asks for. A file that was given twice is one.
    pub files: usize,
    /// The keysets that the files name, and how many files name each. Unverified.
    pub keysets: BTreeMap<Fingerprint, usize>,
    /// The text for the manager.
    pub text: String,
}

impl RequestRecovery<'_> {
    /// Finds out whether this machine can ask at all.
    ///
    /// # Errors
    /// When it is not enrolled.
    pub async fn check(&self) -> Result<(), ServerError> {
        self.enrolled().await.map(|_| ())
    }

    /// The identity that signs, and the manager that confirmed this very one.
    async fn enrolled(&self) -> Result<(OwnIdentity, TrustedManager), ServerError> {
        let home = Home(self.folder);
        let identity = home.identity().await?.ok_or(ServerError::NoIdentity)?;
        let manager = home.manager().await?.ok_or(ServerError::NotEnrolled)?;
        match identity.keys.fingerprint() == manager.identity {
            true => Ok((identity, manager)),
            false => Err(ServerError::NotConfirmed(identity.keys.fingerprint())),
        }
    }

    /// Makes a request, and keeps the key that its response will open with.
    ///
    /// # Errors
    /// When the machine is not enrolled, or a file has no slot for a keyset.
    pub async fn run(&self, ask: AskForRecovery) -> Result<MadeRequest, ServerError> {
        let home = Home(self.folder);
        let (identity, manager) = self.enrolled().await?;
        let AskForRecovery {
            asked_by,
            reason,
            lifetime,
            files,
        } = ask;
        let (files, own, keysets) = sorted_out(files)?;
        let response_key = self.cipher.generate()?;
        let now = self.clock.now();
        let request = RecoveryRequest {
            id: RequestId::from_random_bytes(self.randomness.bytes()?),
            nonce: self.randomness.bytes()?,
            server: manager.server,
            server_name: manager.name,
            asked_by,
            reason,
            validity: Validity {
                created_at: now,
                expires_at: now.after(lifetime),
            },
            response_key: response_key.public_key,
            files,
        };
        let bytes =
            RequestDocument::sign(&request, &identity.signing, self.ssh).map_err(ServerError::Request)?;
        let own = OwnRequest {
            id: request.id,
            digest: Sha256Digest::of(&bytes),
            validity: request.validity,
            files: own,
        };
        let _lock = home.lock().await?;
        home.add_request(&own, &response_key.private_key).await?;
        let what = format!(
            "request {} made by {}, files: {}",
            request.id,
            request.asked_by,
            own.files.len()
        );
        home.note(now, &what).await?;
        Ok(MadeRequest {
            id: own.id,
            digest: own.digest,
            expires_at: own.validity.expires_at,
            files: own.files.len(),
            keysets,
            text: RequestDocument::to_text(&bytes),
        })
    }
}

type SortedOut = (Vec<RequestedFile>, Vec<OwnFile>, BTreeMap<Fingerprint, usize>);

/// Each header once, and which keysets they name.
fn sorted_out(given: Vec<FileToRecover>) -> Result<SortedOut, ServerError> {
    let mut places: BTreeMap<Sha256Digest, ()> = BTreeMap::new();
    let (mut files, mut own) = (Vec::new(), Vec::new());
    let mut keysets: BTreeMap<Fingerprint, usize> = BTreeMap::new();
    for file in given {
        if file.header.keysets.is_empty() {
            return Err(ServerError::NoKeysetSlot(file.name));
        }
        let digest = Sha256Digest::of(&file.bytes);
        if places.insert(digest, ()).is_some() {
            continue;
        }
        for slot in &file.header.keysets {
            if let Some(fingerprint) = slot.fingerprint {
                *keysets.entry(fingerprint).or_default() += 1;
            }
        }
        own.push(OwnFile {
            place: file.place,
            header: digest,
        });
        files.push(RequestedFile {
            name: Some(file.name),
            file_id: file.header.info.as_ref().map(|info| info.file_id),
            header: file.bytes,
        });
    }
    match files.len() {
        0 => Err(ServerError::NoFiles),
        1..=MAX_REQUESTED_FILES => Ok((files, own, keysets)),
        count => Err(ServerError::TooManyFiles(count)),
    }
}
