use keystead_domain::{
    Fingerprint, IdentityKeys, InstallationId, Recipient, SecretBytes, ServerId, ServerName, SshPublicKey,
    Timestamp,
};
use serde::{Deserialize, Serialize};

use super::document::{DocumentError, FORMAT_VERSION, Kind, Signed, from_text, malformed, to_text};
use crate::ports::{SshSignatureError, SshSignatures};

/// What a backup server sends to be enrolled: its public keys, signed with its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// What it calls itself.
    pub name: ServerName,
    /// Its public keys.
    pub keys: IdentityKeys,
    /// The id that another manager gave to it, and that is in what it sealed so far.
    pub server: Option<ServerId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a manager answers: who the server is from now on, signed by the manager's identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The manager's installation.
    pub installation: InstallationId,
    /// The raw Ed25519 public key of the manager's identity.
    pub manager: [u8; 32],
    /// The server's id.
    pub server: ServerId,
    /// Its name at the manager.
    pub name: ServerName,
    /// The identity that was enrolled.
    pub identity: Fingerprint,
    /// What to seal to: the keyset that was Active then.
    pub recipient: Option<Recipient>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which text a person has at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// An [`Enrolment`].
    Enrolment,
    /// A [`Confirmation`].
    Confirmation,
    /// A recovery request.
    Request,
    /// A recovery response.
    Response,
}

/// Which text this is, by its first line of dashes.
#[must_use]
pub fn text_kind(text: &str) -> Option<TextKind> {
    let kinds = [
        (WireEnrolment::LABEL, TextKind::Enrolment),
        (WireConfirmation::LABEL, TextKind::Confirmation),
        (super::request::LABEL, TextKind::Request),
        (super::response::LABEL, TextKind::Response),
    ];
    let at = |label: &str| text.find(&format!("-----BEGIN {label}-----"));
    let found = kinds
        .into_iter()
        .filter_map(|(label, kind)| Some((at(label)?, kind)));
    found.min_by_key(|(at, _)| *at).map(|(_, kind)| kind)
}

impl Enrolment {
    /// The text to send.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn to_text(
        &self,
        private_key: &SecretBytes,
        ssh: &dyn SshSignatures,
    ) -> Result<String, DocumentError> {
        let wire = WireEnrolment {
            version: FORMAT_VERSION,
            name: self.name.to_string(),
            signing_key: ssh.ed25519_key(&self.keys.signing).to_string(),
            encryption_key: self.keys.encryption.to_string(),
            server_id: self.server.map(|id| id.to_string()),
            created_at: self.created_at.to_string(),
        };
        let signed = Signed::sign(&wire, private_key, ssh)?;
        Ok(to_text::<WireEnrolment>(&signed.to_bytes()))
    }

    /// Reads a text, and verifies that whoever made it has the private key.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_text(text: &str, ssh: &dyn SshSignatures) -> Result<Self, DocumentError> {
        let signed = Signed::from_bytes(&from_text::<WireEnrolment>(text)?)?;
        let key = signed.claimed_key(ssh)?;
        let wire: WireEnrolment = signed.verified(&key, ssh)?;
        let keys = IdentityKeys {
            signing: same_key(&key, &wire.signing_key, ssh)?,
            encryption: wire.encryption_key.parse().map_err(malformed)?,
        };
        Ok(Self {
            name: wire.name.parse().map_err(malformed)?,
            keys,
            server: wire
                .server_id
                .map(|id| id.parse())
                .transpose()
                .map_err(malformed)?,
            created_at: wire.created_at.parse().map_err(malformed)?,
        })
    }
}

impl Confirmation {
    /// The text to send.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn to_text(
        &self,
        private_key: &SecretBytes,
        ssh: &dyn SshSignatures,
    ) -> Result<String, DocumentError> {
        let wire = WireConfirmation {
            version: FORMAT_VERSION,
            installation_id: self.installation.to_string(),
            manager_key: ssh.ed25519_key(&self.manager).to_string(),
            server_id: self.server.to_string(),
            server_name: self.name.to_string(),
            server_identity: self.identity.to_string(),
            recipient: self.recipient.as_ref().map(ToString::to_string),
            created_at: self.created_at.to_string(),
        };
        let signed = Signed::sign(&wire, private_key, ssh)?;
        Ok(to_text::<WireConfirmation>(&signed.to_bytes()))
    }

    /// Reads a text, and verifies that the manager that it names made it. Whether that is the right manager is for people to
    /// say, by its fingerprint.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn from_text(text: &str, ssh: &dyn SshSignatures) -> Result<Self, DocumentError> {
        let signed = Signed::from_bytes(&from_text::<WireConfirmation>(text)?)?;
        let key = signed.claimed_key(ssh)?;
        let wire: WireConfirmation = signed.verified(&key, ssh)?;
        Ok(Self {
            installation: wire.installation_id.parse().map_err(malformed)?,
            manager: same_key(&key, &wire.manager_key, ssh)?,
            server: wire.server_id.parse().map_err(malformed)?,
            name: wire.server_name.parse().map_err(malformed)?,
            identity: wire.server_identity.parse().map_err(malformed)?,
            recipient: wire
                .recipient
                .map(|line| line.parse())
                .transpose()
                .map_err(malformed)?,
            created_at: wire.created_at.parse().map_err(malformed)?,
        })
    }

    /// The fingerprint of the manager's identity.
    #[must_use]
    pub fn manager_fingerprint(&self) -> Fingerprint {
        Fingerprint::of_ed25519(&self.manager)
    }
}

/// The raw key, when the text names the one that signed it.
fn same_key(signer: &SshPublicKey, named: &str, ssh: &dyn SshSignatures) -> Result<[u8; 32], DocumentError> {
    let raw = signer
        .ed25519()
        .filter(|raw| ssh.ed25519_key(raw).to_string() == named);
    raw.ok_or_else(|| SshSignatureError::BadSignature.into())
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEnrolment {
    version: u64,
    name: String,
    signing_key: String,
    encryption_key: String,
    server_id: Option<String>,
    created_at: String,
}

impl Kind for WireEnrolment {
    const LABEL: &'static str = "KEYSTEAD SERVER ENROLMENT";
    const NAMESPACE: &'static str = "keystead-server-enrolment";
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireConfirmation {
    version: u64,
    installation_id: String,
    manager_key: String,
    server_id: String,
    server_name: String,
    server_identity: String,
    recipient: Option<String>,
    created_at: String,
}

impl Kind for WireConfirmation {
    const LABEL: &'static str = "KEYSTEAD SERVER CONFIRMATION";
    const NAMESPACE: &'static str = "keystead-server-confirmation";
}
