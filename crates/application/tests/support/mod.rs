//! A whole world in memory for use cases to work in.

#![allow(dead_code, unreachable_pub)] // Each test file uses a part of this.

pub mod recovery;
pub mod scene;

use std::sync::Arc;

use keystead_application::audit::AuditRecord;
use keystead_application::ports::{LocatedShare, MasterKey, MasterKeyProviders, SharePath, Snapshot, Store};
use keystead_application::use_cases::{
    CreateKeyset, ExportDestination, ExportKeysets, ExportProtection, ExportReceipt, ExportRequest,
    ImportKeysets, ImportRequest, Initialise, KeysetError, ListAudit, UnlockInstallation,
};
use keystead_domain::{
    Action, Actor, ActorKind, GenerateBits, Keyset, KeysetReference, Outcome, Passphrase, SecretBytes,
    Timestamp,
};
use keystead_memory::{
    MemoryClock, MemoryExportCodec, MemoryFileShare, MemoryMasterKeyProvider, MemoryRandomness,
    MemoryRsaEngine, MemorySealedFormat, MemorySigningEngine, MemoryStore,
};
use zeroize::Zeroizing;

pub struct World {
    pub store: Arc<dyn Store>,
    pub master_keys: MasterKeyProviders,
    pub rsa: Arc<MemoryRsaEngine>,
    pub codec: Arc<MemoryExportCodec>,
    pub format: Arc<MemorySealedFormat>,
    pub signing: MemorySigningEngine,
    pub share: MemoryFileShare,
    pub clock: MemoryClock,
    pub randomness: MemoryRandomness,
}

impl World {
    /// Nothing has happened here yet.
    pub fn new() -> Self {
        Self::sharing(
            Arc::new(MemoryRsaEngine::new()),
            Arc::new(MemoryExportCodec::new()),
            1,
        )
    }

    /// Another installation that can read the exports of the first.
    pub fn beside(other: &Self) -> Self {
        Self::sharing(Arc::clone(&other.rsa), Arc::clone(&other.codec), 2)
    }

    fn sharing(rsa: Arc<MemoryRsaEngine>, codec: Arc<MemoryExportCodec>, seed: u32) -> Self {
        let share = MemoryFileShare::new();
        share.make_folder(&SharePath::new("safe")).unwrap();
        Self {
            store: Arc::new(MemoryStore::new()),
            master_keys: new_master_keys(),
            rsa,
            codec,
            format: Arc::new(MemorySealedFormat::new()),
            signing: MemorySigningEngine::new(),
            share,
            clock: MemoryClock::at(Timestamp::from_micros(1_764_000_000_000_000).unwrap()),
            randomness: MemoryRandomness::seeded(seed),
        }
    }

    /// After `init`.
    pub async fn initialised() -> Self {
        let world = Self::new();
        world.initialise().await;
        world
    }

    pub async fn initialise(&self) -> Keyset {
        let initialise = Initialise {
            store: self.store.as_ref(),
            master_keys: &self.master_keys,
            rsa: self.rsa.as_ref(),
            signing: &self.signing,
            clock: &self.clock,
            randomness: &self.randomness,
        };
        initialise
            .run(&actor(), "first".parse().unwrap(), GenerateBits::B2048)
            .await
            .unwrap()
            .keyset
    }

    pub async fn master_key(&self) -> Arc<dyn MasterKey> {
        let unlock = UnlockInstallation {
            store: self.store.as_ref(),
            master_keys: &self.master_keys,
        };
        unlock.run().await.unwrap().master_key
    }

    pub async fn create(&self, hint: &str) -> Keyset {
        let master_key = self.master_key().await;
        let create = CreateKeyset {
            store: self.store.as_ref(),
            master_key: master_key.as_ref(),
            rsa: self.rsa.as_ref(),
            clock: &self.clock,
            randomness: &self.randomness,
        };
        create
            .run(&actor(), hint.parse().unwrap(), GenerateBits::B2048)
            .await
            .unwrap()
    }

    pub async fn export(&self, request: ExportRequest) -> Result<ExportReceipt, KeysetError> {
        let master_key = self.master_key().await;
        let export = ExportKeysets {
            store: self.store.as_ref(),
            master_key: master_key.as_ref(),
            rsa: self.rsa.as_ref(),
            codec: self.codec.clone(),
            clock: &self.clock,
            randomness: &self.randomness,
        };
        export.run(&actor(), request).await
    }

    /// The bytes of an export of these keysets, or of all.
    pub async fn exported_bytes(&self, keysets: Vec<KeysetReference>) -> SecretBytes {
        let request = ExportRequest {
            keysets,
            protection: ExportProtection::Passphrase(Arc::new(passphrase())),
            destination: ExportDestination::Caller,
        };
        self.export(request).await.unwrap().content.unwrap()
    }

    pub async fn import(&self, file: SecretBytes) -> Result<Vec<Keyset>, KeysetError> {
        let master_key = self.master_key().await;
        let import = ImportKeysets {
            store: self.store.as_ref(),
            master_key: master_key.as_ref(),
            rsa: self.rsa.as_ref(),
            codec: self.codec.clone(),
            clock: &self.clock,
            randomness: &self.randomness,
        };
        let request = ImportRequest {
            file,
            source: "memory".into(),
            passphrase: Some(Arc::new(passphrase())),
            hint: None,
            hints_for_nameless: std::collections::BTreeMap::new(),
            expected: Vec::new(),
        };
        import.run(&actor(), request).await
    }

    pub async fn unlock(&self) -> Result<(), keystead_application::use_cases::InstallationError> {
        let unlock = UnlockInstallation {
            store: self.store.as_ref(),
            master_keys: &self.master_keys,
        };
        unlock.run().await.map(|_| ())
    }

    pub fn located(&self, path: &str) -> LocatedShare {
        LocatedShare {
            share: Arc::new(self.share.clone()),
            path: SharePath::new(path),
        }
    }

    pub async fn snapshot(&self) -> Box<dyn Snapshot> {
        self.store.snapshot().await.unwrap()
    }

    pub async fn active(&self) -> Keyset {
        self.snapshot().await.active_keyset().await.unwrap().unwrap()
    }

    pub async fn count(&self) -> usize {
        self.snapshot()
            .await
            .list_keysets(None, 1000)
            .await
            .unwrap()
            .keysets
            .len()
    }

    /// The audit trail.
    pub async fn records(&self) -> Vec<AuditRecord> {
        let list = ListAudit {
            store: self.store.as_ref(),
        };
        list.run(None, 1000).await.unwrap().records
    }

    /// The audit trail in short.
    pub async fn trail(&self) -> Vec<(Action, Outcome)> {
        self.records()
            .await
            .into_iter()
            .map(|record| (record.event.action, record.event.outcome))
            .collect()
    }
}

/// Two places for master keys, both empty.
pub fn new_master_keys() -> MasterKeyProviders {
    let others = vec![Arc::new(MemoryMasterKeyProvider::named("other")) as Arc<_>];
    MasterKeyProviders::new(Arc::new(MemoryMasterKeyProvider::new()), others)
}

pub fn actor() -> Actor {
    Actor {
        kind: ActorKind::OsUser,
        id: "ada".into(),
    }
}

pub fn passphrase() -> Passphrase {
    Passphrase::new(Zeroizing::new(b"a good passphrase".to_vec()))
}
