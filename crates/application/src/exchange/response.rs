use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_domain::{
    Fingerprint, InstallationId, RequestId, SecretBytes, ServerId, Sha256Digest, SshPublicKey, Validity,
};
use serde::{Deserialize, Serialize};

use super::document::{DocumentError, FORMAT_VERSION, Kind, Signed, from_text, malformed, to_text};
use crate::ports::SshSignatures;

pub(super) const LABEL: &str = "KEYSTEAD RECOVERY RESPONSE";

/// What a manager answers to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The manager's installation.
    pub installation: InstallationId,
    /// The request that it answers.
    pub request: RequestId,
    /// The digest of that request's bytes.
    pub digest: Sha256Digest,
    /// The server that asked.
    pub server: ServerId,
    /// From when to when it can be used.
    pub validity: Validity,
    /// The files that are not opened by it, in their order.
    pub unopened: Vec<UnopenedFile>,
    /// The file keys, encrypted to the request's response key.
    pub encrypted: Vec<u8>,
}

/// A file of the request that the response does not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnopenedFile {
    /// Its place in the request, from 0.
    pub file: u32,
    /// Why.
    pub why: WhyUnopened,
}

/// Why a file is not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyUnopened {
    /// No keyset that opens it is at the manager; those that the header names, if it names any.
    NoKeyset(Vec<Fingerprint>),
    /// The header is no header of a sealed file.
    NotSealed,
    /// The header was changed after sealing, or the slot is not for the keyset that it names.
    HeaderChanged,
    /// Its id is another one than the request says.
    OtherFile,
    /// Another server sealed it, and the officers did not allow that.
    OtherServer(String),
    /// It names no server, and the officers did not allow that.
    Unnamed,
}

/// A response as it travels.
pub struct ResponseDocument {
    bytes: Vec<u8>,
    signed: Signed,
}

impl ResponseDocument {
    /// Signs a response with the manager's identity.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(
        response: &Response,
        private_key: &SecretBytes,
        ssh: &dyn SshSignatures,
    ) -> Result<Self, DocumentError> {
        let signed = Signed::sign(&WireResponse::from(response), private_key, ssh)?;
        Ok(Self {
            bytes: signed.to_bytes(),
            signed,
        })
    }

    /// The response with these bytes, which nobody has verified yet.
    ///
    /// # Errors
    /// When they are none.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, DocumentError> {
        let signed = Signed::from_bytes(&bytes)?;
        Ok(Self { bytes, signed })
    }

    /// The response in a text, which nobody has verified yet.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_text(text: &str) -> Result<Self, DocumentError> {
        Self::from_bytes(from_text::<WireResponse>(text)?)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text to send.
    #[must_use]
    pub fn to_text(&self) -> String {
        to_text::<WireResponse>(&self.bytes)
    }

    /// The key that it says it is signed by.
    ///
    /// # Errors
    /// When there is no signature.
    pub fn claimed_key(&self, ssh: &dyn SshSignatures) -> Result<SshPublicKey, DocumentError> {
        self.signed.claimed_key(ssh)
    }

    /// What it says, when this manager signed it.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn verified(&self, manager: &[u8; 32], ssh: &dyn SshSignatures) -> Result<Response, DocumentError> {
        let wire: WireResponse = self.signed.verified(&ssh.ed25519_key(manager), ssh)?;
        wire.into_response()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireResponse {
    version: u64,
    installation_id: String,
    request_id: String,
    request_digest: String,
    server_id: String,
    created_at: String,
    expires_at: String,
    unopened: Vec<WireUnopened>,
    encrypted: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireUnopened {
    file: u32,
    why: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keysets: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    server_id: Option<String>,
}

impl Kind for WireResponse {
    const LABEL: &'static str = LABEL;
    const NAMESPACE: &'static str = "keystead-recovery-response";
}

impl From<&Response> for WireResponse {
    fn from(response: &Response) -> Self {
        let Response {
            installation,
            request,
            digest,
            server,
            validity,
            unopened,
            encrypted,
        } = response;
        Self {
            version: FORMAT_VERSION,
            installation_id: installation.to_string(),
            request_id: request.to_string(),
            request_digest: digest.to_string(),
            server_id: server.to_string(),
            created_at: validity.created_at.to_string(),
            expires_at: validity.expires_at.to_string(),
            unopened: unopened.iter().map(WireUnopened::from).collect(),
            encrypted: STANDARD.encode(encrypted),
        }
    }
}

impl WireResponse {
    fn into_response(self) -> Result<Response, DocumentError> {
        let unopened = self.unopened.into_iter().map(WireUnopened::into_unopened);
        Ok(Response {
            installation: self.installation_id.parse().map_err(malformed)?,
            request: self.request_id.parse().map_err(malformed)?,
            digest: self.request_digest.parse().map_err(malformed)?,
            server: self.server_id.parse().map_err(malformed)?,
            validity: Validity {
                created_at: self.created_at.parse().map_err(malformed)?,
                expires_at: self.expires_at.parse().map_err(malformed)?,
            },
            unopened: unopened.collect::<Result<_, _>>()?,
            encrypted: STANDARD.decode(&self.encrypted).map_err(malformed)?,
        })
    }
}

impl From<&UnopenedFile> for WireUnopened {
    fn from(unopened: &UnopenedFile) -> Self {
        let (mut keysets, mut server_id) = (Vec::new(), None);
        match &unopened.why {
            WhyUnopened::NoKeyset(named) => keysets = named.iter().map(ToString::to_string).collect(),
            WhyUnopened::OtherServer(server) => server_id = Some(server.clone()),
            WhyUnopened::NotSealed
            | WhyUnopened::HeaderChanged
            | WhyUnopened::OtherFile
            | WhyUnopened::Unnamed => {}
        }
        Self {
            file: unopened.file,
            why: unopened.why.as_str().to_owned(),
            keysets,
            server_id,
        }
    }
}

impl WireUnopened {
    fn into_unopened(self) -> Result<UnopenedFile, DocumentError> {
        let why = match (self.why.as_str(), self.server_id) {
            ("no-keyset", None) => {
                let named = self.keysets.iter().map(|fingerprint| fingerprint.parse());
                WhyUnopened::NoKeyset(named.collect::<Result<_, _>>().map_err(malformed)?)
            }
            ("not-sealed", None) => WhyUnopened::NotSealed,
            ("header-changed", None) => WhyUnopened::HeaderChanged,
            ("other-file", None) => WhyUnopened::OtherFile,
            ("unnamed", None) => WhyUnopened::Unnamed,
            ("other-server", Some(server)) => WhyUnopened::OtherServer(server),
            _ => {
                return Err(malformed(
                    "why a file is not opened is not said in words that are known",
                ));
            }
        };
        Ok(UnopenedFile { file: self.file, why })
    }
}

impl WhyUnopened {
    /// The word for it in a response.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoKeyset(_) => "no-keyset",
            Self::NotSealed => "not-sealed",
            Self::HeaderChanged => "header-changed",
            Self::OtherFile => "other-file",
            Self::OtherServer(_) => "other-server",
            Self::Unnamed => "unnamed",
        }
    }
}
