use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keystead_domain::{
    Action, Actor, ActorKind, Attempts, AuditEvent, Outcome, Passphrase, SecretBytes, Session, Sha256Digest,
    User, UserName, secret_digest, session_text,
};

use super::documents::CountedAttempts;
use super::signed_records::RecordSigner;
use super::{AccessError, RecordAccess};
use crate::ports::{PasswordHasher, Randomness, RandomnessExt, RecordKind, UnitOfWork};
use crate::use_cases::shared::{again_on_conflict, record_refusal};

/// Lets people in by their password.
///
/// Wrong passwords are counted by name, apart for places that the person signed in from before: somebody who guesses makes
/// others wait, and not the owner at the usual place.
pub struct SignIn<'a> {
    /// Where users and sessions are kept.
    pub records: RecordAccess<'a>,
    /// Compares passwords.
    pub passwords: &'a dyn PasswordHasher,
    /// Makes sessions.
    pub randomness: &'a dyn Randomness,
}

/// The proof that a person signed in from this place before: a text that the manager signed, kept by the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPlace(pub String);

/// A person who is signed in.
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The session.
    pub session: Session,
    /// Its secret, for the person's browser alone.
    pub secret: SecretBytes,
    /// What makes this a known place.
    pub place: KnownPlace,
}

const PLACE_LINE: &str = "keystead place v1";
/// Names that are nobody's share this many counters, so that trying names fills no database.
const NOBODY_BUCKETS: usize = 2;

