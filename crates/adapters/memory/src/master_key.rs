use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};

use crate::token::{lock, token};

const PROVIDER: &str = "memory";
const FORMAT_VERSION: u16 = 1;

/// A place in memory for one master key. Clones are the same place.
#[derive(Clone, Default)]
pub struct MemoryMasterKeyProvider {
    key: Arc<Mutex<Option<Arc<MemoryMasterKey>>>>,
}

/// A master key that hands out tokens for secrets. Nothing is encrypted.
pub struct MemoryMasterKey {
    id: MasterKeyId,
    sealed: Mutex<HashMap<Vec<u8>, Sealed>>,
}

struct Sealed {
    context: Vec<u8>,
    secret: SecretBytes,
}

impl MemoryMasterKeyProvider {
    /// A place without a key.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl MasterKeyProvider for MemoryMasterKeyProvider {
    async fn load(&self) -> Result<Option<Arc<dyn MasterKey>>, MasterKeyError> {
        let key = lock(&self.key).clone();
        Ok(key.map(|key| key as Arc<dyn MasterKey>))
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let mut place = lock(&self.key);
        if place.is_some() {
            return Err(MasterKeyError::Exists(self.place()));
        }
        let key = Arc::new(MemoryMasterKey::new()?);
        *place = Some(Arc::clone(&key));
        Ok(key)
    }

    fn place(&self) -> String {
        "the memory of this process".to_owned()
    }
}

impl MemoryMasterKey {
    fn new() -> Result<Self, MasterKeyError> {
        let digits: String = token(8).iter().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("memory-{digits}")
            .parse()
            .map_err(|error| MasterKeyError::Unusable {
                place: PROVIDER.to_owned(),
                why: format!("{error}"),
            })?;
        Ok(Self {
            id,
            sealed: Mutex::default(),
        })
    }
}

#[async_trait]
impl MasterKey for MemoryMasterKey {
    fn id(&self) -> &MasterKeyId {
        &self.id
    }

    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        let ciphertext = token(32);
        let sealed = Sealed {
            context: context.to_vec(),
            secret: copy(secret),
        };
        lock(&self.sealed).insert(ciphertext.clone(), sealed);
        Ok(SealedBytes {
            master_key_id: self.id.clone(),
            provider: PROVIDER.to_owned(),
            format_version: FORMAT_VERSION,
            ciphertext,
        })
    }

    async fn open(&self, sealed: &SealedBytes, context: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        if sealed.master_key_id != self.id {
            return Err(MasterKeyError::OtherKey {
                sealed_under: sealed.master_key_id.clone(),
                at_hand: self.id.clone(),
            });
        }
        if sealed.format_version != FORMAT_VERSION {
            return Err(MasterKeyError::UnknownFormat(sealed.format_version));
        }
        match lock(&self.sealed).get(&sealed.ciphertext) {
            Some(entry) if entry.context == context && sealed.provider == PROVIDER => Ok(copy(&entry.secret)),
            Some(_) | None => Err(MasterKeyError::Damaged),
        }
    }
}

fn copy(secret: &SecretBytes) -> SecretBytes {
    SecretBytes::new(secret.expose().to_vec())
}
