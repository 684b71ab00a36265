use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use keystead_application::ports::{
    MAX_RECORD_DOCUMENT, MAX_RECORD_KEY, Record, RecordKind, StoreError, StoreErrorKind,
};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Version;

use super::{conflict, duplicate};

/// The records of every kind. Texts are ordered by their bytes, as they have to be.
#[derive(Clone, Default)]
pub(in crate::store) struct Records {
    // A unit of work copies all of the state; the documents are shared.
    records: BTreeMap<(RecordKind, String), Arc<Record>>,
}

/// Changes.
impl Records {
    pub(in crate::store) fn put(
        &mut self,
        record: &Record,
        expected: Option<Version>,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "put record";
        check(record, OPERATION)?;
        let place = (record.kind, record.key.clone());
        let found = self.records.get(&place).map(|found| found.version);
        match (expected, found) {
            (None, Some(_)) => {
                return Err(duplicate(OPERATION, "there is a record with this key already"));
            }
            (Some(_), _) if found != expected => return Err(changed(OPERATION)),
            _ => {}
        }
        self.records.insert(place, Arc::new(record.clone()));
        Ok(())
    }

    pub(in crate::store) fn delete(
        &mut self,
        kind: RecordKind,
        key: &str,
        expected: Version,
    ) -> Result<(), StoreError> {
        let place = (kind, key.to_owned());
        match self.records.get(&place) {
            Some(found) if found.version == expected => {
                self.records.remove(&place);
                Ok(())
            }
            _ => Err(changed("delete record")),
        }
    }

    pub(in crate::store) fn sweep(&mut self, kind: RecordKind, before: Timestamp, limit: u32) -> u64 {
        if kind.needs_event() {
            return 0;
        }
        let is_over = |record: &&Arc<Record>| record.expires_at.is_some_and(|at| at < before);
        let over = self.of(kind, None).filter(is_over).take(limit as usize);
        let over: Vec<_> = over.map(|record| (kind, record.key.clone())).collect();
        for place in &over {
            self.records.remove(place);
        }
        over.len() as u64
    }
}

/// Reads.
impl Records {
    pub(in crate::store) fn find(&self, kind: RecordKind, key: &str) -> Option<Record> {
        let found = self.records.get(&(kind, key.to_owned()));
        found.map(|record| Record::clone(record))
    }

    pub(in crate::store) fn list(&self, kind: RecordKind, after: Option<String>, limit: u32) -> Vec<Record> {
        self.of(kind, after)
            .take(limit as usize)
            .map(|record| Record::clone(record))
            .collect()
    }

    fn of(&self, kind: RecordKind, after: Option<String>) -> impl Iterator<Item = &Arc<Record>> {
        let from = match after {
            Some(key) => Bound::Excluded((kind, key)),
            None => Bound::Included((kind, String::new())),
        };
        let records = self.records.range((from, Bound::Unbounded));
        records
            .map(|(_, record)| record)
            .take_while(move |record| record.kind == kind)
    }
}

/// A record that no store could give back is a mistake of the caller.
fn check(record: &Record, operation: &'static str) -> Result<(), StoreError> {
    let key = record.key.as_bytes();
    let is_printable = key.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let what = if key.is_empty() || key.len() > MAX_RECORD_KEY || !is_printable {
        "the key is not one of 1 to 128 printable ASCII characters"
    } else if record.version.0 == 0 {
        "versions count from 1"
    } else if record.document.len() > MAX_RECORD_DOCUMENT {
        "the document is too long"
    } else {
        return Ok(());
    };
    Err(StoreError::new(StoreErrorKind::Corrupt, operation, what))
}

fn changed(operation: &'static str) -> StoreError {
    conflict(operation, "the record is gone or was changed in between")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_cannot_be_is_refused() {
        let record = Record {
            kind: RecordKind::Job,
            key: "a".repeat(MAX_RECORD_KEY),
            version: Version(1),
            expires_at: None,
            document: "ü".repeat(MAX_RECORD_DOCUMENT / 2),
        };
        let with = |key: &str| Record {
            key: key.to_owned(),
            ..record.clone()
        };
        let mut records = Records::default();
        for impossible in [
            with(""),
            with("ü"),
            with("a\n"),
            with("a\u{7f}"),
            with(&"a".repeat(MAX_RECORD_KEY + 1)),
            Record {
                version: Version(0),
                ..record.clone()
            },
            Record {
                document: format!("{} ", record.document),
                ..record.clone()
            },
        ] {
            let refused = records.put(&impossible, None).unwrap_err();
            assert_eq!(refused.kind, StoreErrorKind::Corrupt, "{refused}");
        }
        records.put(&record, None).unwrap();
        assert_eq!(records.list(RecordKind::Job, None, 9), [record]);
    }
}
