//! What is seen, alike in a snapshot and in a unit of work.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{
    DamagedKeyset, KeyCount, KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, StoreError, UnstagedKey,
};
use keystead_domain::{
    AuditHead, ChainHash, Fingerprint, FingerprintPrefix, Installation, Keyset, KeysetId, RecipientTag,
    SealedBytes, Sequence,
};
use redb::ReadTransaction;

use crate::records::{InstallationRecord, KeysetRecord, SealedRecord, age, cursor, place, place_of};
use crate::rows::{
    AGES, AUDIT, CHECKPOINTS, FINGERPRINTS, KEYSETS, PRIVATE_KEYS, Row, Rows, SINGLE, STAGED, Table, corrupt,
    decode,
};
use crate::unit::RedbUnitOfWork;

pub(crate) struct RedbSnapshot(pub(crate) ReadTransaction);

impl RedbSnapshot {
    pub(crate) fn rows(&self) -> Result<&dyn Rows, StoreError> {
        Ok(&self.0)
    }
}

impl dyn Rows + '_ {
    /// Promise: the domain's checked constructor is the one way back. It refuses columns that contradict each other.
    fn keyset(&self, id: &str) -> Result<Option<Keyset>, StoreError> {
        let Some(record) = self.get::<KeysetRecord>(KEYSETS, id)? else {
            return Ok(None);
        };
        let pointed_at = self.active()?.as_deref() == Some(id);
        Ok(Some(Keyset::from_stored(record.into_stored(pointed_at)?)?))
    }

    pub(crate) fn active(&self) -> Result<Option<String>, StoreError> {
        self.get(SINGLE, "active")
    }

    /// The keysets whose fingerprints begin so, in the order of their fingerprints.
    fn beginning_with(&self, digits: &str, limit: usize) -> Result<Vec<Keyset>, StoreError> {
        let rows = self.scan(FINGERPRINTS, Bound::Included(digits.as_bytes()), limit)?;
        let rows = rows
            .iter()
            .take_while(|(key, _)| key.starts_with(digits.as_bytes()));
        rows.filter_map(|(_, id)| decode::<String>(id).and_then(|id| self.keyset(&id)).transpose())
            .collect()
    }

    /// Promise: a damaged row is told of, and does not keep the others from being seen.
    fn list(&self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError> {
        let after = after.map(|after| age(after.created_at.as_micros(), &after.id.to_string()));
        let mut rows = self.scan(AGES, behind(&after), limit as usize + 1)?;
        let goes_on = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows
            .last()
            .filter(|_| goes_on)
            .map(|(key, _)| cursor(key))
            .transpose()?;
        let (mut keysets, mut damaged) = (Vec::new(), Vec::new());
        for (key, _) in &rows {
            let id = cursor(key)?.id.to_string();
            match self.keyset(&id) {
                Ok(keyset) => keysets.extend(keyset),
                Err(error) => damaged.push(DamagedKeyset {
                    id,
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

    pub(crate) fn all_sealed(&self, table: Table) -> Result<Vec<SealedBytes>, StoreError> {
        let rows = self.scan(table, Bound::Unbounded, usize::MAX)?;
        rows.iter()
            .map(|(_, bytes)| decode::<SealedRecord>(bytes)?.into_sealed())
            .collect()
    }

    fn census(&self, table: Table) -> Result<Vec<KeyCount>, StoreError> {
        let mut counts = BTreeMap::new();
        for SealedBytes {
            master_key_id,
            provider,
            ..
        } in self.all_sealed(table)?
        {
            let key = (master_key_id.to_string(), provider.clone());
            let none = KeyCount {
                master_key_id,
                provider,
                private_keys: 0,
            };
            counts.entry(key).or_insert(none).private_keys += 1;
        }
        Ok(counts.into_values().collect())
    }

    pub(crate) fn unstaged(
        &self,
        after: Option<KeysetId>,
        limit: u32,
    ) -> Result<Vec<UnstagedKey>, StoreError> {
        let mut found = Vec::new();
        for (id, bytes) in self.scan(PRIVATE_KEYS, behind(&after.map(|id| id.to_string())), usize::MAX)? {
            let id = String::from_utf8(id).map_err(corrupt)?;
            if found.len() < limit as usize && self.bytes(STAGED, id.as_bytes())?.is_none() {
                let keyset: Option<KeysetRecord> = self.get(KEYSETS, &id)?;
                let fingerprint = keyset.map(|keyset| keyset.fingerprint).unwrap_or_default();
                found.push(UnstagedKey {
                    keyset: id.parse().map_err(corrupt)?,
                    fingerprint: fingerprint.parse().map_err(corrupt)?,
                    sealed: decode::<SealedRecord>(&bytes)?.into_sealed()?,
                });
            }
        }
        Ok(found)
    }

    pub(crate) fn head(&self) -> Result<AuditHead, StoreError> {
        let head = self.get::<(u64, [u8; 32])>(SINGLE, "audit head")?;
        Ok(head.map_or(AuditHead::EMPTY, |(sequence, chain)| AuditHead {
            sequence: Sequence(sequence),
            chain: ChainHash::from_bytes(chain),
        }))
    }
}

/// Promise: pages begin after the place that they are asked for.
pub(crate) fn behind<T: AsRef<[u8]>>(after: &Option<T>) -> Bound<&[u8]> {
    after
        .as_ref()
        .map_or(Bound::Unbounded, |after| Bound::Excluded(after.as_ref()))
}

/// Promise: nothing is judged. What cannot be read is given as it is, and is said to be damaged.
fn event((key, value): Row) -> StoredEvent {
    let sequence = place_of(&key);
    match decode::<(Vec<u8>, [u8; 32])>(&value) {
        Ok((canonical, chain)) => StoredEvent {
            sequence,
            canonical,
            chain: Some(ChainHash::from_bytes(chain)),
            damage: None,
        },
        Err(error) => StoredEvent {
            sequence,
            canonical: value,
            chain: None,
            damage: Some(error.message),
        },
    }
}

macro_rules! reads {
    ($($view:ty),+) => {$(
        #[async_trait]
        impl Snapshot for $view {
            async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
                let record = self.rows()?.get(SINGLE, "installation")?;
                record.map(InstallationRecord::into_installation).transpose()
            }

            async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
                self.rows()?.keyset(&id.to_string())
            }

            async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
                Ok(self.rows()?.beginning_with(&fingerprint.to_string(), 1)?.pop())
            }

            async fn find_by_prefix(&mut self, prefix: &FingerprintPrefix, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                self.rows()?.beginning_with(prefix.as_str(), limit as usize)
            }

            async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
                // Without an index of its own: an installation has tens of keysets.
                let mut keysets = self.rows()?.beginning_with("", usize::MAX)?;
                keysets.retain(|keyset| keyset.public_key().tag() == tag);
                keysets.truncate(limit as usize);
                Ok(keysets)
            }

            async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
                let rows = self.rows()?;
                rows.active()?.map_or(Ok(None), |id| rows.keyset(&id))
            }

            async fn list_keysets(&mut self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, StoreError> {
                self.rows()?.list(after, limit)
            }

            async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
                let record = self.rows()?.get(PRIVATE_KEYS, &id.to_string())?;
                record.map(SealedRecord::into_sealed).transpose()
            }

            async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
                let rows = self.rows()?;
                Ok(MasterKeyCensus { sealed: rows.census(PRIVATE_KEYS)?, staged: rows.census(STAGED)? })
            }

            async fn unstaged_private_keys(
                &mut self,
                after: Option<KeysetId>,
                limit: u32,
            ) -> Result<Vec<UnstagedKey>, StoreError> {
                self.rows()?.unstaged(after, limit)
            }

            async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
                self.rows()?.head()
            }

            async fn audit_rows(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
                let rows = self.rows()?.scan(AUDIT, behind(&after.map(place)), limit as usize)?;
                Ok(rows.into_iter().map(event).collect())
            }

            async fn checkpoints(&mut self, after: Option<Sequence>, limit: u32) -> Result<Vec<StoredCheckpoint>, StoreError> {
                let rows = self.rows()?.scan(CHECKPOINTS, behind(&after.map(place)), limit as usize)?;
                let rows = rows.into_iter();
                rows.map(|(key, note)| Ok(StoredCheckpoint { sequence: place_of(&key), note: decode(&note)? })).collect()
            }
        }
    )+};
}

reads!(RedbSnapshot, RedbUnitOfWork);
