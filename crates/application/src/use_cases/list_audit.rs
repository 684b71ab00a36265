use keystead_domain::Sequence;

use crate::audit::{AuditRecord, from_canonical_bytes};
use crate::ports::{Store, StoreError};

/// Looks at the audit trail.
pub struct ListAudit<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
}

/// Some events, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The events.
    pub records: Vec<AuditRecord>,
    /// Places of this page where something else than an event stands. They do not keep the others from being seen.
    pub damaged: Vec<DamagedEvent>,
    /// The place to go on from; `None` at the end.
    pub next: Option<Sequence>,
}

/// A row that should hold an event and cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedEvent {
    /// The place that it names.
    pub sequence: Sequence,
    /// What is wrong with it.
    pub what: String,
}

impl ListAudit<'_> {
    /// A page of the trail, oldest first. It shows what is stored; whether that is what was written, is for
    /// [`super::VerifyAudit`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run(&self, after: Option<Sequence>, limit: u32) -> Result<AuditPage, StoreError> {
        let asked = limit.saturating_add(1);
        let mut rows = self.store.snapshot().await?.audit_rows(after, asked).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| row.sequence);
        let (mut records, mut damaged) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            let sequence = row.sequence;
            let what = match (from_canonical_bytes(&row.canonical), row.damage) {
                (Ok(record), None) if record.sequence == sequence => {
                    records.push(record);
                    continue;
                }
                (Ok(record), None) => format!("it belongs to place {}", record.sequence.0),
                (Ok(_), Some(what)) => what,
                (Err(error), _) => error.to_string(),
            };
            damaged.push(DamagedEvent { sequence, what });
        }
        Ok(AuditPage {
            records,
            damaged,
            next,
        })
    }
}
