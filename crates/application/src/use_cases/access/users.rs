use keystead_domain::keyset::Version;
use keystead_domain::{
    Action, Actor, AuditEvent, Outcome, Passphrase, PasswordHash, Reason, Removal, Roles, User, UserId,
    UserName,
};

use super::sign_in::forget_attempts;
use super::signed_records::RecordSigner;
use super::{AccessError, RecordAccess};
use crate::ports::{PasswordHasher, Randomness, RandomnessExt, UnitOfWork};
use crate::use_cases::shared::{again_on_conflict, record_refusal};

/// Looks after the people who may sign in.
pub struct ManageUsers<'a> {
    /// Where users are kept.
    pub records: RecordAccess<'a>,
    /// Hashes their passwords.
    pub passwords: &'a dyn PasswordHasher,
    /// Makes ids.
    pub randomness: &'a dyn Randomness,
}

/// A user to be added.
pub struct UserRequest {
    /// What the person signs in as.
    pub name: UserName,
    /// What the person may do.
    pub roles: Roles,
    /// The first password.
    pub password: Passphrase,
}

impl ManageUsers<'_> {
    /// Every user, by name, those who were removed too.
    ///
    /// # Errors
    /// When the store cannot be read, or holds what the manager did not sign.
    pub async fn list(&self) -> Result<Vec<User>, AccessError> {
        let mut snapshot = self.records.store.snapshot().await?;
        self.records.all(&mut *snapshot, None).await
    }

    /// One user.
    ///
    /// # Errors
    /// When there is none of this name.
    pub async fn show(&self, name: &UserName) -> Result<User, AccessError> {
        let mut snapshot = self.records.store.snapshot().await?;
        let user = self.records.find(&mut *snapshot, name.as_str()).await?;
        user.ok_or_else(|| AccessError::NoSuchUser(name.clone()))
    }

    /// Adds a user.
    ///
    /// # Errors
    /// When the name is, or was, somebody's, or the password is weak.
    pub async fn add(&self, actor: &Actor, request: UserRequest) -> Result<User, AccessError> {
        let added = self.try_add(actor, &request).await;
        self.recorded(added, actor, Action::UserAdd, &request.name).await
    }

    async fn try_add(&self, actor: &Actor, request: &UserRequest) -> Result<User, AccessError> {
        let (signer, hash) = self.prepared(&request.name, &request.password).await?;
        let id = UserId::from_random_bytes(self.randomness.bytes()?);
        let add = || async {
            let mut unit = self.records.store.begin().await?;
            let others = self.records.all::<User>(&mut *unit, None).await?;
            let now = self.records.clock.now();
            let user = User::add(
                id,
                request.name.clone(),
                request.roles,
                hash.clone(),
                now,
                &others,
            )?;
            let event = event(actor, Action::UserAdd, &user, &self.records).with("roles", user.roles);
            keep(unit, &signer, &user, event).await?;
            Ok(user)
        };
        again_on_conflict(add).await
    }

    /// Gives a user other roles. With `expected`, only if the user is still at that version.
    ///
    /// # Errors
    /// When there is no such user, the last admin would be none any more, or it was changed.
    pub async fn set_roles(
        &self,
        actor: &Actor,
        name: &UserName,
        roles: Roles,
        expected: Option<Version>,
    ) -> Result<User, AccessError> {
        let signer = self.records.signer().await?;
        let set = || async {
            let mut unit = self.records.store.begin().await?;
            let all = self.records.all::<User>(&mut *unit, None).await?;
            let user = found(&all, name, expected)?;
            let changed = user.with_roles(roles, &all)?;
            let event = event(actor, Action::UserEdit, &changed, &self.records)
                .with("roles", changed.roles)
                .with("roles_before", user.roles);
            keep(unit, &signer, &changed, event).await?;
            Ok(changed)
        };
        let done = again_on_conflict(set).await;
        self.recorded(done, actor, Action::UserEdit, name).await
    }

    /// Gives a user another password. All sessions of the user end by that.
    ///
    /// # Errors
    /// When there is no such user, or the password is weak.
    pub async fn set_password(
        &self,
        actor: &Actor,
        name: &UserName,
        password: &Passphrase,
    ) -> Result<User, AccessError> {
        let (signer, hash) = self.prepared(name, password).await?;
        let set = || async {
            let mut unit = self.records.store.begin().await?;
            let all = self.records.all::<User>(&mut *unit, None).await?;
            let changed = found(&all, name, None)?.with_password(hash.clone(), self.records.clock.now())?;
            let event = event(actor, Action::UserPassword, &changed, &self.records);
            forget_attempts(&mut *unit, name).await?;
            keep(unit, &signer, &changed, event).await?;
            Ok(changed)
        };
        let done = again_on_conflict(set).await;
        self.recorded(done, actor, Action::UserPassword, name).await
    }

    /// Removes a user: nobody signs in as it any more, and its sessions end.
    ///
    /// # Errors
    /// When there is no such user, or it is the last admin.
    pub async fn remove(
        &self,
        actor: &Actor,
        name: &UserName,
        reason: Option<&Reason>,
    ) -> Result<User, AccessError> {
        let signer = self.records.signer().await?;
        let remove = || async {
            let mut unit = self.records.store.begin().await?;
            let all = self.records.all::<User>(&mut *unit, None).await?;
            let removal = Removal {
                at: self.records.clock.now(),
                reason: reason.cloned(),
            };
            let removed = found(&all, name, None)?.taken_off(removal, &all)?;
            let event = event(actor, Action::UserRemove, &removed, &self.records);
            let event = match reason {
                Some(reason) => event.with("reason", reason),
                None => event,
            };
            keep(unit, &signer, &removed, event).await?;
            Ok(removed)
        };
        let done = again_on_conflict(remove).await;
        self.recorded(done, actor, Action::UserRemove, name).await
    }

    /// Forgets wrong passwords of a user, so that the next try need not wait.
    ///
    /// # Errors
    /// When there is no such user.
    pub async fn unlock(&self, actor: &Actor, name: &UserName) -> Result<(), AccessError> {
        let user = self.show(name).await?;
        let mut unit = self.records.store.begin().await?;
        forget_attempts(&mut *unit, name).await?;
        let event = event(actor, Action::UserUnlock, &user, &self.records);
        unit.append_audit(&event).await?;
        Ok(unit.commit().await?)
    }

    async fn prepared(
        &self,
        name: &UserName,
        password: &Passphrase,
    ) -> Result<(RecordSigner<'_>, PasswordHash), AccessError> {
        password.check_for_user(name)?;
        let hash = self.passwords.hash(password).await?;
        Ok((self.records.signer().await?, hash))
    }

    /// Writes down what a rule refused.
    async fn recorded(
        &self,
        done: Result<User, AccessError>,
        actor: &Actor,
        action: Action,
        name: &UserName,
    ) -> Result<User, AccessError> {
        if let Err(error @ (AccessError::UserRefused(_) | AccessError::WeakPassword(_))) = &done {
            let event = AuditEvent::new(self.records.clock.now(), actor.clone(), action, Outcome::Refused)
                .with("user", name)
                .with("refused_because", error);
            record_refusal(self.records.store, event).await;
        }
        done
    }
}

fn found<'u>(all: &'u [User], name: &UserName, expected: Option<Version>) -> Result<&'u User, AccessError> {
    let user = all.iter().find(|user| user.name == *name);
    let user = user.ok_or_else(|| AccessError::NoSuchUser(name.clone()))?;
    match expected.is_some_and(|expected| expected != user.version) {
        true => Err(AccessError::ChangedSinceSeen),
        false => Ok(user),
    }
}

pub(super) fn event(actor: &Actor, action: Action, user: &User, records: &RecordAccess<'_>) -> AuditEvent {
    AuditEvent::new(records.clock.now(), actor.clone(), action, Outcome::Done)
        .on(user.id)
        .with("user", &user.name)
}

async fn keep(
    mut unit: Box<dyn UnitOfWork>,
    signer: &RecordSigner<'_>,
    user: &User,
    event: AuditEvent,
) -> Result<(), AccessError> {
    signer.put(&mut *unit, user).await?;
    unit.append_audit(&event).await?;
    Ok(unit.commit().await?)
}
