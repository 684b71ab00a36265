//! How the cases of this suite read the audit trail.

use keystead_application::audit::{
    AuditRecord, AuditVerification, StoredEvent, TrailChecker, from_canonical_bytes,
};
use keystead_application::ports::{Snapshot, Store};
use keystead_domain::AuditHead;

use crate::case::{ensure, equal};
use crate::{Verdict, Violation};

/// Every row of the audit trail, on pages of this size.
pub(super) async fn rows_in_pages(
    snapshot: &mut dyn Snapshot,
    limit: u32,
) -> Result<Vec<StoredEvent>, Violation> {
    let mut all: Vec<StoredEvent> = Vec::new();
    loop {
        let after = all.last().map(|row| row.sequence);
        let page = snapshot.audit_rows(after, limit).await?;
        ensure!(
            page.len() <= limit as usize,
            "a page holds more than {limit} rows of the audit trail"
        );
        let Some(first) = page.first() else { return Ok(all) };
        ensure!(
            after.is_none_or(|after| first.sequence > after),
            "the next page of the audit trail does not come after this one"
        );
        all.extend(page);
    }
}

/// Every event of the audit trail.
pub(super) async fn all_events(snapshot: &mut dyn Snapshot) -> Result<Vec<AuditRecord>, Violation> {
    let rows = rows_in_pages(snapshot, 50).await?;
    rows.iter()
        .map(|row| Ok(from_canonical_bytes(&row.canonical)?))
        .collect()
}

/// Every event of the audit trail, which must count from 1 without gaps, and be the chain that its head ends.
pub(super) async fn gapless_events(store: &dyn Store) -> Result<Vec<AuditRecord>, Violation> {
    let mut snapshot = store.snapshot().await?;
    let records = all_events(snapshot.as_mut()).await?;
    for (expected, record) in (1_u64..).zip(&records) {
        ensure!(
            record.sequence.0 == expected,
            "the audit trail has {} where {expected} belongs",
            record.sequence.0
        );
    }
    verifies(&verification(snapshot.as_mut(), &[]).await?)?;
    Ok(records)
}

/// What a verification says about the trail, when these ends of it were seen at earlier moments.
pub(super) async fn verification(
    snapshot: &mut dyn Snapshot,
    seen: &[AuditHead],
) -> Result<AuditVerification, Violation> {
    let mut checker = TrailChecker::new();
    for head in seen {
        checker.expect(*head, "an earlier look");
    }
    for row in rows_in_pages(snapshot, 7).await? {
        // The samples are events of every kind, without what use cases keep beside them.
        checker.stored_checkpoint(row.sequence);
        checker.look_at(&row);
    }
    Ok(checker.finish(Some(snapshot.audit_head().await?)))
}

/// That a verification found nothing.
pub(super) fn verifies(verification: &AuditVerification) -> Verdict {
    let findings: Vec<_> = verification.findings.iter().map(ToString::to_string).collect();
    equal(findings, Vec::new(), "what a verification of the trail finds")
}
