use super::{Keyset, LastExport, Origin, State, Version};
use crate::{Fingerprint, Hint, KeysetId, PublicKey, Timestamp};

/// A keyset as a store keeps it: plain columns. Only [`Keyset::from_stored`] turns it into a keyset, and only if the
/// columns agree with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKeyset {
    /// Its id.
    pub id: KeysetId,
    /// How often it was changed.
    pub version: Version,
    /// Its hint.
    pub hint: Hint,
    /// Its public key.
    pub public_key: PublicKey,
    /// The fingerprint column, to be compared with the key's.
    pub fingerprint: Fingerprint,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether the store's one pointer to the active keyset names this one.
    pub pointed_at: bool,
    /// When the key pair was made.
    pub created_at: Timestamp,
    /// When it was last activated.
    pub activated_at: Option<Timestamp>,
    /// When it was superseded.
    pub deactivated_at: Option<Timestamp>,
    /// By which keyset.
    pub superseded_by: Option<Fingerprint>,
    /// Its last verified export.
    pub last_export: Option<LastExport>,
}

/// A stored keyset that cannot be: somebody or something changed the store behind the program's back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored keyset {id} is damaged: {what}")]
pub struct CorruptKeyset {
    /// Which one.
    pub id: KeysetId,
    /// What does not agree.
    pub what: &'static str,
}

impl Keyset {
    /// Takes a keyset back from a store.
    ///
    /// # Errors
    /// When its columns contradict each other.
    pub fn from_stored(stored: StoredKeyset) -> Result<Self, CorruptKeyset> {
        let StoredKeyset {
            id,
            version,
            hint,
            public_key,
            fingerprint,
            origin,
            pointed_at,
            created_at,
            activated_at,
            deactivated_at,
            superseded_by,
            last_export,
        } = stored;
        let corrupt = |what| CorruptKeyset { id, what };
        if public_key.fingerprint() != fingerprint {
            return Err(corrupt("the fingerprint is not that of the public key"));
        }
        let state = match (pointed_at, activated_at, deactivated_at, superseded_by) {
            (false, None, None, None) => State::NeverActivated,
            (true, Some(at), None, None) => State::Active { at },
            (false, Some(activated_at), Some(at), Some(by)) => State::Superseded { activated_at, at, by },
            (true, _, _, _) => return Err(corrupt("it is pointed at as Active, its dates say otherwise")),
            (false, _, _, _) => {
                return Err(corrupt("its dates say Active or half-way, nothing points at it"));
            }
        };
        Ok(Self {
            id,
            version,
            hint,
            public_key,
            origin,
            state,
            created_at,
            last_export,
        })
    }

    /// The columns of this keyset, for a store.
    #[must_use]
    pub fn to_stored(&self) -> StoredKeyset {
        let superseded = self.state.superseded();
        StoredKeyset {
            id: self.id,
            version: self.version,
            hint: self.hint.clone(),
            public_key: self.public_key.clone(),
            fingerprint: self.fingerprint(),
            origin: self.origin,
            pointed_at: self.active().is_some(),
            created_at: self.created_at,
            activated_at: self.state.activated_at(),
            deactivated_at: superseded.map(|(at, _)| at),
            superseded_by: superseded.map(|(_, by)| by),
            last_export: self.last_export.clone(),
        }
    }
}
