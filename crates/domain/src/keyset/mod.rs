//! The keyset and its life.

mod deletion;
mod lifecycle;
mod stored;

pub use deletion::{DeletionRefused, Force};
pub use lifecycle::{Event, State, Transition, TransitionRefused};
pub use stored::{CorruptKeyset, StoredKeyset};

use crate::{Fingerprint, Hint, KeysetId, PublicKey, Timestamp};

/// Counts the changes of a keyset, so that two writers cannot overwrite each other: a save names the version it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u32);

/// Where a keyset comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Made by this installation.
    Generated,
    /// Brought in from a file.
    Imported {
        /// The id that it had where it was exported, if the file named one.
        exported_as: Option<KeysetId>,
    },
}

/// The last export of a keyset that was read back and found to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastExport {
    /// When.
    pub at: Timestamp,
    /// Where to, without any credentials.
    pub to: String,
}

/// An RSA key pair with an id, a hint, an origin and a state. The private half stays behind the master key and is not
/// part of this value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyset {
    id: KeysetId,
    version: Version,
    hint: Hint,
    public_key: PublicKey,
    origin: Origin,
    state: State,
    created_at: Timestamp,
    last_export: Option<LastExport>,
}

/// Proof that a keyset was Active when it was looked at. Sealing takes this and not a [`Keyset`], so that sealing to an
/// Inactive keyset by accident cannot be written.
#[derive(Debug, Clone, Copy)]
pub struct ActiveKeyset<'a>(&'a Keyset);

/// What activating did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activation {
    /// The keyset was Active already; nothing is to be saved.
    Unchanged,
    /// Both are to be saved in one unit of work, together with the pointer.
    Activated {
        /// The keyset that is now Active.
        activated: Box<Keyset>,
        /// The one that was Active until now.
        superseded: Option<Box<Keyset>>,
    },
}

impl Keyset {
    /// A new keyset. Whatever its origin, it begins Inactive.
    #[must_use]
    pub fn new(
        id: KeysetId,
        hint: Hint,
        public_key: PublicKey,
        origin: Origin,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            version: Version(1),
            hint,
            public_key,
            origin,
            state: State::NeverActivated,
            created_at,
            last_export: None,
        }
    }

    /// Its id in this installation.
    #[must_use]
    pub fn id(&self) -> KeysetId {
        self.id
    }

    /// How often it was changed.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Its hint.
    #[must_use]
    pub fn hint(&self) -> &Hint {
        &self.hint
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The fingerprint of its public key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.public_key.fingerprint()
    }

    /// Where it comes from.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// When the key pair was made; for an import without a signed date, when it was imported.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Its last verified export.
    #[must_use]
    pub fn last_export(&self) -> Option<&LastExport> {
        self.last_export.as_ref()
    }

    /// The witness that this keyset is Active.
    #[must_use]
    pub fn active(&self) -> Option<ActiveKeyset<'_>> {
        match self.state {
            State::Active { .. } => Some(ActiveKeyset(self)),
            State::NeverActivated | State::Superseded { .. } => None,
        }
    }

    /// Makes this keyset the Active one, and `current` (the one that is Active now) Inactive.
    ///
    /// # Errors
    /// When the lifecycle does not allow it.
    pub fn activate(&self, current: Option<&Keyset>, at: Timestamp) -> Result<Activation, TransitionRefused> {
        let Transition::To(state) = self.state.on(Event::Activate { at })? else {
            return Ok(Activation::Unchanged);
        };
        let superseded = match current {
            Some(current) => {
                let by = self.fingerprint();
                match current.state.on(Event::Supersede { at, by })? {
                    Transition::To(state) => Some(Box::new(current.changed(|k| k.state = state))),
                    Transition::Unchanged => None,
                }
            }
            None => None,
        };
        Ok(Activation::Activated {
            activated: Box::new(self.changed(|k| k.state = state)),
            superseded,
        })
    }

    /// The first keyset of an installation, Active: there is none that it could supersede.
    ///
    /// # Errors
    /// When the lifecycle does not allow it.
    pub fn activated_as_first(&self, at: Timestamp) -> Result<Self, TransitionRefused> {
        match self.state.on(Event::Activate { at })? {
            Transition::To(state) => Ok(self.changed(|k| k.state = state)),
            Transition::Unchanged => Ok(self.clone()),
        }
    }

    /// The same keyset with another hint.
    #[must_use]
    pub fn with_hint(&self, hint: Hint) -> Self {
        self.changed(|k| k.hint = hint)
    }

    /// The same keyset after an export that was read back and compared.
    #[must_use]
    pub fn exported(&self, last_export: LastExport) -> Self {
        self.changed(|k| k.last_export = Some(last_export))
    }

    /// Decides whether this keyset may be deleted.
    ///
    /// # Errors
    /// When it is Active; when it was never exported and nobody forces it with a reason.
    pub fn check_deletion(&self, force: Option<&Force>) -> Result<(), DeletionRefused> {
        deletion::check(self, force)
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.version = Version(self.version.0.saturating_add(1));
        next
    }
}

impl<'a> ActiveKeyset<'a> {
    /// The keyset.
    #[must_use]
    pub fn keyset(self) -> &'a Keyset {
        self.0
    }
}

#[cfg(test)]
mod tests;
