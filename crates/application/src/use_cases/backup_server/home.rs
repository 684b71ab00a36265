//! The documents of a backup server, by their names and forms. `docs/formats.md` describes them.

use keystead_domain::{
    Fingerprint, IdentityKeys, InstallationId, Recipient, RequestId, SecretBytes, ServerId, ServerName,
    Sha256Digest, Timestamp, Validity,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::documents::{WireManager, WireOwnRequest, read_identity, write_identity};
use super::{ManagerAddress, ServerError};
use crate::ports::{DocumentName, FolderLock, InvalidDocumentName, ServerFolder};

/// The identity of this machine, private halves and all.
pub(super) struct OwnIdentity {
    pub(super) keys: IdentityKeys,
    /// The Ed25519 seed.
    pub(super) signing: SecretBytes,
    /// The age identity.
    pub(super) encryption: SecretBytes,
}

/// The manager that this machine trusts, and who it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedManager {
    /// The manager's installation.
    pub installation: InstallationId,
    /// The raw Ed25519 public key of its identity.
    pub public_key: [u8; 32],
    /// This server's id there.
    pub server: ServerId,
    /// This server's name there.
    pub name: ServerName,
    /// The identity of this machine that was enrolled.
    pub identity: Fingerprint,
    /// When it made the confirmation.
    pub confirmed_at: Timestamp,
    /// When it was trusted.
    pub trusted_at: Timestamp,
}

/// A request that was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRequest {
    /// Its id.
    pub id: RequestId,
    /// The digest of its bytes.
    pub digest: Sha256Digest,
    /// From when to when it holds.
    pub validity: Validity,
    /// Its files.
    pub files: Vec<OwnFile>,
}

/// A file of a request that was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Where it was read; `None` when it came through a pipe.
    pub place: Option<String>,
    /// The digest of its header.
    pub header: Sha256Digest,
}

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progressed {
    /// It waits for its response.
    Waiting,
    /// Its keys are here.
    Keys,
    /// Everything was opened.
    Finished,
    /// Neither the key for the response nor file keys are here any more.
    Over,
}

impl TrustedManager {
    /// The fingerprint of its identity.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_ed25519(&self.public_key)
    }
}

/// The folder, and what stands in it.
#[derive(Clone, Copy)]
pub(super) struct Home<'a>(pub(super) &'a dyn ServerFolder);

const CURRENT: &str = "current";
const IDENTITIES: &str = "identities";
const REQUESTS: &str = "requests";
const RESPONSE_KEYS: &str = "response-keys";
const FILE_KEYS: &str = "file-keys";
const OPENED: &str = "opened";
const FINISHED: &str = "finished";

