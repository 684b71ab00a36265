use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_application::ports::{Record, RecordKind, Snapshot, StoreError};
use keystead_domain::keyset::Version;

/// The records that a unit of work put or deleted: what they were before it, and what they are after it. For a unit of work
/// without an event, they tell what became of its commit.
#[derive(Default)]
pub(crate) struct Touched(BTreeMap<(RecordKind, String), Change>);

struct Change {
    /// The version before; `None` where there was nothing.
    before: Option<Version>,
    /// What there is after; `None` where it was deleted.
    after: Option<Arc<Record>>,
}

/// What the records in the store say about a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It happened.
    Happened,
    /// It did not; or nothing was put or deleted, and doing the rest again does no harm.
    NothingKept,
    /// Somebody else has changed them since.
    Nothing,
}

impl Touched {
    pub(crate) fn put(&mut self, record: Arc<Record>, expected: Option<Version>) {
        let change = self.touch(record.kind, record.key.clone(), expected);
        change.after = Some(record);
    }

    pub(crate) fn delete(&mut self, kind: RecordKind, key: &str, expected: Version) {
        self.touch(kind, key.to_owned(), Some(expected)).after = None;
    }

    fn touch(&mut self, kind: RecordKind, key: String, before: Option<Version>) -> &mut Change {
        let untouched = Change { before, after: None };
        self.0.entry((kind, key)).or_insert(untouched)
    }

    /// Asks the records. All of a unit of work happens or nothing, so one of them that is as before speaks for all, and so
    /// does one that is as after. The versions of a record only grow, so one that is at its version before was not changed.
    pub(crate) async fn ask(&self, view: &mut (impl Snapshot + ?Sized)) -> Result<Said, StoreError> {
        let mut said = match self.0.is_empty() {
            true => Said::NothingKept,
            false => Said::Nothing,
        };
        for ((kind, key), Change { before, after }) in &self.0 {
            let found = view.find_record(*kind, key).await?;
            if found.as_ref().map(|found| found.version) == *before {
                return Ok(Said::NothingKept);
            }
            if found.as_ref() == after.as_deref() {
                said = Said::Happened;
            }
        }
        Ok(said)
    }
}
