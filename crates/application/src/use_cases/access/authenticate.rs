use keystead_domain::{
    Actor, ActorKind, BackupServer, Operation, Role, Roles, SecretBytes, Session, Timestamp, Token, User,
    secret_digest,
};

use super::sign_in::actor_of;
use super::{AccessError, RecordAccess};
use crate::exchange::ServerToken;
use crate::ports::RecordKind;
use crate::use_cases::recovery::registered_servers;
use crate::use_cases::shared::again_on_conflict;

/// Finds out who makes a request.
pub struct Authenticate<'a> {
    /// Where tokens, sessions and users are kept.
    pub records: RecordAccess<'a>,
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// A person who signed in.
    User {
        /// Who.
        user: User,
        /// By which session.
        session: Session,
    },
    /// A program.
    Token(Token),
    /// An enrolled backup server.
    Server(BackupServer),
}

impl Principal {
    /// Whether it may do that: the one place where routes ask.
    #[must_use]
    pub fn may(&self, operation: Operation) -> bool {
        match self {
            Self::User { user, .. } => user.roles.may(operation),
            Self::Token(token) => token.may(operation),
            Self::Server(_) => Role::BackupServer.may(operation),
        }
    }

    /// Its roles.
    #[must_use]
    pub fn roles(&self) -> Roles {
        match self {
            Self::User { user, .. } => user.roles,
            Self::Token(token) => [token.role].into_iter().collect(),
            Self::Server(_) => [Role::BackupServer].into_iter().collect(),
        }
    }

    /// Its name in the audit trail.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::User { user, .. } => actor_of(user),
            Self::Token(token) => Actor {
                kind: ActorKind::Token,
                id: format!("{} ({})", token.name, token.id),
            },
            Self::Server(server) => Actor {
                kind: ActorKind::BackupServer,
                id: format!("{} ({})", server.name, server.id),
            },
        }
    }

    /// Checks that it still holds, for what was found a moment ago.
    ///
    /// # Errors
    /// When the token or session is over.
    pub fn check_holds(&self, now: Timestamp) -> Result<(), AccessError> {
        match self {
            Self::User { user, session } => Ok(session.check_holds(user, now)?),
            Self::Token(token) => Ok(token.check_holds(now)?),
            Self::Server(_) => Ok(()),
        }
    }
}

impl Authenticate<'_> {
    /// Who has this token.
    ///
    /// # Errors
    /// When nobody has, or it is over.
    pub async fn token(&self, secret: &SecretBytes) -> Result<Principal, AccessError> {
        let digest = secret_digest(secret.expose()).map_err(|_| AccessError::NotKnown)?;
        let mut snapshot = self.records.store.snapshot().await?;
        let token = self
            .records
            .find::<Token>(&mut *snapshot, &digest.to_string())
            .await?;
        // It was found by its key, and says itself which key it has.
        let token = token
            .filter(|token| token.digest == digest)
            .ok_or(AccessError::NotKnown)?;
        token.check_holds(self.records.clock.now())?;
        Ok(Principal::Token(token))
    }

    /// Who has this session.
    ///
    /// # Errors
    /// When nobody has, or it is over.
    pub async fn session(&self, secret: &SecretBytes) -> Result<Principal, AccessError> {
        let digest = secret_digest(secret.expose()).map_err(|_| AccessError::NotKnown)?;
        let mut snapshot = self.records.store.snapshot().await?;
        let session = self
            .records
            .find::<Session>(&mut *snapshot, &digest.to_string())
            .await?;
        let session = session.filter(|session| session.digest == digest);
        let session = session.ok_or(AccessError::NotKnown)?;
        let user = self
            .records
            .find::<User>(&mut *snapshot, session.user.as_str())
            .await?;
        let user = user.ok_or(AccessError::NotKnown)?;
        session.check_holds(&user, self.records.clock.now())?;
        Ok(Principal::User { user, session })
    }

    /// Every backup server, as the manager signed it.
    ///
    /// # Errors
    /// When that is not what is there.
    pub async fn servers(&self) -> Result<Vec<BackupServer>, AccessError> {
        let mut snapshot = self.records.store.snapshot().await?;
        let RecordAccess {
            installation,
            signing,
            ..
        } = self.records;
        Ok(registered_servers(&mut *snapshot, installation, signing).await?)
    }

    /// Which of these backup servers made this token. It is one that is there, and its identity is the current one.
    ///
    /// # Errors
    /// When it is none, or the token is for another manager or time.
    pub fn server(&self, text: &str, servers: &[BackupServer]) -> Result<Principal, AccessError> {
        let unverified = ServerToken::read(text).ok_or(AccessError::NotKnown)?;
        let mut there = servers.iter().filter(|server| server.removed.is_none());
        let server = there.find(|server| server.id == unverified.server);
        let server = server.ok_or(AccessError::NotKnown)?;
        let key = server.current_identity().map(|identity| identity.keys.signing);
        let key = key.ok_or(AccessError::NotKnown)?;
        let (installation, now) = (self.records.installation.id, self.records.clock.now());
        unverified
            .verify(&key, installation, now, self.records.signing)
            .map_err(|_| AccessError::NotKnown)?;
        Ok(Principal::Server(server.clone()))
    }

    /// Writes down that a session is in use, when it was not for a minute.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn seen(&self, session: &Session) -> Result<(), AccessError> {
        let Some(seen) = session.seen(self.records.clock.now()) else {
            return Ok(());
        };
        let signer = self.records.signer().await?;
        let key = session.digest.to_string();
        let write = || async {
            let mut unit = self.records.store.begin().await?;
            // Somebody else may have written it down, or ended the session.
            match unit.find_record(RecordKind::Session, &key).await? {
                Some(record) if record.version == session.version => {
                    signer.put(&mut *unit, &seen).await?;
                    Ok(unit.commit().await?)
                }
                _ => Ok(()),
            }
        };
        again_on_conflict(write).await
    }
}
