mod master_key;
mod records;
mod recoveries;
mod trail;

use std::collections::BTreeMap;

use keystead_application::ports::{DamagedKeyset, KeysetCursor, KeysetPage, StoreError, StoreErrorKind};
use keystead_domain::keyset::{Keyset, StoredKeyset, Version};
use keystead_domain::{Fingerprint, Installation, KeysetId, SealedBytes};

use self::records::Records;
use self::recoveries::Recoveries;
use self::trail::Trail;

/// All that the store holds at one moment. Keysets are kept as columns, and the pointer beside them, as a database does.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) installation: Option<Installation>,
    rows: BTreeMap<KeysetId, Row>,
    active: Option<KeysetId>,
    pub(super) trail: Trail,
    pub(super) recoveries: Recoveries,
    pub(super) records: Records,
}

#[derive(Clone)]
struct Row {
    columns: StoredKeyset,
    private_key: SealedBytes,
    staged: Option<SealedBytes>,
}

impl State {
    pub(super) fn insert_installation(&mut self, installation: &Installation) -> Result<(), StoreError> {
        if self.installation.is_some() {
            return Err(duplicate(
                "insert installation",
                "there is an installation already",
            ));
        }
        self.installation = Some(installation.clone());
        Ok(())
    }

    pub(super) fn insert_keyset(
        &mut self,
        keyset: &Keyset,
        private_key: &SealedBytes,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "insert keyset";
        let columns = keyset.to_stored();
        if self.rows.contains_key(&columns.id) {
            return Err(duplicate(OPERATION, "there is a keyset with this id already"));
        }
        if self.id_of(&columns.fingerprint).is_some() {
            return Err(duplicate(
                OPERATION,
                "there is a keyset with this fingerprint already",
            ));
        }
        let row = Row {
            columns,
            private_key: private_key.clone(),
            staged: None,
        };
        self.rows.insert(row.columns.id, row);
        Ok(())
    }

    pub(super) fn save_keyset(&mut self, keyset: &Keyset, expected: Version) -> Result<(), StoreError> {
        const OPERATION: &str = "save keyset";
        let columns = keyset.to_stored();
        let taken = self
            .id_of(&columns.fingerprint)
            .is_some_and(|id| id != columns.id);
        let row = match self.rows.get_mut(&columns.id) {
            Some(row) if row.columns.version == expected => row,
            Some(_) => return Err(conflict(OPERATION, "the keyset was changed in between")),
            None => return Err(conflict(OPERATION, "the keyset is gone")),
        };
        if taken {
            return Err(duplicate(OPERATION, "another keyset has this fingerprint"));
        }
        row.columns = columns;
        Ok(())
    }

    pub(super) fn delete_keyset(&mut self, id: KeysetId, expected: Version) -> Result<(), StoreError> {
        const OPERATION: &str = "delete keyset";
        match self.rows.get(&id) {
            Some(row) if row.columns.version == expected => {}
            Some(_) => return Err(conflict(OPERATION, "the keyset was changed in between")),
            None => return Err(conflict(OPERATION, "the keyset is gone")),
        }
        if self.active == Some(id) {
            return Err(conflict(OPERATION, "the keyset is pointed at as Active"));
        }
        self.rows.remove(&id);
        Ok(())
    }

    pub(super) fn point_active(
        &mut self,
        to: KeysetId,
        expected: Option<KeysetId>,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "activate keyset";
        if self.active != expected {
            return Err(conflict(OPERATION, "another keyset was activated in between"));
        }
        if !self.rows.contains_key(&to) {
            return Err(conflict(OPERATION, "the keyset is gone"));
        }
        self.active = Some(to);
        Ok(())
    }

    /// What a schema's constraints say at the end of a transaction: the keyset pointed at is the one in state Active.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        for row in self.rows.values() {
            self.keyset(row)
                .map_err(|error| conflict("commit", format!("the active pointer does not agree: {error}")))?;
        }
        Ok(())
    }

    pub(super) fn find(&self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
        self.rows.get(&id).map(|row| self.keyset(row)).transpose()
    }

    pub(super) fn active(&self) -> Result<Option<Keyset>, StoreError> {
        self.active.map_or(Ok(None), |id| self.find(id))
    }

    /// The keysets that a condition holds for, in the order of their fingerprints.
    pub(super) fn select(
        &self,
        limit: u32,
        matches: impl Fn(&StoredKeyset) -> bool,
    ) -> Result<Vec<Keyset>, StoreError> {
        let mut rows: Vec<&Row> = self.rows.values().filter(|row| matches(&row.columns)).collect();
        rows.sort_by_key(|row| row.columns.fingerprint);
        rows.into_iter()
            .take(limit as usize)
            .map(|row| self.keyset(row))
            .collect()
    }

    pub(super) fn list(&self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError> {
        let cursor = |row: &Row| KeysetCursor {
            created_at: row.columns.created_at,
            id: row.columns.id,
        };
        let mut rows: Vec<&Row> = self
            .rows
            .values()
            .filter(|row| after.is_none_or(|a| cursor(row) > a))
            .collect();
        rows.sort_by_key(|row| cursor(row));
        let goes_on = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| goes_on).map(|row| cursor(row));
        let (mut keysets, mut damaged) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            match self.keyset(row) {
                Ok(keyset) => keysets.push(keyset),
                Err(error) => damaged.push(DamagedKeyset {
                    id: row.columns.id.to_string(),
                    what: error.message,
                }),
            }
        }
        Ok(KeysetPage {
            keysets,
            damaged,
            next,
        })
    }

    pub(super) fn private_key(&self, id: KeysetId) -> Option<SealedBytes> {
        self.rows.get(&id).map(|row| row.private_key.clone())
    }

    fn id_of(&self, fingerprint: &Fingerprint) -> Option<KeysetId> {
        let row = self
            .rows
            .values()
            .find(|row| row.columns.fingerprint == *fingerprint);
        row.map(|row| row.columns.id)
    }

    fn keyset(&self, row: &Row) -> Result<Keyset, StoreError> {
        let columns = StoredKeyset {
            pointed_at: self.active == Some(row.columns.id),
            ..row.columns.clone()
        };
        Ok(Keyset::from_stored(columns)?)
    }
}

fn conflict(operation: &'static str, message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Conflict, operation, message)
}

fn duplicate(operation: &'static str, message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Duplicate, operation, message)
}
