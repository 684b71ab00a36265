use keystead_domain::{
    Fingerprint, IdentityKeys, MAX_REQUESTED_FILES, RecoveryRequest, RequestedFile, SecretBytes,
    Sha256Digest, SignedRequest, Validity,
};
use serde::{Deserialize, Serialize};

use super::document::{DocumentError, FORMAT_VERSION, Kind, Signed, digest, from_text, malformed, to_text};
use crate::ports::{SshSignatureError, SshSignatures};

pub(super) const LABEL: &str = "KEYSTEAD RECOVERY REQUEST";
/// Longer than any name of a file that people look at.
const MAX_NAME: usize = 4096;

/// A recovery request as it travels.
pub struct RequestDocument;

/// A request whose signature nobody has verified yet.
pub struct UnverifiedRequest {
    bytes: Vec<u8>,
    signed: Signed,
    identity: Fingerprint,
}

impl RequestDocument {
    /// Signs a request with the server's identity. Gives the bytes of the document, whose digest names it.
    ///
    /// # Errors
    /// When it is too long, or cannot be signed.
    pub fn sign(
        request: &RecoveryRequest,
        private_key: &SecretBytes,
        ssh: &dyn SshSignatures,
    ) -> Result<Vec<u8>, DocumentError> {
        Ok(Signed::sign(&WireRequest::from(request)?, private_key, ssh)?.to_bytes())
    }

    /// The text of a signed request.
    #[must_use]
    pub fn to_text(bytes: &[u8]) -> String {
        to_text::<WireRequest>(bytes)
    }

    /// The bytes of a signed request in a text.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_text(text: &str) -> Result<Vec<u8>, DocumentError> {
        from_text::<WireRequest>(text)
    }
}

impl UnverifiedRequest {
    /// Looks at the bytes of a request.
    ///
    /// # Errors
    /// When they are none, or the signature is not of a backup server's kind of key.
    pub fn new(bytes: Vec<u8>, ssh: &dyn SshSignatures) -> Result<Self, DocumentError> {
        let signed = Signed::from_bytes(&bytes)?;
        let key = signed
            .claimed_key(ssh)?
            .ed25519()
            .ok_or(SshSignatureError::BadSignature)?;
        Ok(Self {
            bytes,
            identity: Fingerprint::of_ed25519(&key),
            signed,
        })
    }

    /// The identity that it says it is signed by.
    #[must_use]
    pub fn identity(&self) -> Fingerprint {
        self.identity
    }

    /// The digest of its bytes.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        digest(&self.bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says, when this identity signed it.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn verified(
        &self,
        keys: &IdentityKeys,
        ssh: &dyn SshSignatures,
    ) -> Result<SignedRequest, DocumentError> {
        let wire: WireRequest = self.signed.verified(&ssh.ed25519_key(&keys.signing), ssh)?;
        Ok(SignedRequest {
            request: wire.into_request()?,
            identity: keys.fingerprint(),
            digest: digest(&self.bytes),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRequest {
    version: u64,
    id: String,
    nonce: String,
    server_id: String,
    server_name: String,
    asked_by: String,
    reason: Option<String>,
    created_at: String,
    expires_at: String,
    response_key: String,
    files: Vec<WireFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    name: Option<String>,
    file_id: Option<String>,
    header: String,
}

impl Kind for WireRequest {
    const LABEL: &'static str = LABEL;
    const NAMESPACE: &'static str = "keystead-recovery-request";
}

impl WireRequest {
    fn from(request: &RecoveryRequest) -> Result<Self, DocumentError> {
        let RecoveryRequest {
            id,
            nonce,
            server,
            server_name,
            asked_by,
            reason,
            validity,
            response_key,
            files,
        } = request;
        check_files(files.len())?;
        let file = |file: &RequestedFile| {
            // A header is text: the format allows nothing else.
            let header = String::from_utf8(file.header.clone()).map_err(malformed)?;
            Ok(WireFile {
                name: file.name.clone(),
                file_id: file.file_id.map(|id| id.to_string()),
                header,
            })
        };
        Ok(Self {
            version: FORMAT_VERSION,
            id: id.to_string(),
            nonce: Sha256Digest::from_bytes(*nonce).to_string(),
            server_id: server.to_string(),
            server_name: server_name.to_string(),
            asked_by: asked_by.to_string(),
            reason: reason.as_ref().map(ToString::to_string),
            created_at: validity.created_at.to_string(),
            expires_at: validity.expires_at.to_string(),
            response_key: response_key.to_string(),
            files: files.iter().map(file).collect::<Result<_, DocumentError>>()?,
        })
    }

    fn into_request(self) -> Result<RecoveryRequest, DocumentError> {
        check_files(self.files.len())?;
        let nonce: Sha256Digest = self.nonce.parse().map_err(malformed)?;
        Ok(RecoveryRequest {
            id: self.id.parse().map_err(malformed)?,
            nonce: *nonce.as_bytes(),
            server: self.server_id.parse().map_err(malformed)?,
            server_name: self.server_name.parse().map_err(malformed)?,
            asked_by: self.asked_by.parse().map_err(malformed)?,
            reason: self
                .reason
                .map(|reason| reason.parse())
                .transpose()
                .map_err(malformed)?,
            validity: Validity {
                created_at: self.created_at.parse().map_err(malformed)?,
                expires_at: self.expires_at.parse().map_err(malformed)?,
            },
            response_key: self.response_key.parse().map_err(malformed)?,
            files: self
                .files
                .into_iter()
                .map(WireFile::into_file)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl WireFile {
    fn into_file(self) -> Result<RequestedFile, DocumentError> {
        if self.name.as_ref().is_some_and(|name| name.len() > MAX_NAME) {
            return Err(malformed("a file's name is too long"));
        }
        Ok(RequestedFile {
            name: self.name,
            file_id: self.file_id.map(|id| id.parse()).transpose().map_err(malformed)?,
            header: self.header.into_bytes(),
        })
    }
}

fn check_files(count: usize) -> Result<(), DocumentError> {
    match count {
        0 => Err(malformed("it asks for no file")),
        1..=MAX_REQUESTED_FILES => Ok(()),
        _ => Err(malformed(format!(
            "it asks for {count} files, and a request carries at most {MAX_REQUESTED_FILES}"
        ))),
    }
}
