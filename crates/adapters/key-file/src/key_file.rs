use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    MasterKey, MasterKeyError, MasterKeyProvider, Promotion, Randomness, RandomnessError, RandomnessExt,
};
use keystead_domain::MasterKeyId;

use crate::KEY_FILE;
use crate::file::Content;
use crate::place::{Found, Place, unusable};
use crate::plain::{LABEL, PlainMasterKey};
use crate::text;

/// Keeps the master key in a file of mode 0600.
pub struct KeyFileMasterKeyProvider {
    place: Place,
    randomness: Arc<dyn Randomness>,
}

impl KeyFileMasterKeyProvider {
    /// The master key in this file. The folder must exist when the key is created.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            place: Place::new(path.into()),
            randomness,
        }
    }

    /// Runs file work where it does not hold up the runtime.
    async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(Place) -> Result<T, MasterKeyError> + Send + 'static,
    ) -> Result<T, MasterKeyError> {
        let place = self.place.clone();
        let done = tokio::task::spawn_blocking(move || work(place)).await;
        done.unwrap_or_else(|join| Err(unusable(self.place.current(), join)))
    }

    fn new_key(&self) -> Result<(Content, [u8; 8]), MasterKeyError> {
        let no_randomness = |e: RandomnessError| unusable(self.place.current(), e);
        let secret = self.randomness.secret().map_err(no_randomness)?;
        let tag = self.randomness.bytes().map_err(no_randomness)?;
        Ok((text::render(&secret), tag))
    }

    fn ready(&self, found: &Found) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let secret = text::parse(&found.content).map_err(|why| unusable(&found.path, why))?;
        PlainMasterKey::shared(&secret, KEY_FILE, &self.randomness, &found.path)
    }
}

#[async_trait]
impl MasterKeyProvider for KeyFileMasterKeyProvider {
    fn name(&self) -> &'static str {
        KEY_FILE
    }

    fn place(&self) -> String {
        self.place.current().display().to_string()
    }

    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError> {
        let found = self.on_files(|place| place.read(id_of)).await?;
        found.iter().map(|found| self.ready(found)).collect()
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let (content, tag) = self.new_key()?;
        let made = self.on_files(move |place| place.create(&content, tag)).await?;
        self.ready(&made)
    }

    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let (content, tag) = self.new_key()?;
        let made = self
            .on_files(move |place| place.create_successor(&content, tag))
            .await?;
        self.ready(&made)
    }

    async fn promote(&self, id: &MasterKeyId) -> Result<Promotion, MasterKeyError> {
        let id = id.clone();
        self.on_files(move |place| place.promote(&id, id_of)).await
    }

    fn safekeeping(&self) -> &'static str {
        "copy the key file to a safe place, apart from the backups of the database"
    }
}

fn id_of(content: &Content) -> Result<MasterKeyId, String> {
    LABEL.id_of(&text::parse(content)?)
}
