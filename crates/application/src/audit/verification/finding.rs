use std::fmt;

use keystead_domain::Sequence;

/// Something in the audit trail that is not as it was written. Places are inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFinding {
    /// The event's bytes, or its value of the chain, are not those that were written.
    Changed {
        /// Its place.
        at: Sequence,
    },
    /// What is stored is no event of this program, or contradicts itself.
    Damaged {
        /// Its place.
        at: Sequence,
        /// What is wrong with it.
        why: String,
    },
    /// Events that are not there.
    Removed {
        /// The first.
        from: Sequence,
        /// The last.
        to: Sequence,
    },
    /// Events that stand in places that are not theirs.
    OutOfPlace {
        /// The place of the first.
        from: Sequence,
        /// The place of the last.
        to: Sequence,
        /// The place that the first one names.
        says: Sequence,
    },
    /// The head of the trail names more events than there are.
    TailCut {
        /// The last event.
        last: Sequence,
        /// The last event that the head names.
        head: Sequence,
    },
    /// Events behind the end that the head of the trail names.
    BehindHead {
        /// The first.
        from: Sequence,
        /// The last.
        to: Sequence,
    },
    /// The head of the trail has another value of the chain than its last event.
    HeadChanged,
    /// A signed record says otherwise: the trail was written anew, consistently, after it was signed.
    Rewritten {
        /// The last place at which a signed record agrees, if any does.
        after: Option<Sequence>,
        /// The place at which it does not.
        up_to: Sequence,
        /// Which record.
        record: String,
    },
    /// A signed record covers events that are not there: the tail was cut, and the head changed to match.
    CutBeforeRecord {
        /// The last event.
        last: Sequence,
        /// The last event that the record covers.
        record_ends: Sequence,
        /// Which record.
        record: String,
    },
    /// The event says that the trail was signed, and the signature is not there.
    CheckpointMissing {
        /// The place of the event.
        at: Sequence,
    },
    /// A stored checkpoint is not what the installation's identity signed.
    CheckpointRefused {
        /// The place that it is stored for.
        at: Sequence,
        /// Why.
        why: String,
    },
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = |from: &Sequence, to: &Sequence| match from == to {
            true => format!("event {}", from.0),
            false => format!("events {} to {}", from.0, to.0),
        };
        match self {
            Self::Changed { at } => write!(f, "event {} was changed", at.0),
            Self::Damaged { at, why } => write!(f, "event {} was changed: {why}", at.0),
            Self::Removed { from, to } => write!(f, "removed: {}", events(from, to)),
            Self::OutOfPlace { from, to, says } if says < from => write!(
                f,
                "an event was inserted or moved: {} belong {} further ahead",
                events(from, to),
                places(from.0 - says.0)
            ),
            Self::OutOfPlace { from, to, says } => write!(
                f,
                "an event was removed or moved: {} belong {} further back",
                events(from, to),
                places(says.0 - from.0)
            ),
            Self::TailCut { last, head } => write!(
                f,
                "the tail is cut: the trail ends with event {}, its head names {}",
                last.0, head.0
            ),
            Self::BehindHead { from, to } => {
                write!(f, "inserted behind the end of the trail: {}", events(from, to))
            }
            Self::HeadChanged => write!(f, "the head of the trail was changed, or its last event was"),
            Self::Rewritten { after, up_to, record } => write!(
                f,
                "the trail was written anew: between event {} and event {} it is not what {record} says",
                after.map_or(1, |after| after.0 + 1),
                up_to.0
            ),
            Self::CutBeforeRecord {
                last,
                record_ends,
                record,
            } => write!(
                f,
                "the tail is cut: the trail ends with event {}, {record} knows {}",
                last.0, record_ends.0
            ),
            Self::CheckpointMissing { at } => write!(f, "the checkpoint of event {} was removed", at.0),
            Self::CheckpointRefused { at, why } => {
                write!(f, "the stored checkpoint of event {} was changed: {why}", at.0)
            }
        }
    }
}

fn places(distance: u64) -> String {
    match distance {
        1 => "one place".to_owned(),
        more => format!("{more} places"),
    }
}
