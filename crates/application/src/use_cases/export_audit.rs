use keystead_domain::{AuditHead, Sequence};

use super::InstallationError;
use crate::audit::{checkpoint_line, event_line};
use crate::ports::{Snapshot, Store, StoreError, StoreErrorKind};

const PAGE: u32 = 1000;

/// Writes the audit trail out as JSON lines.
pub struct ExportAudit<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
}

/// A trail that is being written out.
pub struct AuditLines {
    snapshot: Box<dyn Snapshot>,
    after: Option<Sequence>,
    /// The last event that belongs to it.
    last: Sequence,
    note: Option<String>,
    events: u64,
}

impl ExportAudit<'_> {
    /// Begins behind `after`. When the trail was signed just before, its checkpoint and head are given, and the export ends
    /// there; otherwise it ends where the trail does, and is not signed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run(
        &self,
        after: Option<Sequence>,
        signed: Option<(String, AuditHead)>,
    ) -> Result<AuditLines, InstallationError> {
        let mut snapshot = self.store.snapshot().await?;
        let (note, last) = match signed {
            Some((note, head)) => (Some(note), head.sequence),
            // Also what stands behind the head that the trail names.
            None => (None, Sequence(u64::MAX)),
        };
        // The snapshot is of the moment of its first read.
        snapshot.installation().await?;
        Ok(AuditLines {
            snapshot,
            after,
            last,
            note,
            events: 0,
        })
    }
}

impl AuditLines {
    /// The next lines, each with its line feed; `None` at the end.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<String>, InstallationError> {
        let failed = |e| StoreError::caused_by(StoreErrorKind::Corrupt, "export the audit trail", e);
        let rows = self.snapshot.audit_rows(self.after, PAGE).await?;
        let mut lines = String::new();
        for row in rows.iter().take_while(|row| row.sequence <= self.last) {
            lines.push_str(&event_line(row).map_err(failed)?);
            lines.push('\n');
            self.after = Some(row.sequence);
            self.events += 1;
        }
        if !lines.is_empty() {
            return Ok(Some(lines));
        }
        match self.note.take() {
            Some(note) => Ok(Some(checkpoint_line(&note).map_err(failed)? + "\n")),
            None => Ok(None),
        }
    }

    /// How many events were written out so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }
}
