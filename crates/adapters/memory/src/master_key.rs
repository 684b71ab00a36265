use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider, Promotion};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};

use crate::token::{lock, token};

const PROVIDER: &str = "memory";
const FORMAT_VERSION: u16 = 1;

/// A place in memory for master keys. Clones are the same place.
#[derive(Clone)]
pub struct MemoryMasterKeyProvider {
    name: &'static str,
    place: Arc<Mutex<Place>>,
}

#[derive(Default)]
struct Place {
    current: Option<Arc<MemoryMasterKey>>,
    successor: Option<Arc<MemoryMasterKey>>,
    replaced: Vec<Arc<MemoryMasterKey>>,
}

/// A master key that hands out tokens for secrets. Nothing is encrypted.
pub struct MemoryMasterKey {
    id: MasterKeyId,
    provider: &'static str,
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
        Self::named(PROVIDER)
    }

    /// The same as a provider with another name, for what needs several.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self {
            name,
            place: Arc::default(),
        }
    }
}

impl Default for MemoryMasterKeyProvider {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl MasterKeyProvider for MemoryMasterKeyProvider {
    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> String {
        "the memory of this process".to_owned()
    }

    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError> {
        let place = lock(&self.place);
        let keys = place.current.iter().chain(&place.successor);
        Ok(keys.map(|key| Arc::clone(key) as Arc<dyn MasterKey>).collect())
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let mut place = lock(&self.place);
        if place.current.is_some() || place.successor.is_some() {
            return Err(MasterKeyError::Exists(self.place()));
        }
        let key = Arc::new(MemoryMasterKey::new(self.name)?);
        place.current = Some(Arc::clone(&key));
        Ok(key)
    }

    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let mut place = lock(&self.place);
        if let Some(left) = &place.successor {
            return Ok(Arc::clone(left) as Arc<dyn MasterKey>);
        }
        let key = Arc::new(MemoryMasterKey::new(self.name)?);
        place.successor = Some(Arc::clone(&key));
        Ok(key)
    }

    async fn promote(&self, id: &MasterKeyId) -> Result<Promotion, MasterKeyError> {
        let mut place = lock(&self.place);
        if place.current.as_ref().is_some_and(|key| key.id == *id) {
            return Ok(Promotion::default());
        }
        let Some(successor) = place.successor.take_if(|key| key.id == *id) else {
            return Err(MasterKeyError::Unusable {
                place: self.place(),
                why: format!("there is no master key {id}"),
            });
        };
        let replaced = place.current.replace(successor);
        let old_kept_at = replaced.as_ref().map(|_| self.place());
        place.replaced.extend(replaced);
        Ok(Promotion {
            old_kept_at,
            to_do: None,
        })
    }

    fn safekeeping(&self) -> &'static str {
        "leave this process running"
    }
}

impl MemoryMasterKey {
    fn new(provider: &'static str) -> Result<Self, MasterKeyError> {
        let digits: String = token(8).iter().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{provider}-{digits}")
            .parse()
            .map_err(|error| MasterKeyError::Unusable {
                place: provider.to_owned(),
                why: format!("{error}"),
            })?;
        Ok(Self {
            id,
            provider,
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
        self.provider
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
            provider: self.provider.to_owned(),
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
            Some(entry) if entry.context == context && sealed.provider == self.provider => {
                Ok(copy(&entry.secret))
            }
            Some(_) | None => Err(MasterKeyError::Damaged),
        }
    }
}

fn copy(secret: &SecretBytes) -> SecretBytes {
    SecretBytes::new(secret.expose().to_vec())
}
