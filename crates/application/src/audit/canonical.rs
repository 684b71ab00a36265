//! The canonical bytes of an audit event: what is stored, and what the chain covers.
//!
//! JSON with the names in alphabetical order, without blanks, absent values left out: RFC 8785 for the strings that
//! occur here. The form is part of the format documentation; a change needs a new `v`.

use std::collections::BTreeMap;

use keystead_domain::{Action, Actor, AuditEvent, Outcome, Sequence, Timestamp};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

/// An event that has its place in the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its place.
    pub sequence: Sequence,
    /// The event.
    pub event: AuditEvent,
}

/// The stored bytes of an event are not what this program writes.
#[derive(Debug, thiserror::Error)]
#[error("the audit event cannot be read: {0}")]
pub struct MalformedEvent(String);

/// The bytes of an event in its place.
///
/// # Errors
/// Never for an event that this program makes; JSON itself cannot fail on these values.
pub fn canonical_bytes(sequence: Sequence, event: &AuditEvent) -> Result<Vec<u8>, MalformedEvent> {
    let AuditEvent {
        at,
        actor,
        action,
        subject,
        outcome,
        details,
    } = event;
    let wire = WireEvent {
        action: action.as_str().into(),
        actor: WireActor {
            id: actor.id.clone(),
            kind: actor.kind.as_str().into(),
        },
        at: at.to_string(),
        details: details.clone(),
        outcome: outcome.as_str().into(),
        sequence: sequence.0,
        subject: subject.clone(),
        v: VERSION,
    };
    serde_json::to_vec(&wire).map_err(|e| MalformedEvent(e.to_string()))
}

/// Reads the bytes of an event.
///
/// # Errors
/// When they are not what [`canonical_bytes`] writes.
pub fn from_canonical_bytes(bytes: &[u8]) -> Result<AuditRecord, MalformedEvent> {
    let malformed = |what: &str| MalformedEvent(what.to_owned());
    let wire: WireEvent = serde_json::from_slice(bytes).map_err(|e| MalformedEvent(e.to_string()))?;
    let WireEvent {
        action,
        actor,
        at,
        details,
        outcome,
        sequence,
        subject,
        v,
    } = wire;
    if v != VERSION {
        return Err(MalformedEvent(format!("its version is {v}")));
    }
    let event = AuditEvent {
        at: at
            .parse::<Timestamp>()
            .map_err(|e| MalformedEvent(e.to_string()))?,
        actor: Actor {
            kind: actor
                .kind
                .parse()
                .map_err(|_| malformed("unknown kind of actor"))?,
            id: actor.id,
        },
        action: Action::from_word(&action).ok_or_else(|| malformed("unknown action"))?,
        subject,
        outcome: Outcome::from_word(&outcome).ok_or_else(|| malformed("unknown outcome"))?,
        details,
    };
    Ok(AuditRecord {
        sequence: Sequence(sequence),
        event,
    })
}

// The order of the fields is the order of the bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEvent {
    action: String,
    actor: WireActor,
    at: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    details: BTreeMap<String, String>,
    outcome: String,
    sequence: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    v: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireActor {
    id: String,
    kind: String,
}

#[cfg(test)]
mod tests {
    use keystead_domain::ActorKind;

    use super::*;

    fn event() -> AuditEvent {
        let actor = Actor {
            kind: ActorKind::OsUser,
            id: "ada".into(),
        };
        let at = Timestamp::from_micros(1_764_000_000_000_001).unwrap();
        AuditEvent::new(at, actor, Action::KeysetDelete, Outcome::Done)
            .on("6f1c")
            .with("reason", "tidy \"up\" \u{1}")
            .with("forced", true)
    }

    #[test]
    fn the_bytes_are_fixed() {
        let bytes = canonical_bytes(Sequence(7), &event()).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            r#"{"action":"keyset.delete","actor":{"id":"ada","kind":"os-user"},"at":"2025-11-24T16:00:00.000001Z","details":{"forced":"true","reason":"tidy \"up\" \u0001"},"outcome":"done","sequence":7,"subject":"6f1c","v":1}"#
        );
    }

    #[test]
    fn an_event_survives_the_round_trip() {
        for event in [
            event(),
            AuditEvent {
                subject: None,
                details: BTreeMap::new(),
                ..event()
            },
        ] {
            let bytes = canonical_bytes(Sequence(7), &event).unwrap();
            let record = from_canonical_bytes(&bytes).unwrap();
            assert_eq!(
                record,
                AuditRecord {
                    sequence: Sequence(7),
                    event
                }
            );
        }
        assert!(from_canonical_bytes(b"{}").is_err());
    }
}
