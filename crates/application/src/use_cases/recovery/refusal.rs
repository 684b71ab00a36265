use keystead_domain::{Action, Actor, AuditEvent, Outcome};

use super::RecoveryError;
use crate::ports::{Clock, Store};
use crate::use_cases::shared::record_refusal;

/// Writes down what a rule refused; `about` adds what it was about. A store that failed is no refusal.
pub(super) async fn recorded<T>(
    done: Result<T, RecoveryError>,
    store: &dyn Store,
    clock: &dyn Clock,
    (actor, action): (&Actor, Action),
    about: impl FnOnce(AuditEvent) -> AuditEvent,
) -> Result<T, RecoveryError> {
    if let Err(error) = &done
        && !matches!(error, RecoveryError::Store(_))
    {
        let event = AuditEvent::new(clock.now(), actor.clone(), action, Outcome::Refused);
        record_refusal(store, about(event).with("refused_because", error)).await;
    }
    done
}
