use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_application::audit::{StoredCheckpoint, StoredEvent, chained};
use keystead_application::ports::{StoreError, StoreErrorKind};
use keystead_domain::{AuditEvent, AuditHead, Sequence};

use super::duplicate;

/// The audit trail: rows, their head, and the checkpoints beside them.
#[derive(Clone)]
pub(in crate::store) struct Trail {
    pub(in crate::store) head: AuditHead,
    rows: Vec<Arc<StoredEvent>>,
    checkpoints: BTreeMap<Sequence, StoredCheckpoint>,
}

impl Default for Trail {
    fn default() -> Self {
        Self {
            head: AuditHead::EMPTY,
            rows: Vec::new(),
            checkpoints: BTreeMap::new(),
        }
    }
}

impl Trail {
    pub(in crate::store) fn append(&mut self, event: &AuditEvent) -> Result<Sequence, StoreError> {
        const OPERATION: &str = "append audit event";
        let row = chained(self.head, event)
            .map_err(|error| StoreError::caused_by(StoreErrorKind::Corrupt, OPERATION, error))?;
        let sequence = row.sequence;
        let chain = row.chain.ok_or_else(|| {
            StoreError::new(StoreErrorKind::Corrupt, OPERATION, "the event has no chain value")
        })?;
        self.head = AuditHead { sequence, chain };
        self.rows.push(Arc::new(row));
        Ok(sequence)
    }

    pub(in crate::store) fn append_checkpoint(
        &mut self,
        checkpoint: &StoredCheckpoint,
    ) -> Result<(), StoreError> {
        if self.checkpoints.contains_key(&checkpoint.sequence) {
            return Err(duplicate(
                "append checkpoint",
                format!(
                    "there is a checkpoint for event {} already",
                    checkpoint.sequence.0
                ),
            ));
        }
        self.checkpoints.insert(checkpoint.sequence, checkpoint.clone());
        Ok(())
    }

    pub(in crate::store) fn rows(&self, after: Option<Sequence>, limit: u32) -> Vec<StoredEvent> {
        self.rows
            .iter()
            .filter(|row| after.is_none_or(|after| row.sequence > after))
            .take(limit as usize)
            .map(|row| StoredEvent::clone(row))
            .collect()
    }

    pub(in crate::store) fn checkpoints(&self, after: Option<Sequence>, limit: u32) -> Vec<StoredCheckpoint> {
        self.checkpoints
            .values()
            .filter(|checkpoint| after.is_none_or(|after| checkpoint.sequence > after))
            .take(limit as usize)
            .cloned()
            .collect()
    }
}
