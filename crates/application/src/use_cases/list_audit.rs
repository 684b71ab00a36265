use keystead_domain::Sequence;

use crate::ports::{AuditPage, Store, StoreError};

/// Looks at the audit trail.
pub struct ListAudit<'a> {
    /// Where it is kept.
    pub store: &'a dyn Store,
}

impl ListAudit<'_> {
    /// A page of the trail, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read, or an event is damaged.
    pub async fn run(&self, after: Option<Sequence>, limit: u32) -> Result<AuditPage, StoreError> {
        self.store.snapshot().await?.list_audit(after, limit).await
    }
}
