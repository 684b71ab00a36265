//! Recoveries: a backup server asks for the keys of sealed files, officers approve, the manager answers.

mod approval;
mod origin;
mod policy;
mod register;
mod request;
mod times;

pub use approval::{APPROVAL_NAMESPACE, Approval, Permission, Standing, approval_statement};
pub use origin::{Origin, Origins};
pub use policy::{InvalidPolicy, MAX_APPROVALS, MAX_RESPONSE_LIFETIME, RecoveryPolicy};
pub use register::{InvalidRegister, Register, register_digest};
pub use request::{MAX_REQUESTED_FILES, REQUEST_LIFETIME, RecoveryRequest, RequestedFile, SignedRequest};
pub use times::{CLOCK_TOLERANCE, MAX_REQUEST_LIFETIME, NotValidNow, Validity};

use crate::keyset::Version;
use crate::{
    BackupServer, Fingerprint, MessageKey, Officer, PersonName, Reason, RequestId, ServerId, Sha256Digest,
    Timestamp,
};

/// A recovery request that the manager received, and what became of it. The request's own bytes are kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The request's id.
    pub id: RequestId,
    /// Counts its changes.
    pub version: Version,
    /// The backup server that asks.
    pub server: ServerId,
    /// The identity that signed the request.
    pub identity: Fingerprint,
    /// The digest of the signed bytes.
    pub digest: Sha256Digest,
    /// The person who asks.
    pub asked_by: PersonName,
    /// What for.
    pub reason: Option<Reason>,
    /// From when to when the request holds.
    pub validity: Validity,
    /// What the response is encrypted to.
    pub response_key: MessageKey,
    /// How many files it asks for.
    pub files: u32,
    /// When it was received.
    pub received_at: Timestamp,
    /// The approvals so far. An officer may have more than one, each of which allows more than the one before.
    pub approvals: Vec<Approval>,
    /// What became of it.
    pub state: RecoveryState,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryState {
    /// It waits for approvals, or to be answered.
    Waiting,
    /// It was denied, for good.
    Denied {
        /// When.
        at: Timestamp,
        /// Who did.
        by: PersonName,
        /// Why.
        reason: Reason,
    },
    /// It was answered, for good.
    Answered {
        /// When.
        at: Timestamp,
        /// Until when the response can be used.
        until: Timestamp,
        /// How many files it opens.
        opened: u32,
    },
}

/// Why something is not done with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryRefused {
    /// The server is not enrolled any more.
    #[error("the backup server \"{0}\" was removed")]
    ServerRemoved(crate::ServerName),
    /// The identity is one that was retired, and nobody confirmed that it may be answered.
    #[error("it is signed by the identity {} of this server, which was retired at {at}", .identity.short())]
    RetiredIdentity {
        /// The identity.
        identity: Fingerprint,
        /// Since when.
        at: Timestamp,
    },
    /// It does not hold now.
    #[error("{0}")]
    NotValidNow(#[from] NotValidNow),
    /// It was denied.
    #[error("it was denied at {0}")]
    Denied(Timestamp),
    /// It was answered.
    #[error("it was answered at {0}, and a request is answered once")]
    Answered(Timestamp),
    /// Who asks may not approve.
    #[error("\"{officer}\" is who asks (\"{asked_by}\"), and nobody approves an own request")]
    OwnRequest {
        /// The officer.
        officer: PersonName,
        /// Who asks.
        asked_by: PersonName,
    },
    /// One officer counts once. Another approval is taken only when it allows more.
    #[error("\"{0}\" approved it already, and each officer counts once")]
    ApprovedAlready(PersonName),
    /// The officer was taken off.
    #[error("\"{0}\" is not an officer any more")]
    NotAnOfficer(PersonName),
    /// Too few approvals.
    #[error("{given} of {needed} officers approved it")]
    TooFewApprovals {
        /// How many did.
        given: usize,
        /// How many have to.
        needed: usize,
    },
}

impl Recovery {
    /// A request that was received.
    #[must_use]
    pub fn received(signed: &SignedRequest, at: Timestamp) -> Self {
        let SignedRequest {
            request,
            identity,
            digest,
        } = signed;
        Self {
            id: request.id,
            version: Version(1),
            server: request.server,
            identity: *identity,
            digest: *digest,
            asked_by: request.asked_by.clone(),
            reason: request.reason.clone(),
            validity: request.validity,
            response_key: request.response_key.clone(),
            files: u32::try_from(request.files.len()).unwrap_or(u32::MAX),
            received_at: at,
            approvals: Vec::new(),
            state: RecoveryState::Waiting,
        }
    }

