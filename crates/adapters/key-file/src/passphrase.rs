use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use keystead_application::ports::{
    MasterKey, MasterKeyError, MasterKeyProvider, Promotion, Randomness, RandomnessError, RandomnessExt,
};
use keystead_domain::{MIN_PASSPHRASE_CHARS, MasterKeyId};

use crate::PASSPHRASE;
use crate::cipher::Secret;
use crate::file::Content;
use crate::place::{Found, Place, Successor, unusable};

mod envelope;
mod key;
mod source;

use envelope::{Envelope, Salts};
use key::{LABEL, PassphraseMasterKey, Sources, not_unlocked};
pub use source::{Ask, PassphraseSource};

/// Keeps the master key in a file that a passphrase opens.
pub struct PassphraseMasterKeyProvider {
    place: Place,
    sources: Sources,
    /// The keys that were handed out: what was unlocked once stays so.
    known: Mutex<Vec<Arc<PassphraseMasterKey>>>,
}

/// A key that is in no file yet.
struct New {
    secret: Secret,
    envelope: Envelope,
    tag: [u8; 8],
}

type Keep = fn(&Place, &Content, [u8; 8]) -> Result<Found, MasterKeyError>;

impl PassphraseMasterKeyProvider {
    /// The master key in this file. The folder must exist when the key is created.
    #[must_use]
    pub fn new(
        path: impl Into<PathBuf>,
        passphrases: Arc<dyn PassphraseSource>,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            place: Place::new(path.into()),
            sources: Sources {
                passphrases,
                randomness,
            },
            known: Mutex::default(),
        }
    }

    /// Asks for a passphrase, makes a key and keeps it in this file.
    async fn make(&self, path: &Path, keep: Keep) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let New {
            secret,
            envelope,
            tag,
        } = self.new_key(path).await?;
        let content = envelope.render();
        let found = self.on_files(move |place| keep(&place, &content, tag)).await?;
        let kept = parse(&found)?;
        if kept != envelope {
            // Another process was faster.
            return Ok(self.ready(kept, &found.path));
        }
        let place = found.path.display().to_string();
        let key = PassphraseMasterKey::unlocked(kept, place, self.sources.clone(), &secret);
        let key = Arc::new(key.map_err(|why| unusable(path, why))?);
        self.known().push(Arc::clone(&key));
        Ok(key)
    }

    async fn new_key(&self, path: &Path) -> Result<New, MasterKeyError> {
        let ask = Ask::New {
            place: path.display().to_string(),
        };
        let given = self.sources.passphrases.passphrases(ask).await;
        let given = given.and_then(|all| all.into_iter().next().ok_or("no passphrase was given".to_owned()));
        let passphrase = given.map_err(|why| not_unlocked(&path.display().to_string(), why))?;
        if passphrase.check_for_export().is_err() {
            let why = format!(
                "the new passphrase is too short; choose one of at least {MIN_PASSPHRASE_CHARS} characters, better a sentence"
            );
            return Err(unusable(path, why));
        }
        let randomness = &self.sources.randomness;
        let no_randomness = |e: RandomnessError| unusable(path, e);
        let secret: Secret = randomness.secret().map_err(no_randomness)?;
        let salts = Salts {
            salt: randomness.bytes().map_err(no_randomness)?,
            nonce: randomness.bytes().map_err(no_randomness)?,
        };
        let tag = randomness.bytes().map_err(no_randomness)?;
        let id = LABEL.id_of(&secret).map_err(|why| unusable(path, why))?;
        let at = path.to_owned();
        self.blocking(move || {
            let envelope = Envelope::wrap(&secret, id, &passphrase, salts);
            Ok(New {
                envelope: envelope.map_err(|why| unusable(&at, why))?,
                secret,
                tag,
            })
        })
        .await
    }

    fn ready(&self, envelope: Envelope, path: &Path) -> Arc<dyn MasterKey> {
        let mut known = self.known();
        if let Some(key) = known.iter().find(|key| *key.envelope() == envelope) {
            return Arc::clone(key) as _;
        }
        let place = path.display().to_string();
        let key = Arc::new(PassphraseMasterKey::locked(envelope, place, self.sources.clone()));
        known.push(Arc::clone(&key));
        key
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Vec<Arc<PassphraseMasterKey>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs file work where it does not hold up the runtime.
    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(Place) -> Result<T, MasterKeyError> + Send + 'static,
    ) -> Result<T, MasterKeyError> {
        let place = self.place.clone();
        self.blocking(move || work(place)).await
    }

    /// Runs slow work where it does not hold up the runtime.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, MasterKeyError> + Send + 'static,
    ) -> Result<T, MasterKeyError> {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|join| Err(unusable(self.place.current(), join)))
    }
}

#[async_trait]
impl MasterKeyProvider for PassphraseMasterKeyProvider {
    fn name(&self) -> &'static str {
        PASSPHRASE
    }

    fn place(&self) -> String {
        self.place.current().display().to_string()
    }

    /// The keys are still locked: the first use of one asks for its passphrase, so nobody is asked for that of a key that
    /// is not needed.
    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError> {
        let found = self.on_files(|place| place.read(id_of)).await?;
        let ready = |found: &Found| Ok(self.ready(parse(found)?, &found.path));
        found.iter().map(ready).collect()
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        // Nobody is asked for a passphrase that nothing needs.
        self.on_files(|place| place.check_vacant()).await?;
        self.make(self.place.current(), Place::create).await
    }

    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        match self.on_files(|place| place.successor()).await? {
            Successor::Left(left) => Ok(self.ready(parse(&left)?, &left.path)),
            Successor::ToBe(path) => self.make(&path, Place::create_successor).await,
        }
    }

    async fn promote(&self, id: &MasterKeyId) -> Result<Promotion, MasterKeyError> {
        let id = id.clone();
        self.on_files(move |place| place.promote(&id, id_of)).await
    }

    fn safekeeping(&self) -> &'static str {
        "copy the key file to a safe place, and keep its passphrase in another one"
    }
}

fn parse(found: &Found) -> Result<Envelope, MasterKeyError> {
    Envelope::parse(&found.content).map_err(|why| unusable(&found.path, why))
}

fn id_of(content: &Content) -> Result<MasterKeyId, String> {
    Ok(Envelope::parse(content)?.id().clone())
}
