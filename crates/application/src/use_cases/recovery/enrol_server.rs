use keystead_domain::{
    Action, Actor, AuditEvent, BackupServer, EnrolmentRefused, ExpectedFingerprint, Fingerprint, Outcome,
    Recipient, ServerId, ServerName, Timestamp,
};

use super::RecoveryError;
use super::refusal::recorded;
use super::register::{RegisterAccess, RegisterSigner};
use super::servers::{all_servers, find_server, is_named};
use crate::exchange::{Confirmation, Enrolment};
use crate::ports::{Clock, Randomness, RandomnessExt, RsaEngine, SshSignatures, Store, UnitOfWork};
use crate::use_cases::shared::{again_on_conflict, manager_identity};

/// Enrols a backup server by the text that it made, once people have compared the fingerprint.
pub struct EnrolServer<'a> {
    /// Where servers are kept.
    pub store: &'a dyn Store,
    /// The manager's identity, which signs the confirmation and the change.
    pub register: RegisterAccess<'a>,
    /// Verifies and signs.
    pub ssh: &'a dyn SshSignatures,
    /// Writes the Active keyset's recipient line.
    pub rsa: &'a dyn RsaEngine,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Gives ids.
    pub randomness: &'a dyn Randomness,
}

/// How a server is enrolled.
#[derive(Debug, Clone, Default)]
pub struct EnrolServerRequest {
    /// What it is called here; its own name when absent.
    pub name: Option<ServerName>,
    /// The fingerprint that was read aloud.
    pub expected: Option<ExpectedFingerprint>,
    /// The server that gets another identity by this, by id or name; a new server when absent.
    pub again: Option<String>,
}

/// A server that was enrolled.
#[derive(Debug, Clone)]
pub struct EnrolledServer {
    /// The server.
    pub server: BackupServer,
    /// Whether it was enrolled with this identity before: nothing was changed then.
    pub was_enrolled: bool,
    /// The text for the server.
    pub confirmation: String,
    /// What the confirmation tells it to seal to.
    pub recipient: Option<Fingerprint>,
}