    /// Checks that a new request is taken: it holds at the moment at which it was received, and its server may ask. An identity
    /// that was retired may still send requests; answering them needs an officer's word.
    ///
    /// # Errors
    /// [`RecoveryRefused`].
    pub fn check_takeable(&self, server: &BackupServer) -> Result<(), RecoveryRefused> {
        let any = Permission {
            retired_identity: true,
            ..Permission::default()
        };
        self.check_open(server, any, self.received_at)
    }

    /// Checks that it still waits, that it holds now, and that its server and identity may ask.
    ///
    /// # Errors
    /// [`RecoveryRefused`].
    pub fn check_open(
        &self,
        server: &BackupServer,
        permission: Permission,
        now: Timestamp,
    ) -> Result<(), RecoveryRefused> {
        self.check_waiting()?;
        self.validity.check(now, MAX_REQUEST_LIFETIME)?;
        if server.removed.is_some() {
            return Err(RecoveryRefused::ServerRemoved(server.name.clone()));
        }
        let retired = server.identity(&self.identity).and_then(|known| known.retired_at);
        match retired {
            Some(at) if !permission.retired_identity => Err(RecoveryRefused::RetiredIdentity {
                identity: self.identity,
                at,
            }),
            _ => Ok(()),
        }
    }

    /// Checks that the response to it may be handed out again: its server may ask, and the response can still be used.
    ///
    /// # Errors
    /// [`RecoveryRefused`].
    pub fn check_handed_out(&self, server: &BackupServer, now: Timestamp) -> Result<(), RecoveryRefused> {
        if server.removed.is_some() {
            return Err(RecoveryRefused::ServerRemoved(server.name.clone()));
        }
        match &self.state {
            RecoveryState::Answered { until, .. } if *until <= now => {
                Err(NotValidNow::Expired(*until, now).into())
            }
            _ => Ok(()),
        }
    }

    fn check_waiting(&self) -> Result<(), RecoveryRefused> {
        match &self.state {
            RecoveryState::Waiting => Ok(()),
            RecoveryState::Denied { at, .. } => Err(RecoveryRefused::Denied(*at)),
            RecoveryState::Answered { at, .. } => Err(RecoveryRefused::Answered(*at)),
        }
    }

    /// Checks that an officer may approve it. Whether the signature is the officer's is found out elsewhere.
    ///
    /// # Errors
    /// [`RecoveryRefused`].
    pub fn check_approver(&self, officer: &Officer, permission: Permission) -> Result<(), RecoveryRefused> {
        if officer.removed.is_some() {
            Err(RecoveryRefused::NotAnOfficer(officer.name.clone()))
        } else if officer.is_called(&self.asked_by) {
            Err(RecoveryRefused::OwnRequest {
                officer: officer.name.clone(),
                asked_by: self.asked_by.clone(),
            })
        } else if self
            .approvals
            .iter()
            .any(|given| given.officer == officer.id && !permission.is_wider_than(given.permission))
        {
            Err(RecoveryRefused::ApprovedAlready(officer.name.clone()))
        } else {
            Ok(())
        }
    }

    /// The same request with one more approval.
    #[must_use]
    pub fn approved(&self, approval: Approval) -> Self {
        self.changed(|recovery| recovery.approvals.push(approval))
    }

    /// The same request, denied.
    ///
    /// # Errors
    /// When it was denied or answered before.
    pub fn denied(&self, by: PersonName, reason: Reason, at: Timestamp) -> Result<Self, RecoveryRefused> {
        self.check_waiting()?;
        Ok(self.changed(|recovery| recovery.state = RecoveryState::Denied { at, by, reason }))
    }

    /// The same request, answered.
    ///
    /// # Errors
    /// When it was denied or answered before, or the approvals are too few.
    pub fn answered(
        &self,
        standing: Standing,
        at: Timestamp,
        until: Timestamp,
        opened: u32,
    ) -> Result<Self, RecoveryRefused> {
        self.check_waiting()?;
        check_enough(standing)?;
        Ok(self.changed(|recovery| recovery.state = RecoveryState::Answered { at, until, opened }))
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.version = Version(self.version.0.saturating_add(1));
        next
    }
}

/// Checks that enough officers approved.
///
/// # Errors
/// [`RecoveryRefused::TooFewApprovals`].
pub fn check_enough(standing: Standing) -> Result<(), RecoveryRefused> {
    match standing.is_enough() {
        true => Ok(()),
        false => Err(RecoveryRefused::TooFewApprovals {
            given: standing.given,
            needed: standing.needed,
        }),
    }
}

#[cfg(test)]
mod tests;
