use keystead_domain::keyset::Version;
use keystead_domain::{
    Action, Actor, ActorKind, AuditEvent, Code, CodePurpose, Outcome, Passphrase, Role, SETUP_CODE_LIFETIME,
    SecretBytes, User, UserId, UserName, code_digest, code_text,
};

use super::codes::{MadeCode, use_code};
use super::users::event;
use super::{AccessError, RecordAccess};
use crate::ports::{PasswordHasher, Randomness, RandomnessExt};
use crate::use_cases::shared::again_on_conflict;

/// Makes the first admin, by a one-time code that only who runs the service sees.
pub struct FirstAdmin<'a> {
    /// Where users and codes are kept.
    pub records: RecordAccess<'a>,
    /// Hashes the password.
    pub passwords: &'a dyn PasswordHasher,
    /// Makes the code and the id.
    pub randomness: &'a dyn Randomness,
}

impl FirstAdmin<'_> {
    /// Makes a code, when there is no user yet.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn code_if_needed(&self) -> Result<Option<MadeCode>, AccessError> {
        let signer = self.records.signer().await?;
        let random = self.randomness.secret()?;
        let text = code_text(&random);
        let make = || async {
            let mut unit = self.records.store.begin().await?;
            if !self.records.all::<User>(&mut *unit, None).await?.is_empty() {
                return Ok(None);
            }
            let now = self.records.clock.now();
            let manager = manager();
            let code = Code {
                digest: code_digest(text.expose()).map_err(|_| AccessError::CodeRefused)?,
                version: Version(1),
                purpose: CodePurpose::FirstAdmin,
                created_by: manager.to_string(),
                created_at: now,
                expires_at: now.after(SETUP_CODE_LIFETIME),
                used_at: None,
            };
            signer.put(&mut *unit, &code).await?;
            let event = AuditEvent::new(now, manager, Action::CodeCreate, Outcome::Done)
                .with("for", "first admin")
                .with("until", code.expires_at);
            unit.append_audit(&event).await?;
            unit.commit().await?;
            Ok(Some(code))
        };
        let code = again_on_conflict::<_, AccessError, _>(make).await?;
        Ok(code.map(|code| MadeCode {
            text: SecretBytes::new(text.expose().to_vec()),
            code,
        }))
    }

    /// Makes the first admin.
    ///
    /// # Errors
    /// When the code is not right, there is a user already, or the password is weak.
    pub async fn run(&self, code: &[u8], name: UserName, password: &Passphrase) -> Result<User, AccessError> {
        // What is wrong with a password is told before a code is used up.
        password.check_for_user(&name)?;
        let digest = code_digest(code).map_err(|_| AccessError::CodeRefused)?;
        let signer = self.records.signer().await?;
        // Nobody makes this program hash passwords without a code.
        let mut snapshot = self.records.store.snapshot().await?;
        let known = self
            .records
            .find::<Code>(&mut *snapshot, &digest.to_string())
            .await?;
        drop(snapshot);
        if known.is_none() {
            return Err(AccessError::CodeRefused);
        }
        let hash = self.passwords.hash(password).await?;
        let id = UserId::from_random_bytes(self.randomness.bytes()?);
        let run = || async {
            let mut unit = self.records.store.begin().await?;
            let others = self.records.all::<User>(&mut *unit, None).await?;
            let now = self.records.clock.now();
            let code = use_code(&mut *unit, &signer, self.records, digest, now).await?;
            if code.purpose != CodePurpose::FirstAdmin {
                return Err(AccessError::CodeRefused);
            }
            if !others.is_empty() {
                return Err(AccessError::NotTheFirst);
            }
            let roles = [Role::Admin].into_iter().collect();
            let user = User::add(id, name.clone(), roles, hash.clone(), now, &others)?;
            signer.put(&mut *unit, &user).await?;
            let by = Actor {
                kind: ActorKind::Network,
                id: "one-time code".to_owned(),
            };
            unit.append_audit(&event(&by, Action::CodeUse, &user, &self.records).with("for", "first admin"))
                .await?;
            unit.append_audit(&event(&by, Action::UserAdd, &user, &self.records).with("roles", roles))
                .await?;
            unit.commit().await?;
            Ok(user)
        };
        again_on_conflict(run).await
    }
}

fn manager() -> Actor {
    Actor {
        kind: ActorKind::Manager,
        id: "serve".to_owned(),
    }
}
