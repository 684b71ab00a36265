//! The audit trail as it is stored: canonical bytes, the chain over them, and signed checkpoints.

mod canonical;
mod checkpoint;
mod export;
mod verification;

use keystead_domain::{AuditEvent, AuditHead, ChainHash, Sequence};

pub use canonical::{AuditRecord, MalformedEvent, canonical_bytes, from_canonical_bytes};
pub use checkpoint::{CheckpointRefused, StoredCheckpoint, checkpoint_key, verified_checkpoint};
pub use export::{WitnessRefused, checkpoint_line, event_line, first_line, signed_heads};
pub use verification::{AuditFinding, AuditVerification, TrailChecker};

/// A row of the audit trail as it is stored, right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The place that the row names.
    pub sequence: Sequence,
    /// The bytes of the event.
    pub canonical: Vec<u8>,
    /// The value of the chain after the event; `None` when what is there is not one.
    pub chain: Option<ChainHash>,
    /// What the store itself sees wrong with the row, such as a column that contradicts the bytes.
    pub damage: Option<String>,
}

/// What a store keeps of the next event after `head`.
///
/// # Errors
/// Never for an event that this program makes.
pub fn chained(head: AuditHead, event: &AuditEvent) -> Result<StoredEvent, MalformedEvent> {
    let sequence = Sequence(head.sequence.0 + 1);
    let canonical = canonical_bytes(sequence, event)?;
    Ok(StoredEvent {
        sequence,
        chain: Some(head.chain.after(&canonical)),
        canonical,
        damage: None,
    })
}
