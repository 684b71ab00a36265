use std::time::Duration;

use crate::{
    FileId, Fingerprint, MessageKey, PersonName, Reason, RequestId, ServerId, ServerName, Sha256Digest,
    Validity,
};

/// The most headers that one request carries.
pub const MAX_REQUESTED_FILES: usize = 10_000;
/// How long a request is valid when nobody says otherwise.
pub const REQUEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a backup server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// Its id.
    pub id: RequestId,
    /// Random bytes that no other request has.
    pub nonce: [u8; 32],
    /// The server that asks.
    pub server: ServerId,
    /// What the server calls itself. The manager goes by the id.
    pub server_name: ServerName,
    /// The person who asks, as the server says.
    pub asked_by: PersonName,
    /// What for.
    pub reason: Option<Reason>,
    /// From when to when it holds.
    pub validity: Validity,
    /// What the response is encrypted to. Its private half is made for this request and never leaves the server.
    pub response_key: MessageKey,
    /// The files, by their headers.
    pub files: Vec<RequestedFile>,
}

/// A sealed file that is to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedFile {
    /// What the server calls the file, for the people who decide.
    pub name: Option<String>,
    /// The id that its header gives to it, if it gives one.
    pub file_id: Option<FileId>,
    /// Its whole header, as it stands in the file.
    pub header: Vec<u8>,
}

/// A request whose signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// What it says.
    pub request: RecoveryRequest,
    /// The identity that signed it.
    pub identity: Fingerprint,
    /// The digest of the signed bytes: what approvals are given for.
    pub digest: Sha256Digest,
}

impl RequestedFile {
    /// What names the header.
    #[must_use]
    pub fn header_digest(&self) -> Sha256Digest {
        Sha256Digest::of(&self.header)
    }
}
