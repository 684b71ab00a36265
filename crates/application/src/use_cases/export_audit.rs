use keystead_domain::{AuditHead, ChainHash, Sequence};

use super::InstallationError;
use crate::audit::{checkpoint_line, event_line, first_line};
use crate::ports::{Store, StoreError, StoreErrorKind};

const PAGE: u32 = 1000;

/// Writes the audit trail out as JSON lines.
pub struct ExportAudit<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
}

/// A trail that is being written out.
pub struct AuditLines<'a> {
    store: &'a dyn Store,
    place: AuditPlace,
}

/// How far a trail was written out, to go on from there.
#[derive(Debug, Clone)]
pub struct AuditPlace {
    after: Sequence,
    begun: bool,
    /// The last event that belongs to it.
    last: Sequence,
    note: Option<String>,
    events: u64,
}

impl<'a> ExportAudit<'a> {
    /// Begins behind `after`. When the trail was signed just before, its checkpoint and head are given, and the export ends
    /// there; otherwise it ends where the trail does, and is not signed.
    #[must_use]
    pub fn run(&self, after: Sequence, signed: Option<(String, AuditHead)>) -> AuditLines<'a> {
        let (note, last) = match signed {
            Some((note, head)) => (Some(note), head.sequence),
            // Also what stands behind the head that the trail names.
            None => (None, Sequence(u64::MAX)),
        };
        AuditLines {
            store: self.store,
            place: AuditPlace {
                after,
                begun: false,
                last,
                note,
                events: 0,
            },
        }
    }
}

impl AuditLines<'_> {
    /// The next lines, each with its line feed; `None` at the end.
    ///
    /// Each call looks at the store anew: a trail only grows, and who reads the lines may take long.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<String>, InstallationError> {
        let failed = |e| StoreError::caused_by(StoreErrorKind::Corrupt, "export the audit trail", e);
        if !self.place.begun {
            self.place.begun = true;
            let chain = self.chain_before().await?;
            return Ok(Some(first_line(self.place.after, chain).map_err(failed)? + "\n"));
        }
        let mut snapshot = self.store.snapshot().await?;
        let rows = snapshot.audit_rows(Some(self.place.after), PAGE).await?;
        let mut lines = String::new();
        for row in rows.iter().take_while(|row| row.sequence <= self.place.last) {
            lines.push_str(&event_line(row).map_err(failed)?);
            lines.push('\n');
            self.place.after = row.sequence;
            self.place.events += 1;
        }
        if !lines.is_empty() {
            return Ok(Some(lines));
        }
        match self.place.note.take() {
            Some(note) => Ok(Some(checkpoint_line(&note).map_err(failed)? + "\n")),
            None => Ok(None),
        }
    }

    /// How far it is.
    #[must_use]
    pub fn into_place(self) -> AuditPlace {
        self.place
    }

    /// How many events were written out so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.place.events
    }

    /// The value of the chain at the place behind which the export begins.
    async fn chain_before(&self) -> Result<Option<ChainHash>, InstallationError> {
        let Some(before) = self.place.after.0.checked_sub(1) else {
            return Ok(Some(ChainHash::START));
        };
        let mut snapshot = self.store.snapshot().await?;
        let rows = snapshot.audit_rows(Some(Sequence(before)), 1).await?;
        let row = rows.into_iter().find(|row| row.sequence == self.place.after);
        Ok(row.and_then(|row| row.chain))
    }
}

impl AuditPlace {
    /// Goes on with the same trail.
    #[must_use]
    pub fn resume(self, store: &dyn Store) -> AuditLines<'_> {
        AuditLines { store, place: self }
    }
}
