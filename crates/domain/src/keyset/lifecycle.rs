use crate::{Fingerprint, Timestamp};

/// The state of a keyset, with the reason when it is Inactive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum State {
    /// Inactive; it was generated or imported and never active.
    NeverActivated,
    /// Active: the one that backups are sealed to.
    Active {
        /// Since when.
        at: Timestamp,
    },
    /// Inactive; another one took its place.
    Superseded {
        /// When it had been activated.
        activated_at: Timestamp,
        /// When it was superseded.
        at: Timestamp,
        /// By which.
        by: Fingerprint,
    },
}

/// What can happen to a keyset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody activates it.
    Activate {
        /// When.
        at: Timestamp,
    },
    /// Another keyset is activated.
    Supersede {
        /// When.
        at: Timestamp,
        /// The other one.
        by: Fingerprint,
    },
    /// Somebody deletes it.
    Delete,
}

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// The state after the event.
    To(State),
    /// The event asks for what already is.
    Unchanged,
}

/// An event that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransitionRefused {
    /// Only an Active keyset can be superseded.
    #[error("the keyset is Inactive, so nothing can take its place")]
    NotActive,
    /// An Active keyset cannot be deleted.
    #[error("the keyset is Active")]
    Active,
}

impl State {
    /// The whole lifecycle. Every state answers every event here; a new one does not compile until it does.
    ///
    /// # Errors
    /// When the state does not allow the event.
    pub fn on(&self, event: Event) -> Result<Transition, TransitionRefused> {
        match (self, event) {
            (Self::NeverActivated | Self::Superseded { .. }, Event::Activate { at }) => {
                Ok(Transition::To(Self::Active { at }))
            }
            (Self::Active { .. }, Event::Activate { .. }) => Ok(Transition::Unchanged),

            (Self::Active { at: activated_at }, Event::Supersede { at, by }) => {
                Ok(Transition::To(Self::Superseded {
                    activated_at: *activated_at,
                    at,
                    by,
                }))
            }
            (Self::NeverActivated | Self::Superseded { .. }, Event::Supersede { .. }) => {
                Err(TransitionRefused::NotActive)
            }

            (Self::NeverActivated | Self::Superseded { .. }, Event::Delete) => Ok(Transition::Unchanged),
            (Self::Active { .. }, Event::Delete) => Err(TransitionRefused::Active),
        }
    }

    /// Since when it is Active, or when it last became so.
    #[must_use]
    pub fn activated_at(&self) -> Option<Timestamp> {
        match self {
            Self::NeverActivated => None,
            Self::Active { at } | Self::Superseded { activated_at: at, .. } => Some(*at),
        }
    }

    /// When and by which keyset it was superseded.
    #[must_use]
    pub fn superseded(&self) -> Option<(Timestamp, Fingerprint)> {
        match self {
            Self::NeverActivated | Self::Active { .. } => None,
            Self::Superseded { at, by, .. } => Some((*at, *by)),
        }
    }
}
