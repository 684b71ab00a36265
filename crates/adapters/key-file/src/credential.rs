use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider, Randomness};
use keystead_domain::MasterKeyId;

use crate::SYSTEMD_CREDENTIAL;
use crate::file::{self, Privacy, Unusable};
use crate::key::KeyFileMasterKey;
use crate::text;

/// The name of the credential when no other is given.
pub const DEFAULT_CREDENTIAL: &str = "keystead-master-key";

/// Takes the master key from a systemd credential (systemd.exec(5), "Credentials"). systemd writes it, this program only
/// reads it: it cannot make a key there, and tells how to.
pub struct SystemdCredentialProvider {
    directory: Option<PathBuf>,
    name: String,
    randomness: Arc<dyn Randomness>,
}

impl SystemdCredentialProvider {
    /// The credential of this name, and its successor of the same name with `.next` behind it. The directory is what systemd
    /// puts into `CREDENTIALS_DIRECTORY`; outside a unit there is none.
    #[must_use]
    pub fn new(directory: Option<PathBuf>, name: impl Into<String>, randomness: Arc<dyn Randomness>) -> Self {
        Self {
            directory,
            name: name.into(),
            randomness,
        }
    }

    async fn find(&self, name: &str) -> Result<Option<Arc<dyn MasterKey>>, MasterKeyError> {
        // systemd takes no other names, and a path would lead out of the directory.
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(self.unusable(format!(
                "{name:?} is not a name of a credential; configure another"
            )));
        }
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        let path = directory.join(name);
        let place = path.display().to_string();
        let failed = |why| MasterKeyError::Unusable { place, why };
        let reading = path.clone();
        let read = tokio::task::spawn_blocking(move || file::read(&reading, Privacy::Credential)).await;
        let content = match read {
            Ok(Ok(Some(content))) => content,
            Ok(Ok(None)) => return Ok(None),
            Ok(Err(Unusable::Exists)) => return Err(MasterKeyError::Exists(self.place())),
            Ok(Err(Unusable::Because(why))) => return Err(failed(why)),
            Err(join) => return Err(failed(join.to_string())),
        };
        let secret = text::parse(&content).map_err(failed)?;
        KeyFileMasterKey::shared(&secret, SYSTEMD_CREDENTIAL, &self.randomness, &path).map(Some)
    }

    fn successor(&self) -> String {
        format!("{}.next", self.name)
    }

    fn unusable(&self, why: String) -> MasterKeyError {
        MasterKeyError::Unusable {
            place: self.place(),
            why,
        }
    }

    /// What an administrator does in the place of this program.
    fn only_systemd_makes_it(&self, name: &str) -> MasterKeyError {
        self.unusable(format!(
            "only systemd can put a key there; make one with: keystead master-key generate | systemd-creds encrypt \
             --name={name} - /etc/credstore.encrypted/{name}, add LoadCredentialEncrypted={name} to the [Service] part of \
             the unit, and run this again inside the unit"
        ))
    }

    fn advice(&self) -> String {
        let (name, next) = (&self.name, self.successor());
        format!(
            "the credential {name}, which holds the replaced key until you change it: keep a copy of \
             /etc/credstore.encrypted/{name}, then give the new key that name with: systemd-creds decrypt --name={next} \
             /etc/credstore.encrypted/{next} - | systemd-creds encrypt --name={name} - /etc/credstore.encrypted/{name}, and \
             take {next} out of the unit"
        )
    }
}

#[async_trait]
impl MasterKeyProvider for SystemdCredentialProvider {
    fn name(&self) -> &'static str {
        SYSTEMD_CREDENTIAL
    }

    fn place(&self) -> String {
        match &self.directory {
            Some(directory) => directory.join(&self.name).display().to_string(),
            None => format!(
                "the systemd credential {} (CREDENTIALS_DIRECTORY is not set)",
                self.name
            ),
        }
    }

    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError> {
        let mut keys: Vec<_> = self.find(&self.name).await?.into_iter().collect();
        if let Some(successor) = self.find(&self.successor()).await?
            && keys.iter().all(|key| key.id() != successor.id())
        {
            keys.push(successor);
        }
        Ok(keys)
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        if self.keys().await?.is_empty() {
            Err(self.only_systemd_makes_it(&self.name))
        } else {
            Err(MasterKeyError::Exists(self.place()))
        }
    }

    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let successor = self.successor();
        let current = self.find(&self.name).await?;
        match self.find(&successor).await? {
            None => Err(self.only_systemd_makes_it(&successor)),
            Some(found) if current.is_some_and(|current| current.id() == found.id()) => {
                Err(self.unusable(format!(
                    "the credential {successor} holds the same key; make another one for it, or take it out of the unit"
                )))
            }
            Some(found) => Ok(found),
        }
    }

    async fn promote(&self, id: &MasterKeyId) -> Result<Option<String>, MasterKeyError> {
        let keys = self.keys().await?;
        match keys.iter().position(|key| key.id() == id) {
            None => Err(self.unusable(format!(
                "neither it nor the credential {} holds the master key {id}; restore its file and restart the unit",
                self.successor()
            ))),
            Some(0) => Ok(None),
            Some(_) => Ok(Some(self.advice())),
        }
    }
}

#[cfg(test)]
mod tests;
