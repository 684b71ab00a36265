use super::{Event, Keyset, TransitionRefused};
use crate::Reason;

/// The decision of a person to delete a keyset although a rule speaks against it. The reason is audited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Force {
    /// Why.
    pub reason: Reason,
}

/// Why a keyset must not be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeletionRefused {
    /// It is Active. This cannot be forced.
    #[error("it is the Active keyset: backups are sealed to it")]
    Active,
    /// Deleting it would destroy the only copy of its private key.
    #[error("it was never exported: deleting it would destroy the only copy of its private key")]
    NeverExported,
}

pub(super) fn check(keyset: &Keyset, force: Option<&Force>) -> Result<(), DeletionRefused> {
    match keyset.state().on(Event::Delete) {
        Ok(_) => {}
        Err(TransitionRefused::Active | TransitionRefused::NotActive) => return Err(DeletionRefused::Active),
    }
    if keyset.last_export().is_none() && force.is_none() {
        return Err(DeletionRefused::NeverExported);
    }
    Ok(())
}