impl EnrolServer<'_> {
    /// Reads the text that a server made.
    ///
    /// # Errors
    /// [`RecoveryError::Enrolment`].
    pub fn examine(&self, text: &str) -> Result<Enrolment, RecoveryError> {
        Enrolment::from_text(text, self.ssh).map_err(RecoveryError::Enrolment)
    }

    /// Enrols it, and signs the confirmation. With an identity that is enrolled already it only signs that again.
    ///
    /// # Errors
    /// When the fingerprint is not the expected one, or the name, the id or the identity is another server's.
    pub async fn run(
        &self,
        actor: &Actor,
        enrolment: &Enrolment,
        request: &EnrolServerRequest,
    ) -> Result<EnrolledServer, RecoveryError> {
        let RegisterAccess {
            installation,
            master_key,
            ..
        } = self.register;
        let signer = self.register.open().await?;
        let fingerprint = enrolment.keys.fingerprint();
        let enrolled = match &request.expected {
            Some(expected) if !expected.matches(&fingerprint) => {
                Err(RecoveryError::UnexpectedFingerprint(fingerprint))
            }
            _ => again_on_conflict(|| self.enrol(actor, enrolment, request, &signer)).await,
        };
        let action = match request.again {
            Some(_) => Action::ServerReEnroll,
            None => Action::ServerEnroll,
        };
        let about = |event: AuditEvent| {
            event
                .with("identity", fingerprint)
                .with("server", &enrolment.name)
        };
        let enrolled = recorded(enrolled, self.store, self.clock, (actor, action), about).await;
        let (server, was_enrolled) = enrolled?;
        let recipient = self.active_recipient().await?;
        let confirmation = Confirmation {
            installation: installation.id,
            manager: installation.identity.public_key,
            server: server.id,
            name: server.name.clone(),
            identity: fingerprint,
            recipient: recipient.as_ref().map(|(_, recipient)| recipient.clone()),
            created_at: self.clock.now(),
        };
        let key = manager_identity(master_key, installation).await?;
        Ok(EnrolledServer {
            server,
            was_enrolled,
            confirmation: confirmation
                .to_text(&key, self.ssh)
                .map_err(RecoveryError::Enrolment)?,
            recipient: recipient.map(|(fingerprint, _)| fingerprint),
        })
    }

    async fn enrol(
        &self,
        actor: &Actor,
        enrolment: &Enrolment,
        request: &EnrolServerRequest,
        signer: &RegisterSigner<'_>,
    ) -> Result<(BackupServer, bool), RecoveryError> {
        let mut unit = self.store.begin().await?;
        signer.check(&mut *unit).await?;
        let now = self.clock.now();
        let (server, action) = match &request.again {
            Some(reference) => {
                let known = find_server(&mut *unit, reference).await?;
                if let Some(other) = unit
                    .find_server_by_identity(&enrolment.keys.fingerprint())
                    .await?
                    && other.id != known.id
                {
                    return Err(RecoveryError::IdentityTaken(other.name));
                }
                match known.re_enrolled(enrolment.keys.clone(), now) {
                    Err(EnrolmentRefused::AlreadyCurrent) => return Ok((known, true)),
                    re_enrolled => {
                        let server = re_enrolled?;
                        unit.save_server(&server, known.version).await?;
                        (server, Action::ServerReEnroll)
                    }
                }
            }
            None => match self.new_server(&mut *unit, enrolment, request, now).await? {
                NewServer::Known(server) => return Ok((server, true)),
                NewServer::New(server) => {
                    unit.insert_server(&server).await?;
                    (server, Action::ServerEnroll)
                }
            },
        };
        signer.sign(&mut *unit).await?;
        let event = AuditEvent::new(now, actor.clone(), action, Outcome::Done)
            .on(server.id)
            .with("server", &server.name)
            .with("identity", enrolment.keys.fingerprint())
            .with("fingerprint_expected", request.expected.is_some());
        let event = match enrolment.server {
            Some(id) => event.with("was_server", id),
            None => event,
        };
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok((server, false))
    }

    async fn new_server(
        &self,
        unit: &mut dyn UnitOfWork,
        enrolment: &Enrolment,
        request: &EnrolServerRequest,
        now: Timestamp,
    ) -> Result<NewServer, RecoveryError> {
        let fingerprint = enrolment.keys.fingerprint();
        if let Some(known) = unit.find_server_by_identity(&fingerprint).await? {
            let is_current = known
                .identity(&fingerprint)
                .is_some_and(|identity| !identity.is_retired());
            return match is_current && known.removed.is_none() {
                true => Ok(NewServer::Known(known)),
                false => Err(RecoveryError::IdentityTaken(known.name)),
            };
        }
        // A server that lost its manager keeps its id: what it sealed so far names it.
        if let Some(id) = enrolment.server
            && let Some(other) = unit.find_server(id).await?
        {
            return Err(RecoveryError::ServerIdTaken { id, name: other.name });
        }
        let name = request.name.clone().unwrap_or_else(|| enrolment.name.clone());
        let servers = all_servers(unit).await?;
        let mut there = servers.iter().filter(|server| server.removed.is_none());
        if there.any(|server| is_named(server, &name)) {
            return Err(RecoveryError::ServerNameTaken(name));
        }
        let id = match enrolment.server {
            Some(id) => id,
            None => ServerId::from_random_bytes(self.randomness.bytes()?),
        };
        Ok(NewServer::New(BackupServer::enrolled(
            id,
            name,
            enrolment.keys.clone(),
            now,
        )))
    }

    async fn active_recipient(&self) -> Result<Option<(Fingerprint, Recipient)>, RecoveryError> {
        let Some(active) = self.store.snapshot().await?.active_keyset().await? else {
            return Ok(None);
        };
        let recipient = Recipient::new(self.rsa.numbers(active.public_key())?);
        Ok(Some((active.fingerprint(), recipient)))
    }
}

enum NewServer {
    /// It is enrolled with this identity already.
    Known(BackupServer),
    New(BackupServer),
}
