use keystead_domain::{Checkpoint, Installation, InstallationId, InvalidNote, NoteKey, Sequence, SignedNote};

use crate::ports::{SigningEngine, SigningError};

/// A checkpoint as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The place of the last event that it covers.
    pub sequence: Sequence,
    /// The signed note.
    pub note: String,
}

/// Why a note is no checkpoint of an installation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointRefused {
    /// It is no checkpoint.
    #[error("{0}")]
    Malformed(String),
    /// It is of another installation.
    #[error("it is a checkpoint of installation {0}")]
    OtherInstallation(InstallationId),
    /// The installation's identity did not sign it.
    #[error("it is not signed by the identity of this installation")]
    NotSigned,
}

/// The key that signs an installation's checkpoints, under the name that its notes carry.
///
/// # Errors
/// Never: an installation's id is a name.
pub fn checkpoint_key(installation: &Installation) -> Result<NoteKey, InvalidNote> {
    NoteKey::new(
        format!("keystead/{}", installation.id),
        installation.identity.public_key,
    )
}

/// Reads a checkpoint and verifies that the installation's identity signed it.
///
/// # Errors
/// [`CheckpointRefused`].
pub fn verified_checkpoint(
    note: &str,
    installation: &Installation,
    signing: &dyn SigningEngine,
) -> Result<Checkpoint, CheckpointRefused> {
    let malformed = |e: &dyn std::fmt::Display| CheckpointRefused::Malformed(e.to_string());
    let note: SignedNote = note.parse().map_err(|e| malformed(&e))?;
    let checkpoint: Checkpoint = note.text().parse().map_err(|e| malformed(&e))?;
    if checkpoint.installation != installation.id {
        return Err(CheckpointRefused::OtherInstallation(checkpoint.installation));
    }
    let key = checkpoint_key(installation).map_err(|e| malformed(&e))?;
    let signature = note.signature_of(&key).ok_or(CheckpointRefused::NotSigned)?;
    match signing.verify(key.public_key(), note.text().as_bytes(), &signature) {
        Ok(()) => Ok(checkpoint),
        Err(SigningError::BadSignature) => Err(CheckpointRefused::NotSigned),
        Err(other) => Err(malformed(&other)),
    }
}
