use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{
    KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, Store, StoreError, UnstagedKey,
};
use keystead_domain::keyset::{Keyset, Origin, State, StoredKeyset};
use keystead_domain::{
    AuditHead, ChainHash, Fingerprint, FingerprintPrefix, Installation, KeysetId, RecipientTag, SealedBytes,
    Sequence, Timestamp,
};

use super::Fault;
use super::adapter::BrokenUnit;
use super::memory::Memory;

/// What a view looks at.
pub(super) enum Inner {
    Snapshot(Box<dyn Snapshot>),
    Unit(Box<dyn keystead_application::ports::UnitOfWork>),
}

/// Reads that keep all promises but one.
pub(super) struct View {
    pub(super) inner: Option<Inner>,
    /// What a blind unit of work looks at instead.
    pub(super) committed: Option<Box<dyn Snapshot>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) fault: Fault,
    pub(super) memory: Arc<Memory>,
}

impl View {
    pub(super) fn new(inner: Inner, store: Arc<dyn Store>, fault: Fault, memory: Arc<Memory>) -> Self {
        Self {
            inner: Some(inner),
            committed: None,
            store,
            fault,
            memory,
        }
    }

    pub(super) async fn look(&mut self) -> Result<&mut dyn Snapshot, StoreError> {
        let is_unit = matches!(self.inner, Some(Inner::Unit(_)));
        let moves = self.fault == Fault::SeesLaterCommits && !is_unit;
        if moves {
            self.inner = Some(Inner::Snapshot(self.store.snapshot().await?));
        }
        match self.inner.as_mut().unwrap() {
            Inner::Snapshot(snapshot) => Ok(snapshot.as_mut()),
            Inner::Unit(unit) => Ok(unit.as_mut()),
        }
    }

    pub(super) fn is_blind(&self) -> bool {
        self.fault == Fault::DoesNotSeeOwnWrites && matches!(self.inner, Some(Inner::Unit(_)))
    }

    /// What this store makes of a keyset.
    fn shown(&self, keyset: Keyset) -> Keyset {
        let stored = keyset.to_stored();
        let changed = match self.fault {
            Fault::RoundsTimes => StoredKeyset {
                created_at: rounded(stored.created_at),
                ..stored
            },
            Fault::CutsHints => StoredKeyset {
                hint: stored
                    .hint
                    .as_str()
                    .chars()
                    .take(100)
                    .collect::<String>()
                    .parse()
                    .unwrap(),
                ..stored
            },
            Fault::ForgetsOrigins => StoredKeyset {
                origin: Origin::Generated,
                ..stored
            },
            Fault::ShowsSupersededAsActive if matches!(keyset.state(), State::Superseded { .. }) => {
                StoredKeyset {
                    pointed_at: true,
                    deactivated_at: None,
                    superseded_by: None,
                    ..stored
                }
            }
            _ => stored,
        };
        Keyset::from_stored(changed).unwrap()
    }
}

pub(super) fn rounded(time: Timestamp) -> Timestamp {
    Timestamp::from_micros(time.as_micros() / 1_000 * 1_000).unwrap()
}

