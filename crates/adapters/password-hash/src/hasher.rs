use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{PasswordHasher, PasswordHasherError, Randomness, RandomnessExt};
use keystead_domain::{Passphrase, PasswordHash};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::argon::{Stored, hash_new};

/// How many passwords are hashed at the same time.
const AT_ONCE: usize = 2;
const SALT_LEN: usize = 16;

/// Hashes passwords with Argon2id.
pub struct Argon2PasswordHasher {
    randomness: Arc<dyn Randomness>,
    turns: Arc<Semaphore>,
}

impl Argon2PasswordHasher {
    /// A hasher that takes its salts from there. One is enough for a process, and bounds the memory that hashing takes.
    #[must_use]
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self {
            randomness,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Does the work on a blocking thread, when it is its turn.
    async fn work<T: Send + 'static>(
        &self,
        password: &Passphrase,
        work: impl FnOnce(&[u8]) -> Result<T, PasswordHasherError> + Send + 'static,
    ) -> Result<T, PasswordHasherError> {
        let failed = |why: String| PasswordHasherError::Failed(why);
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|e| failed(e.to_string()))?;
        let password = Zeroizing::new(password.expose().to_vec());
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&password);
            // The turn ends with the work, also when nobody waits for the result any more.
            drop(turn);
            result
        });
        done.await
            .unwrap_or_else(|_| Err(failed("the thread that did it has died".to_owned())))
    }
}

#[async_trait]
impl PasswordHasher for Argon2PasswordHasher {
    async fn hash(&self, password: &Passphrase) -> Result<PasswordHash, PasswordHasherError> {
        let salt: [u8; SALT_LEN] = self.randomness.bytes()?;
        self.work(password, move |password| hash_new(password, &salt))
            .await
    }

    async fn verify(
        &self,
        password: &Passphrase,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordHasherError> {
        let Some(hash) = hash else {
            let in_vain = |password: &[u8]| hash_new(password, &[0; SALT_LEN]);
            return self.work(password, in_vain).await.map(|_| false);
        };
        let stored = Stored::read(hash)?;
        self.work(password, move |password| stored.is_of(password)).await
    }
}
