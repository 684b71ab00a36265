use keystead_domain::{
    Action, Actor, AuditEvent, Officer, OfficerId, Outcome, PersonName, Reason, RecoveryPolicy, Removal,
};

use super::RecoveryError;
use super::refusal::recorded;
use super::register::RegisterAccess;
use crate::ports::{Clock, Randomness, RandomnessExt, RecoveryReads, SshSignatures, Store, StoreError};
use crate::use_cases::shared::again_on_conflict;

/// Looks at the people who may approve recovery requests.
pub struct BrowseOfficers<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
}

/// Looks after the people who may approve recovery requests.
pub struct ManageOfficers<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// Signs the change.
    pub register: RegisterAccess<'a>,
    /// Reads their keys.
    pub ssh: &'a dyn SshSignatures,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Gives ids.
    pub randomness: &'a dyn Randomness,
}

/// Looks at the rules for recoveries.
pub struct ShowPolicy<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
}

/// Looks after the rules for recoveries.
pub struct ManagePolicy<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// Signs the change.
    pub register: RegisterAccess<'a>,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl BrowseOfficers<'_> {
    /// Every officer, in the order in which they were added, those who were taken off too.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<Officer>, RecoveryError> {
        Ok(self.store.snapshot().await?.officers().await?)
    }
}

impl ManageOfficers<'_> {
    /// Adds a person by the line of a `.pub` file.
    ///
    /// # Errors
    /// When the key is not accepted, or somebody has it or is called so already.
    pub async fn add(
        &self,
        actor: &Actor,
        name: &PersonName,
        also: &[PersonName],
        key_line: &str,
    ) -> Result<Officer, RecoveryError> {
        let key = self.ssh.read_key(key_line).map_err(RecoveryError::OfficerKey)?;
        let signer = self.register.open().await?;
        let add = || async {
            let mut unit = self.store.begin().await?;
            signer.check(&mut *unit).await?;
            let id = OfficerId::from_random_bytes(self.randomness.bytes()?);
            let others = unit.officers().await?;
            let now = self.clock.now();
            let officer = Officer::add(id, name.clone(), also.to_vec(), key.clone(), now, &others)?;
            unit.insert_officer(&officer).await?;
            signer.sign(&mut *unit).await?;
            let event = AuditEvent::new(now, actor.clone(), Action::OfficerAdd, Outcome::Done)
                .on(id)
                .with("officer", name)
                .with("key", officer.key.fingerprint());
            let event = match also.is_empty() {
                true => event,
                false => event.with("also", joined(also)),
            };
            unit.append_audit(&event).await?;
            unit.commit().await?;
            Ok(officer)
        };
        let added = again_on_conflict(add).await;
        let about = |event: AuditEvent| event.with("officer", name).with("key", key.fingerprint());
        recorded(added, self.store, self.clock, (actor, Action::OfficerAdd), about).await
    }

    /// Takes a person off, by name or id. What the person approved does not count any more.
    ///
    /// # Errors
    /// When there is no such officer.
    pub async fn remove(
        &self,
        actor: &Actor,
        reference: &str,
        reason: Option<&Reason>,
    ) -> Result<Officer, RecoveryError> {
        let signer = self.register.open().await?;
        let remove = || async {
            let mut unit = self.store.begin().await?;
            signer.check(&mut *unit).await?;
            let officer = find_officer(&mut *unit, reference).await?;
            let now = self.clock.now();
            let removal = Removal {
                at: now,
                reason: reason.cloned(),
            };
            let removed = officer.taken_off(removal);
            unit.save_officer(&removed, officer.version).await?;
            signer.sign(&mut *unit).await?;
            let event = AuditEvent::new(now, actor.clone(), Action::OfficerRemove, Outcome::Done)
                .on(officer.id)
                .with("officer", &officer.name)
                .with("key", officer.key.fingerprint());
            let event = match reason {
                Some(reason) => event.with("reason", reason),
                None => event,
            };
            unit.append_audit(&event).await?;
            unit.commit().await?;
            Ok(removed)
        };
        let removed = again_on_conflict(remove).await;
        let about = |event: AuditEvent| event.with("officer", reference);
        recorded(
            removed,
            self.store,
            self.clock,
            (actor, Action::OfficerRemove),
            about,
        )
        .await
    }
}

impl ShowPolicy<'_> {
    /// The rules that hold.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run(&self) -> Result<RecoveryPolicy, RecoveryError> {
        Ok(policy(&mut *self.store.snapshot().await?).await?)
    }
}

impl ManagePolicy<'_> {
    /// Changes the rules.
    ///
    /// # Errors
    /// When they are out of bounds.
    pub async fn set(
        &self,
        actor: &Actor,
        change: impl Fn(&RecoveryPolicy) -> Result<RecoveryPolicy, keystead_domain::InvalidPolicy>,
    ) -> Result<RecoveryPolicy, RecoveryError> {
        let signer = self.register.open().await?;
        let set = || async {
            let mut unit = self.store.begin().await?;
            signer.check(&mut *unit).await?;
            let before = policy(&mut *unit).await?;
            let after = change(&before)?;
            if after != before {
                unit.set_recovery_policy(&after).await?;
                signer.sign(&mut *unit).await?;
                let event =
                    AuditEvent::new(self.clock.now(), actor.clone(), Action::PolicySet, Outcome::Done)
                        .with("before", words(&before))
                        .with("after", words(&after));
                unit.append_audit(&event).await?;
                unit.commit().await?;
            }
            Ok(after)
        };
        let set = again_on_conflict(set).await;
        recorded(set, self.store, self.clock, (actor, Action::PolicySet), |event| {
            event
        })
        .await
    }
}

fn words(policy: &RecoveryPolicy) -> String {
    format!(
        "approvals {}, responses hold {} s, requests per day {}",
        policy.approvals(),
        policy.response_lifetime().as_secs(),
        policy.requests_per_day()
    )
}

fn joined(names: &[PersonName]) -> String {
    names
        .iter()
        .map(PersonName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The rules that hold: those that people set, else the usual ones.
pub(super) async fn policy<R: RecoveryReads + ?Sized>(reads: &mut R) -> Result<RecoveryPolicy, StoreError> {
    Ok(reads.recovery_policy().await?.unwrap_or_default())
}

/// By name or id, among those who are there.
async fn find_officer<R: RecoveryReads + ?Sized>(
    reads: &mut R,
    reference: &str,
) -> Result<Officer, RecoveryError> {
    let not_found = || RecoveryError::NoSuchOfficer(reference.chars().take(80).collect());
    let name: Option<PersonName> = reference.parse().ok();
    let mut meant = reads.officers().await?;
    meant.retain(|officer| {
        let is_named = name.as_ref().is_some_and(|name| officer.name.may_be(name));
        officer.removed.is_none() && (is_named || officer.id.to_string() == reference)
    });
    meant.pop().ok_or_else(not_found)
}