#[async_trait]
impl Snapshot for View {
    async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
        self.look().await?.installation().await
    }

    async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
        if self.is_blind() {
            return self.store.snapshot().await?.find_keyset(id).await;
        }
        let found = self.look().await?.find_keyset(id).await?;
        // Activating reads keysets, and must go on doing so for the pointer to move at all.
        if self.fault == Fault::ShowsSupersededAsActive && matches!(self.inner, Some(Inner::Unit(_))) {
            return Ok(found);
        }
        Ok(found.map(|keyset| self.shown(keyset)))
    }

    async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
        self.look().await?.find_by_fingerprint(fingerprint).await
    }

    async fn find_by_prefix(
        &mut self,
        prefix: &FingerprintPrefix,
        limit: u32,
    ) -> Result<Vec<Keyset>, StoreError> {
        match self.fault {
            Fault::IgnoresLimits => self.look().await?.find_by_prefix(prefix, u32::MAX).await,
            // As with an upper bound that counts up the last digit and finds none above the highest.
            Fault::MissesHighestDigits if prefix.as_str().bytes().all(|digit| digit == b'f') => {
                Ok(Vec::new())
            }
            _ => self.look().await?.find_by_prefix(prefix, limit).await,
        }
    }

    async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
        match self.fault {
            Fault::Panics => panic!("no tags here"),
            Fault::FindsOneByTag => self.look().await?.find_by_tag(tag, 1).await,
            _ => self.look().await?.find_by_tag(tag, limit).await,
        }
    }

    async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
        self.look().await?.active_keyset().await
    }

    async fn list_keysets(
        &mut self,
        after: Option<KeysetCursor>,
        limit: u32,
    ) -> Result<KeysetPage, StoreError> {
        let mut page = self.look().await?.list_keysets(after, limit).await?;
        match self.fault {
            Fault::ListsNewestFirst => page.keysets.reverse(),
            Fault::RepeatsAcrossPages => {
                // The cursor of the last keyset but one, as with a comparison that takes equality in.
                let last_but_one = page.keysets.iter().rev().nth(1);
                page.next = page.next.and(last_but_one.map(KeysetCursor::of)).or(page.next);
            }
            Fault::PromisesOnePageMore => page.next = page.keysets.last().map(KeysetCursor::of),
            _ => {}
        }
        page.keysets = page
            .keysets
            .into_iter()
            .map(|keyset| self.shown(keyset))
            .collect();
        Ok(page)
    }

    async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
        let sealed = self.look().await?.sealed_private_key(id).await?;
        match self.fault {
            Fault::KeepsPrivateKeys => Ok(sealed.or_else(|| keystead_contract::samples::sealed(0).ok())),
            Fault::ShowsStagedCopies => Ok(self.memory.staged(id).or(sealed)),
            _ => Ok(sealed),
        }
    }

    async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
        let mut census = self.look().await?.master_key_census().await?;
        match self.fault {
            Fault::CountsOrphans => census.staged.extend(self.memory.orphans()),
            Fault::CountsOnlyTheFirstKey => census.sealed.truncate(1),
            _ => {}
        }
        Ok(census)
    }

    async fn unstaged_private_keys(
        &mut self,
        after: Option<KeysetId>,
        limit: u32,
    ) -> Result<Vec<UnstagedKey>, StoreError> {
        let mut keys = self.look().await?.unstaged_private_keys(after, limit).await?;
        if self.fault == Fault::ListsUnstagedBackwards {
            keys.reverse();
        }
        Ok(keys)
    }

    async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
        let mut head = self.look().await?.audit_head().await?;
        match self.fault {
            Fault::HeadStaysAfterRollback => head.sequence.0 += self.memory.rolled_back(),
            Fault::LeavesGaps => head.sequence.0 = (head.sequence.0 * 2).saturating_sub(1),
            _ => {}
        }
        Ok(head)
    }

    async fn audit_rows(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let after = match (self.fault, after) {
            (Fault::LeavesGaps, Some(Sequence(place))) => Some(Sequence(place.div_ceil(2))),
            (Fault::RepeatsAcrossPages, Some(Sequence(place))) => Some(Sequence(place.saturating_sub(1))),
            (_, after) => after,
        };
        let mut rows = self.look().await?.audit_rows(after, limit).await?;
        match self.fault {
            Fault::LosesEvents => rows.retain(|row| row.sequence.0 % 7 != 0),
            Fault::LeavesGaps => rows
                .iter_mut()
                .for_each(|row| row.sequence = Sequence(row.sequence.0 * 2 - 1)),
            Fault::ChainRestartsAfterRollback if self.memory.rolled_back() > 0 => {
                if let Some(row) = rows.last_mut() {
                    row.chain = Some(ChainHash::START.after(&row.canonical));
                }
            }
            _ => {}
        }
        Ok(rows)
    }

    async fn checkpoints(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let mut checkpoints = self.look().await?.checkpoints(after, limit).await?;
        match self.fault {
            Fault::MixesUpCheckpoints => checkpoints.reverse(),
            Fault::TrimsNotes => checkpoints
                .iter_mut()
                .for_each(|checkpoint| checkpoint.note.truncate(checkpoint.note.trim_end().len())),
            _ => {}
        }
        Ok(checkpoints)
    }
}

#[async_trait]
impl Snapshot for BrokenUnit {
    async fn installation(&mut self) -> Result<Option<Installation>, StoreError> {
        self.view.installation().await
    }

    async fn find_keyset(&mut self, id: KeysetId) -> Result<Option<Keyset>, StoreError> {
        self.view.find_keyset(id).await
    }

    async fn find_by_fingerprint(&mut self, fingerprint: &Fingerprint) -> Result<Option<Keyset>, StoreError> {
        self.view.find_by_fingerprint(fingerprint).await
    }

    async fn find_by_prefix(
        &mut self,
        prefix: &FingerprintPrefix,
        limit: u32,
    ) -> Result<Vec<Keyset>, StoreError> {
        self.view.find_by_prefix(prefix, limit).await
    }

    async fn find_by_tag(&mut self, tag: RecipientTag, limit: u32) -> Result<Vec<Keyset>, StoreError> {
        self.view.find_by_tag(tag, limit).await
    }

    async fn active_keyset(&mut self) -> Result<Option<Keyset>, StoreError> {
        self.view.active_keyset().await
    }

    async fn list_keysets(
        &mut self,
        after: Option<KeysetCursor>,
        limit: u32,
    ) -> Result<KeysetPage, StoreError> {
        self.view.list_keysets(after, limit).await
    }

    async fn sealed_private_key(&mut self, id: KeysetId) -> Result<Option<SealedBytes>, StoreError> {
        self.view.sealed_private_key(id).await
    }

    async fn master_key_census(&mut self) -> Result<MasterKeyCensus, StoreError> {
        self.view.master_key_census().await
    }

    async fn unstaged_private_keys(
        &mut self,
        after: Option<KeysetId>,
        limit: u32,
    ) -> Result<Vec<UnstagedKey>, StoreError> {
        self.view.unstaged_private_keys(after, limit).await
    }

    async fn audit_head(&mut self) -> Result<AuditHead, StoreError> {
        self.view.audit_head().await
    }

    async fn audit_rows(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.view.audit_rows(after, limit).await
    }

    async fn checkpoints(
        &mut self,
        after: Option<Sequence>,
        limit: u32,
    ) -> Result<Vec<StoredCheckpoint>, StoreError> {
        self.view.checkpoints(after, limit).await
    }
}