impl Home<'_> {
    pub(super) async fn lock(self) -> Result<FolderLock, ServerError> {
        Ok(self.0.lock().await?)
    }

    /// The identity that is used now.
    pub(super) async fn identity(self) -> Result<Option<OwnIdentity>, ServerError> {
        let Some(current) = self.0.read(&name(IDENTITIES, CURRENT)?).await? else {
            return Ok(None);
        };
        let fingerprint: Fingerprint = self.parsed(IDENTITIES, CURRENT, text(&current).trim())?;
        self.identity_of(&fingerprint).await.map(Some)
    }

    /// An identity that this machine has, or had.
    pub(super) async fn identity_of(self, fingerprint: &Fingerprint) -> Result<OwnIdentity, ServerError> {
        let document = self.0.read(&name(IDENTITIES, fingerprint)?).await?;
        let document = document.ok_or(ServerError::NoIdentity)?;
        let identity = read_identity(text(&document));
        let identity = identity.filter(|identity| identity.keys.fingerprint() == *fingerprint);
        identity.ok_or_else(|| self.damaged(IDENTITIES, fingerprint, "it holds no identity of this name"))
    }

    /// Keeps a new identity and uses it from now on. The one before is kept.
    pub(super) async fn add_identity(self, identity: &OwnIdentity) -> Result<(), ServerError> {
        let fingerprint = identity.keys.fingerprint();
        let document = write_identity(identity);
        self.0.create(&name(IDENTITIES, fingerprint)?, &document).await?;
        let current = SecretBytes::new(format!("{fingerprint}\n").into_bytes());
        Ok(self.0.replace(&name(IDENTITIES, CURRENT)?, &current).await?)
    }

    pub(super) async fn manager(self) -> Result<Option<TrustedManager>, ServerError> {
        match self.json::<WireManager>("server", "manager").await? {
            Some(wire) => wire
                .read()
                .map(Some)
                .ok_or_else(|| self.damaged("server", "manager", "it names no manager")),
            None => Ok(None),
        }
    }

    pub(super) async fn trust(self, manager: &TrustedManager) -> Result<(), ServerError> {
        self.replace_json("server", "manager", &WireManager::from(manager))
            .await
    }

    pub(super) async fn manager_address(self) -> Result<Option<ManagerAddress>, ServerError> {
        self.json("server", "manager-address").await
    }

    pub(super) async fn remember_manager(self, address: &ManagerAddress) -> Result<(), ServerError> {
        self.replace_json("server", "manager-address", address).await
    }

    /// What is sealed to when nobody says otherwise.
    pub(super) async fn recipients(self) -> Result<Vec<Recipient>, ServerError> {
        let Some(document) = self.0.read(&name("server", "recipients")?).await? else {
            return Ok(Vec::new());
        };
        let lines = text(&document)
            .lines()
            .map(|line| self.parsed("server", "recipients", line));
        lines.collect()
    }

    pub(super) async fn remember(self, recipients: &[Recipient]) -> Result<(), ServerError> {
        let lines: String = recipients
            .iter()
            .map(|recipient| format!("{recipient}\n"))
            .collect();
        let document = SecretBytes::new(lines.into_bytes());
        Ok(self.0.replace(&name("server", "recipients")?, &document).await?)
    }

    /// Keeps a request and the private key for its response, the key first: a request without it is of no use.
    pub(super) async fn add_request(
        self,
        request: &OwnRequest,
        response_key: &SecretBytes,
    ) -> Result<(), ServerError> {
        self.0
            .create(&name(RESPONSE_KEYS, request.id)?, response_key)
            .await?;
        self.replace_json(REQUESTS, &request.id.to_string(), &WireOwnRequest::from(request))
            .await
    }

    pub(super) async fn request(self, id: RequestId) -> Result<Option<OwnRequest>, ServerError> {
        match self.json::<WireOwnRequest>(REQUESTS, &id.to_string()).await? {
            Some(wire) => wire
                .read()
                .map(Some)
                .ok_or_else(|| self.damaged(REQUESTS, id, "it is no request")),
            None => Ok(None),
        }
    }

    pub(super) async fn requests(self) -> Result<Vec<RequestId>, ServerError> {
        let names = self.0.names(REQUESTS).await?;
        Ok(names
            .iter()
            .filter_map(|name| name.which().parse().ok())
            .collect())
    }

    pub(super) async fn progressed(self, id: RequestId) -> Result<Progressed, ServerError> {
        let has = async |kind: &str| -> Result<bool, ServerError> {
            Ok(self.0.read(&name(kind, id)?).await?.is_some())
        };
        Ok(if has(FINISHED).await? {
            Progressed::Finished
        } else if has(FILE_KEYS).await? {
            Progressed::Keys
        } else if has(RESPONSE_KEYS).await? {
            Progressed::Waiting
        } else {
            Progressed::Over
        })
    }

    pub(super) async fn response_key(self, id: RequestId) -> Result<Option<SecretBytes>, ServerError> {
        Ok(self.0.read(&name(RESPONSE_KEYS, id)?).await?)
    }

    pub(super) async fn destroy_response_key(self, id: RequestId) -> Result<(), ServerError> {
        Ok(self.0.destroy(&name(RESPONSE_KEYS, id)?).await?)
    }

    /// Keeps all file keys of a response in one step, encrypted to an identity of this machine.
    pub(super) async fn keep_file_keys(
        self,
        id: RequestId,
        identity: &Fingerprint,
        encrypted: &[u8],
    ) -> Result<(), ServerError> {
        let document = SecretBytes::new([format!("{identity}\n").as_bytes(), encrypted].concat());
        Ok(self.0.create(&name(FILE_KEYS, id)?, &document).await?)
    }

    /// The identity that the file keys are encrypted to, and the keys.
    pub(super) async fn file_keys(
        self,
        id: RequestId,
    ) -> Result<Option<(Fingerprint, Vec<u8>)>, ServerError> {
        let Some(document) = self.0.read(&name(FILE_KEYS, id)?).await? else {
            return Ok(None);
        };
        let damaged = || self.damaged(FILE_KEYS, id, "it holds no file keys");
        let (fingerprint, encrypted) = document.expose().split_at_checked(65).ok_or_else(damaged)?;
        let fingerprint = std::str::from_utf8(fingerprint).map_err(|_| damaged())?;
        let fingerprint = self.parsed(FILE_KEYS, id, fingerprint.trim_end())?;
        Ok(Some((fingerprint, encrypted.to_vec())))
    }

    /// Takes note that a file was opened to a place.
    pub(super) async fn mark_opened(self, id: RequestId, file: u32, place: &str) -> Result<(), ServerError> {
        let digest = Sha256Digest::of(place.as_bytes());
        let line = SecretBytes::new(format!("{file} {digest}\n").into_bytes());
        Ok(self.0.append(&name(OPENED, id)?, &line).await?)
    }

    /// Which files were opened, and the digests of the places that they were opened to.
    pub(super) async fn opened(self, id: RequestId) -> Result<Vec<(u32, Sha256Digest)>, ServerError> {
        let Some(document) = self.0.read(&name(OPENED, id)?).await? else {
            return Ok(Vec::new());
        };
        // A line that a crash cut off is a file that is opened again.
        let read = |line: &str| {
            let (file, digest) = line.split_once(' ')?;
            Some((file.parse().ok()?, digest.parse().ok()?))
        };
        Ok(text(&document).lines().filter_map(read).collect())
    }

    /// Destroys the keys of a request of which everything was opened.
    pub(super) async fn finish(self, id: RequestId) -> Result<(), ServerError> {
        self.0
            .replace(&name(FINISHED, id)?, &SecretBytes::new(Vec::new()))
            .await?;
        self.destroy_keys(id).await?;
        Ok(self.0.destroy(&name(OPENED, id)?).await?)
    }

    /// Destroys the keys of a request whose time is over.
    pub(super) async fn give_up(self, id: RequestId) -> Result<(), ServerError> {
        self.destroy_keys(id).await?;
        Ok(self.0.destroy(&name(OPENED, id)?).await?)
    }

    async fn destroy_keys(self, id: RequestId) -> Result<(), ServerError> {
        self.0.destroy(&name(RESPONSE_KEYS, id)?).await?;
        Ok(self.0.destroy(&name(FILE_KEYS, id)?).await?)
    }

    /// Takes note of what was done, for the people who look after this machine.
    pub(super) async fn note(self, at: Timestamp, what: &str) -> Result<(), ServerError> {
        let line = SecretBytes::new(format!("{at} {what}\n").into_bytes());
        Ok(self.0.append(&name("server", "journal")?, &line).await?)
    }

    async fn json<T: DeserializeOwned>(self, kind: &str, which: &str) -> Result<Option<T>, ServerError> {
        match self.0.read(&name(kind, which)?).await? {
            Some(document) => serde_json::from_slice(document.expose())
                .map(Some)
                .map_err(|error| self.damaged(kind, which, &error.to_string())),
            None => Ok(None),
        }
    }

    async fn replace_json(self, kind: &str, which: &str, value: &impl Serialize) -> Result<(), ServerError> {
        let bytes =
            serde_json::to_vec(value).map_err(|error| self.damaged(kind, which, &error.to_string()))?;
        Ok(self
            .0
            .replace(&name(kind, which)?, &SecretBytes::new(bytes))
            .await?)
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        self,
        kind: &str,
        which: impl std::fmt::Display,
        text: &str,
    ) -> Result<T, ServerError> {
        text.parse()
            .map_err(|error: T::Err| self.damaged(kind, which, &error.to_string()))
    }

    fn damaged(self, kind: &str, which: impl std::fmt::Display, what: &str) -> ServerError {
        ServerError::Damaged(format!("{}/{kind}/{which}", self.0.place()), what.to_owned())
    }
}

fn name(kind: &str, which: impl std::fmt::Display) -> Result<DocumentName, ServerError> {
    DocumentName::new(kind, which)
        .map_err(|error: InvalidDocumentName| ServerError::Damaged(kind.to_owned(), error.to_string()))
}

/// The text of a document; an empty one when it is none, which then does not parse as anything.
fn text(document: &SecretBytes) -> &str {
    std::str::from_utf8(document.expose()).unwrap_or_default()
}
