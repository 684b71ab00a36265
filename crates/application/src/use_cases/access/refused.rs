use keystead_domain::{Action, AuditEvent, Operation, Outcome, Roles};

use super::{AccessError, Principal, RecordAccess};
use crate::use_cases::shared::record_refusal;

/// Writes down that somebody tried what the role does not allow.
pub struct RecordRefusedRequest<'a> {
    /// Where the trail is.
    pub records: RecordAccess<'a>,
}

impl RecordRefusedRequest<'_> {
    /// Checks that a user of these roles may be made or changed: whoever may not export private keys makes nobody who may,
    /// and does not become somebody who may by setting a password.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`].
    pub async fn check_look_after(&self, who: &Principal, roles: Roles) -> Result<(), AccessError> {
        match roles.may(Operation::ExportKeysets) {
            true => self.check(who, Operation::ExportKeysets).await,
            false => Ok(()),
        }
    }

    /// Checks that this may be done, and writes it down when not.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`].
    pub async fn check(&self, who: &Principal, operation: Operation) -> Result<(), AccessError> {
        if who.may(operation) {
            return Ok(());
        }
        let refused = AccessError::Forbidden {
            who: who.actor().to_string(),
            operation,
        };
        let now = self.records.clock.now();
        let event = AuditEvent::new(now, who.actor(), Action::RequestRefuse, Outcome::Refused)
            .with("operation", format!("{operation:?}"))
            .with("roles", who.roles());
        record_refusal(self.records.store, event).await;
        Err(refused)
    }
}
