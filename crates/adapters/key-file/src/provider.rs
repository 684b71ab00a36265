use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    MasterKey, MasterKeyError, MasterKeyProvider, Randomness, RandomnessError, RandomnessExt,
};

use crate::file::{self, Unusable};
use crate::key::KeyFileMasterKey;

/// Keeps the master key in a file of mode 0600.
pub struct KeyFileMasterKeyProvider {
    path: PathBuf,
    randomness: Arc<dyn Randomness>,
}

impl KeyFileMasterKeyProvider {
    /// The master key in this file. The folder must exist when the key is created.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            path: path.into(),
            randomness,
        }
    }

    /// Runs file work where it does not hold up the runtime.
    async fn on_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(PathBuf) -> Result<T, Unusable> + Send + 'static,
    ) -> Result<T, MasterKeyError> {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || work(path)).await;
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(Unusable::Exists)) => Err(MasterKeyError::Exists(self.place())),
            Ok(Err(Unusable::Because(why))) => Err(self.unusable(why)),
            Err(join) => Err(self.unusable(join.to_string())),
        }
    }

    fn unusable(&self, why: String) -> MasterKeyError {
        MasterKeyError::Unusable {
            place: self.place(),
            why,
        }
    }

    fn ready(&self, secret: &file::Secret) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let key = KeyFileMasterKey::new(secret, Arc::clone(&self.randomness), self.place());
        Ok(Arc::new(key.map_err(|why| self.unusable(why))?))
    }
}

#[async_trait]
impl MasterKeyProvider for KeyFileMasterKeyProvider {
    async fn load(&self) -> Result<Option<Arc<dyn MasterKey>>, MasterKeyError> {
        match self.on_file(|path| file::read(&path)).await? {
            Some(secret) => self.ready(&secret).map(Some),
            None => Ok(None),
        }
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let no_randomness = |e: RandomnessError| self.unusable(e.to_string());
        let secret = self.randomness.secret().map_err(no_randomness)?;
        let tag = self.randomness.bytes().map_err(no_randomness)?;
        // What is handed out is what is in the file: a key that cannot be read again must not seal anything.
        let read_back = self
            .on_file(move |path| {
                file::create(&path, &secret, tag)?;
                file::read(&path)
            })
            .await?;
        match read_back {
            Some(secret) => self.ready(&secret),
            None => Err(self.unusable("it was removed while it was being made; try again".into())),
        }
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}
