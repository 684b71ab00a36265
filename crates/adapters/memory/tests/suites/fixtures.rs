//! The fixtures of the reference, for the suites.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{
    Clock, EncodedPrivateKey, ExportCodec, FileShare, KeyPair, MasterKeyProvider, MessageCipher, Randomness,
    RsaEngine, SealedFormat, ServerFolder, SharePath, SigningEngine, SigningKeyPair, SshSignatures, Store,
};
use keystead_contract::clock::ClockFixture;
use keystead_contract::export_codec::ExportCodecFixture;
use keystead_contract::file_share::FileShareFixture;
use keystead_contract::master_key::MasterKeyFixture;
use keystead_contract::message_cipher::MessageCipherFixture;
use keystead_contract::randomness::RandomnessFixture;
use keystead_contract::rsa_engine::RsaEngineFixture;
use keystead_contract::sealed_format::SealedFormatFixture;
use keystead_contract::server_folder::ServerFolderFixture;
use keystead_contract::signing::SigningFixture;
use keystead_contract::ssh_signatures::SshSignaturesFixture;
use keystead_contract::store::{FreshStore, StoreFixture};
use keystead_domain::{GenerateBits, SecretBytes};
use keystead_memory::{
    MemoryClock, MemoryExportCodec, MemoryFileShare, MemoryMasterKeyProvider, MemoryMessageCipher,
    MemoryRandomness, MemoryRsaEngine, MemorySealedFormat, MemoryServerFolder, MemorySigningEngine,
    MemorySshSignatures, MemoryStore,
};

/// Every adapter in memory.
#[derive(Default)]
pub(crate) struct Memory {
    stores: Mutex<HashMap<String, MemoryStore>>,
    counter: AtomicU32,
    pub(crate) share: MemoryFileShare,
    pub(crate) engine: MemoryRsaEngine,
    codec: MemoryExportCodec,
    randomness: MemoryRandomness,
    format: MemorySealedFormat,
    signing: MemorySigningEngine,
    cipher: MemoryMessageCipher,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn next(&self) -> u32 {
        self.counter.fetch_add(1, Ordering::SeqCst)
    }
}

#[async_trait]
impl StoreFixture for Memory {
    async fn store(&self) -> FreshStore {
        let (store, place) = (MemoryStore::new(), format!("store {}", self.next()));
        self.stores.lock().unwrap().insert(place.clone(), store.clone());
        FreshStore {
            store: Arc::new(store),
            place,
        }
    }

    fn can_reopen(&self) -> bool {
        true
    }

    async fn reopen(&self, place: &str) -> Arc<dyn Store> {
        Arc::new(self.stores.lock().unwrap()[place].clone())
    }
}

#[async_trait]
impl FileShareFixture for Memory {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::new(self.share.clone())
    }

    async fn folder(&self) -> SharePath {
        let folder = SharePath::new(format!("/exports/{}", self.next()));
        self.share.make_folder(&folder).unwrap();
        folder
    }

    fn knows_folders(&self) -> bool {
        true
    }

    fn keeps_paths_inside(&self) -> bool {
        true
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        self.share.files_in(folder)
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    async fn leave_broken_write(&self, folder: &SharePath) {
        self.share.leave_broken_write(folder).unwrap();
    }

    async fn others_can_read(&self, _path: &SharePath) -> Option<bool> {
        // Nobody else is in this process.
        Some(false)
    }
}

#[async_trait]
impl RsaEngineFixture for Memory {
    async fn engine(&self) -> Arc<dyn RsaEngine> {
        Arc::new(self.engine.clone())
    }
}

#[async_trait]
impl ExportCodecFixture for Memory {
    fn codec(&self) -> Arc<dyn ExportCodec> {
        Arc::new(self.codec.clone())
    }

    async fn key_pair(&self) -> KeyPair {
        self.engine.generate(GenerateBits::B2048).await.unwrap()
    }

    async fn admits(&self, key: &EncodedPrivateKey) -> bool {
        let EncodedPrivateKey::Pkcs8(bytes) = key else {
            return false;
        };
        let copy = SecretBytes::new(bytes.expose().to_vec());
        self.engine.admit(EncodedPrivateKey::Pkcs8(copy)).await.is_ok()
    }
}

#[async_trait]
impl MasterKeyFixture for Memory {
    async fn provider(&self) -> Arc<dyn MasterKeyProvider> {
        Arc::new(MemoryMasterKeyProvider::new())
    }
}

impl ClockFixture for Memory {
    fn clock(&self) -> Arc<dyn Clock> {
        let now = "2025-11-24T16:00:00Z".parse().unwrap();
        Arc::new(MemoryClock::at(now))
    }

    fn goes_by_itself(&self) -> bool {
        false
    }
}

impl RandomnessFixture for Memory {
    fn randomness(&self) -> Arc<dyn Randomness> {
        Arc::new(self.randomness.clone())
    }
}

impl SealedFormatFixture for Memory {
    fn format(&self) -> Arc<dyn SealedFormat> {
        Arc::new(self.format.clone())
    }
}

impl SigningFixture for Memory {
    fn engine(&self) -> Arc<dyn SigningEngine> {
        Arc::new(self.signing.clone())
    }

    fn is_ed25519(&self) -> bool {
        false
    }
}

impl SshSignaturesFixture for Memory {
    fn signatures(&self) -> Arc<dyn SshSignatures> {
        Arc::new(MemorySshSignatures::new(self.signing.clone()))
    }

    fn key_pair(&self) -> SigningKeyPair {
        self.signing.generate().unwrap()
    }

    fn is_ed25519(&self) -> bool {
        false
    }
}

impl MessageCipherFixture for Memory {
    fn cipher(&self) -> Arc<dyn MessageCipher> {
        Arc::new(self.cipher.clone())
    }

    fn is_age(&self) -> bool {
        false
    }
}

#[async_trait]
impl ServerFolderFixture for Memory {
    async fn folder(&self) -> [Arc<dyn ServerFolder>; 2] {
        let folder = MemoryServerFolder::new();
        [Arc::new(folder.clone()), Arc::new(folder)]
    }
}
