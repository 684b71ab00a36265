use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider, Promotion, Randomness};
use keystead_domain::MasterKeyId;

use crate::SYSTEMD_CREDENTIAL;
use crate::file::{self, Privacy};
use crate::place::{failed_at, unusable};
use crate::plain::PlainMasterKey;
use crate::text;

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
        let reading = path.clone();
        let read = tokio::task::spawn_blocking(move || file::read(&reading, Privacy::Credential)).await;
        let read = read.map_err(|join| unusable(&path, join))?;
        let Some(content) = read.map_err(failed_at(&path))? else {
            return Ok(None);
        };
        let secret = text::parse(&content).map_err(|why| unusable(&path, why))?;
        PlainMasterKey::shared(&secret, SYSTEMD_CREDENTIAL, &self.randomness, &path).map(Some)
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
             --name={name} - {}, add LoadCredentialEncrypted={name} to the [Service] part of \
             the unit, and run this again inside the unit",
            stored(name)
        ))
    }

    /// The key that is the successor's is the one in use now; it has to get the name of the current one, or the next
    /// rotation finds no place for another.
    fn promoted(&self, replaced: Option<&MasterKeyId>) -> Promotion {
        let (name, next) = (&self.name, self.successor());
        let (old, new) = (stored(name), stored(&next));
        let keep = replaced.map(|id| format!("keep the replaced key with: cp {old} {old}.{id}.old; "));
        Promotion {
            old_kept_at: replaced.map(|_| format!("the systemd credential {name}")),
            to_do: Some(format!(
                "{}give the new key the name {name} with: systemd-creds decrypt --name={next} {new} - | systemd-creds \
                 encrypt --name={name} - {old}; then put LoadCredentialEncrypted={name} in the place of \
                 LoadCredentialEncrypted={next} in the unit, restart the unit, and remove {new}",
                keep.unwrap_or_default()
            )),
        }
    }
}

/// Where systemd looks for the encrypted credential of a name.
fn stored(name: &str) -> String {
    format!("/etc/credstore.encrypted/{name}")
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

    async fn promote(&self, id: &MasterKeyId) -> Result<Promotion, MasterKeyError> {
        let current = self.find(&self.name).await?;
        if current.as_ref().is_some_and(|current| current.id() == id) {
            return Ok(Promotion::default());
        }
        match self.find(&self.successor()).await? {
            Some(successor) if successor.id() == id => {
                Ok(self.promoted(current.as_ref().map(|current| current.id())))
            }
            _ => Err(self.unusable(format!(
                "neither it nor the credential {} holds the master key {id}; restore its file and restart the unit",
                self.successor()
            ))),
        }
    }

    fn safekeeping(&self) -> &'static str {
        "keep the line that master-key generate printed in a safe place: the credential opens on this machine alone"
    }
}

#[cfg(test)]
mod tests;