impl SignIn<'_> {
    /// Signs a person in.
    ///
    /// # Errors
    /// [`AccessError::WrongPassword`], whatever of it is wrong; [`AccessError::TooManyAttempts`] when it is not even tried.
    pub async fn run(
        &self,
        name: &str,
        password: &Passphrase,
        place: Option<&KnownPlace>,
        from: &str,
    ) -> Result<SignedIn, AccessError> {
        let signer = self.records.signer().await?;
        let user = self.user(name).await?;
        let user = self.checked(name, user, password, place, from, &signer).await?;
        let secret = session_text(&*self.randomness.secret()?);
        let digest = secret_digest(secret.expose()).map_err(|_| AccessError::NotKnown)?;
        let now = self.records.clock.now();
        let session = Session::begin(digest, user.name.clone(), now);
        let mut unit = self.records.store.begin().await?;
        signer.put(&mut *unit, &session).await?;
        let event = AuditEvent::new(now, actor_of(&user), Action::SessionBegin, Outcome::Done)
            .on(user.id)
            .with("from", from)
            .with("known_place", place.is_some());
        unit.append_audit(&event).await?;
        unit.commit().await?;
        let place = match place {
            Some(place) if self.is_known(place, &user.name) => place.clone(),
            _ => self.new_place(&user.name, &signer)?,
        };
        Ok(SignedIn {
            user,
            session,
            secret,
            place,
        })
    }

    /// Checks the password of somebody who is signed in, once more.
    ///
    /// # Errors
    /// As [`SignIn::run`].
    pub async fn check_again(
        &self,
        user: &User,
        password: &Passphrase,
        from: &str,
    ) -> Result<(), AccessError> {
        let signer = self.records.signer().await?;
        let place = self.new_place(&user.name, &signer)?;
        let name = user.name.as_str();
        self.checked(name, Some(user.clone()), password, Some(&place), from, &signer)
            .await
            .map(|_| ())
    }

    /// Signs out: the session is none any more.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn out(&self, user: &User, session: &Session) -> Result<(), AccessError> {
        let end = || async {
            let mut unit = self.records.store.begin().await?;
            let key = session.digest.to_string();
            let Some(record) = unit.find_record(RecordKind::Session, &key).await? else {
                return Ok(());
            };
            unit.delete_record(RecordKind::Session, &key, record.version)
                .await?;
            let now = self.records.clock.now();
            let event = AuditEvent::new(now, actor_of(user), Action::SessionEnd, Outcome::Done).on(user.id);
            unit.append_audit(&event).await?;
            unit.commit().await?;
            Ok(())
        };
        again_on_conflict(end).await
    }

    async fn user(&self, name: &str) -> Result<Option<User>, AccessError> {
        let Ok(name) = name.parse::<UserName>() else {
            return Ok(None);
        };
        let mut snapshot = self.records.store.snapshot().await?;
        let user = self.records.find::<User>(&mut *snapshot, name.as_str()).await?;
        Ok(user.filter(|user| user.removed.is_none()))
    }

    async fn checked(
        &self,
        name: &str,
        user: Option<User>,
        password: &Passphrase,
        place: Option<&KnownPlace>,
        from: &str,
        signer: &RecordSigner<'_>,
    ) -> Result<User, AccessError> {
        let key = self.attempts_key(name, user.as_ref(), place);
        let mut snapshot = self.records.store.snapshot().await?;
        let before = self.records.find::<CountedAttempts>(&mut *snapshot, &key).await?;
        drop(snapshot);
        if let Some(before) = &before {
            before.attempts.check(self.records.clock.now())?;
        }
        let hash = user.as_ref().map(|user| &user.password);
        let is_right = self.passwords.verify(password, hash).await?;
        match user {
            Some(user) if is_right => {
                if before.is_some() {
                    self.forget(&key).await?;
                }
                Ok(user)
            }
            user => {
                self.count(&key, signer).await?;
                let actor = Actor {
                    kind: ActorKind::Network,
                    id: from.to_owned(),
                };
                let now = self.records.clock.now();
                let event = AuditEvent::new(now, actor, Action::SessionBegin, Outcome::Refused);
                // Who types a password into the field of the name does not find it in the trail.
                let event = match user {
                    Some(user) => event.on(user.id).with("user", &user.name),
                    None => event.with("user", "(nobody's name)"),
                };
                record_refusal(
                    self.records.store,
                    event.with("refused_because", AccessError::WrongPassword),
                )
                .await;
                Err(AccessError::WrongPassword)
            }
        }
    }

    async fn count(&self, key: &str, signer: &RecordSigner<'_>) -> Result<(), AccessError> {
        let count = || async {
            let mut unit = self.records.store.begin().await?;
            let before = self.records.find::<CountedAttempts>(&mut *unit, key).await?;
            let attempts =
                Attempts::after_failure(before.map(|before| before.attempts), self.records.clock.now());
            let counted = CountedAttempts {
                key: key.to_owned(),
                attempts,
            };
            signer.put(&mut *unit, &counted).await?;
            Ok(unit.commit().await?)
        };
        again_on_conflict(count).await
    }

    async fn forget(&self, key: &str) -> Result<(), AccessError> {
        let mut unit = self.records.store.begin().await?;
        forget(&mut *unit, key).await?;
        Ok(unit.commit().await?)
    }

    fn attempts_key(&self, name: &str, user: Option<&User>, place: Option<&KnownPlace>) -> String {
        match user {
            None => {
                let digest = Sha256Digest::of(name.as_bytes()).to_string();
                format!("nobody/{}", &digest[..NOBODY_BUCKETS])
            }
            Some(user) => match place.filter(|place| self.is_known(place, &user.name)) {
                Some(_) => known_key(&user.name),
                None => other_key(&user.name),
            },
        }
    }

    fn new_place(&self, user: &UserName, signer: &RecordSigner<'_>) -> Result<KnownPlace, AccessError> {
        let signature = signer.sign(&place_text(user))?;
        Ok(KnownPlace(format!(
            "{user}~{}",
            URL_SAFE_NO_PAD.encode(signature)
        )))
    }

    /// Whether the manager signed that this person signed in from there.
    fn is_known(&self, place: &KnownPlace, user: &UserName) -> bool {
        let known = || {
            let (name, signature) = place.0.split_once('~')?;
            let signature: [u8; 64] = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
            let key = &self.records.installation.identity.public_key;
            let text = place_text(user);
            self.records
                .signing
                .verify(key, text.as_bytes(), &signature)
                .ok()?;
            (name == user.as_str()).then_some(())
        };
        known().is_some()
    }
}

/// Forgets the failures of a user, wherever they were.
pub(super) async fn forget_attempts(unit: &mut dyn UnitOfWork, name: &UserName) -> Result<(), AccessError> {
    forget(unit, &known_key(name)).await?;
    forget(unit, &other_key(name)).await
}

async fn forget(unit: &mut dyn UnitOfWork, key: &str) -> Result<(), AccessError> {
    if let Some(record) = unit.find_record(RecordKind::Attempts, key).await? {
        unit.delete_record(RecordKind::Attempts, key, record.version)
            .await?;
    }
    Ok(())
}

pub(super) fn actor_of(user: &User) -> Actor {
    Actor {
        kind: ActorKind::User,
        id: user.name.to_string(),
    }
}

fn known_key(name: &UserName) -> String {
    format!("{name}/known")
}

fn other_key(name: &UserName) -> String {
    format!("{name}/other")
}

fn place_text(user: &UserName) -> String {
    format!("{PLACE_LINE}\n{user}\n")
}
