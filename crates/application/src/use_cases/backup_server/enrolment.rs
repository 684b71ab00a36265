use keystead_domain::{ExpectedFingerprint, Fingerprint, IdentityKeys, Recipient, ServerId, ServerName};

use super::ServerError;
use super::home::{Home, OwnIdentity, TrustedManager};
use crate::exchange::{Confirmation, Enrolment};
use crate::ports::{Clock, MessageCipher, ServerFolder, SigningEngine, SshSignatures};

/// Makes the identity of a backup server, and the text that enrols it.
pub struct MakeEnrolment<'a> {
    /// Where the identity is kept.
    pub folder: &'a dyn ServerFolder,
    /// Makes the signing key.
    pub signing: &'a dyn SigningEngine,
    /// Makes the encryption key.
    pub cipher: &'a dyn MessageCipher,
    /// Signs the text.
    pub ssh: &'a dyn SshSignatures,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// A text that enrols this machine.
#[derive(Debug, Clone)]
pub struct MadeEnrolment {
    /// The fingerprint of the identity.
    pub fingerprint: Fingerprint,
    /// Whether the identity is new.
    pub is_new: bool,
    /// The text for the manager.
    pub text: String,
}

/// Trusts a manager that confirmed this machine, once people have compared the fingerprint.
pub struct TrustManager<'a> {
    /// Where it is remembered.
    pub folder: &'a dyn ServerFolder,
    /// Verifies the confirmation.
    pub ssh: &'a dyn SshSignatures,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// What a backup server knows about itself.
pub struct ServerState<'a> {
    /// Where it is kept.
    pub folder: &'a dyn ServerFolder,
}

/// A backup server as it sees itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnState {
    /// The fingerprint of its identity, if it has one.
    pub identity: Option<Fingerprint>,
    /// The manager that it trusts.
    pub manager: Option<TrustedManager>,
    /// What it seals to.
    pub recipients: Vec<Recipient>,
}

impl MakeEnrolment<'_> {
    /// Makes the text, and the identity first when there is none or a new one is wanted. The one before is kept.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn run(&self, name: &ServerName, new_identity: bool) -> Result<MadeEnrolment, ServerError> {
        let home = Home(self.folder);
        let _lock = home.lock().await?;
        let known = home.identity().await?.filter(|_| !new_identity);
        let is_new = known.is_none();
        let identity = match known {
            Some(identity) => identity,
            None => {
                let identity = self.new_identity()?;
                home.add_identity(&identity).await?;
                identity
            }
        };
        let now = self.clock.now();
        let enrolment = Enrolment {
            name: name.clone(),
            keys: identity.keys.clone(),
            // A document that is damaged is the reason to enrol anew, and must not keep anybody from it.
            server: home.manager().await.ok().flatten().map(|manager| manager.server),
            created_at: now,
        };
        let text = enrolment
            .to_text(&identity.signing, self.ssh)
            .map_err(ServerError::Request)?;
        let fingerprint = identity.keys.fingerprint();
        home.note(now, &format!("enrolment made for identity {fingerprint}"))
            .await?;
        Ok(MadeEnrolment {
            fingerprint,
            is_new,
            text,
        })
    }

    fn new_identity(&self) -> Result<OwnIdentity, ServerError> {
        let signing = self.signing.generate()?;
        let encryption = self.cipher.generate()?;
        Ok(OwnIdentity {
            keys: IdentityKeys {
                signing: signing.public_key,
                encryption: encryption.public_key,
            },
            signing: signing.private_key,
            encryption: encryption.private_key,
        })
    }
}

impl TrustManager<'_> {
    /// Reads the text of a manager.
    ///
    /// # Errors
    /// [`ServerError::Confirmation`].
    pub fn examine(&self, text: &str) -> Result<Confirmation, ServerError> {
        Confirmation::from_text(text, self.ssh).map_err(ServerError::Confirmation)
    }

    /// Trusts it from now on, and seals to the keyset that it names.
    ///
    /// # Errors
    /// When the confirmation is for another machine, or its fingerprint is not the expected one.
    pub async fn run(
        &self,
        confirmation: &Confirmation,
        expected: Option<&ExpectedFingerprint>,
    ) -> Result<TrustedManager, ServerError> {
        let manager = confirmation.manager_fingerprint();
        if expected.is_some_and(|expected| !expected.matches(&manager)) {
            return Err(ServerError::UnexpectedFingerprint(manager));
        }
        let home = Home(self.folder);
        let _lock = home.lock().await?;
        let own = home
            .identity()
            .await?
            .ok_or(ServerError::NoIdentity)?
            .keys
            .fingerprint();
        if own != confirmation.identity {
            return Err(ServerError::OtherIdentity {
                confirmed: confirmation.identity,
                own,
            });
        }
        // An old confirmation names an old keyset, and whoever sends it again may have a reason.
        if let Ok(Some(before)) = home.manager().await
            && before.public_key == confirmation.manager
            && before.confirmed_at > confirmation.created_at
        {
            return Err(ServerError::OldConfirmation {
                found: confirmation.created_at,
                newer: before.confirmed_at,
            });
        }
        let trusted = TrustedManager {
            installation: confirmation.installation,
            public_key: confirmation.manager,
            server: confirmation.server,
            name: confirmation.name.clone(),
            identity: own,
            confirmed_at: confirmation.created_at,
            trusted_at: self.clock.now(),
        };
        home.trust(&trusted).await?;
        if let Some(recipient) = &confirmation.recipient {
            home.remember(std::slice::from_ref(recipient)).await?;
        }
        let what = format!("manager {manager} trusted; this is server {}", trusted.server);
        home.note(trusted.trusted_at, &what).await?;
        Ok(trusted)
    }
}

impl ServerState<'_> {
    /// What this machine knows about itself.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn show(&self) -> Result<OwnState, ServerError> {
        let home = Home(self.folder);
        Ok(OwnState {
            identity: home.identity().await?.map(|identity| identity.keys.fingerprint()),
            manager: home.manager().await?,
            recipients: home.recipients().await?,
        })
    }

    /// The id to write into what is sealed here; `None` while the machine is not enrolled.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn server_id(&self) -> Result<Option<ServerId>, ServerError> {
        Ok(Home(self.folder).manager().await?.map(|manager| manager.server))
    }

    /// What is sealed to when nobody says otherwise.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn recipients(&self) -> Result<Vec<Recipient>, ServerError> {
        Home(self.folder).recipients().await
    }

    /// Seals to these from now on, when nobody says otherwise. Tells whether they are others than before.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn remember(&self, recipients: &[Recipient]) -> Result<bool, ServerError> {
        let home = Home(self.folder);
        if home.recipients().await? == recipients {
            return Ok(false);
        }
        let _lock = home.lock().await?;
        home.remember(recipients).await?;
        Ok(true)
    }
}
