use keystead_domain::keyset::Version;
use keystead_domain::{
    Action, Actor, ActorKind, AuditEvent, Code, CodePurpose, Outcome, SERVER_CODE_LIFETIME, SecretBytes,
    ServerId, ServerName, Sha256Digest, Timestamp, code_digest, code_text,
};

use super::signed_records::RecordSigner;
use super::{AccessError, RecordAccess};
use crate::ports::{Randomness, RandomnessExt, RsaEngine, SshSignatures, UnitOfWork};
use crate::use_cases::shared::again_on_conflict;
use crate::use_cases::{EnrolServer, EnrolServerRequest, EnrolledServer};

/// A code and what is known of it.
pub struct MadeCode {
    /// The code, shown once.
    pub text: SecretBytes,
    /// What is kept of it.
    pub code: Code,
}

/// Makes a one-time code that enrols a backup server.
pub struct MakeServerCode<'a> {
    /// Where codes are kept.
    pub records: RecordAccess<'a>,
    /// Makes the code.
    pub randomness: &'a dyn Randomness,
}

/// Enrols a backup server by a one-time code.
pub struct EnrolByCode<'a> {
    /// Where codes and servers are kept.
    pub records: RecordAccess<'a>,
    /// Verifies and signs.
    pub ssh: &'a dyn SshSignatures,
    /// Writes the Active keyset's recipient line.
    pub rsa: &'a dyn RsaEngine,
    /// Gives ids.
    pub randomness: &'a dyn Randomness,
}

impl MakeServerCode<'_> {
    /// Makes it, for a new server, or for one that gets another identity.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn run(
        &self,
        actor: &Actor,
        name: Option<ServerName>,
        again: Option<ServerId>,
    ) -> Result<MadeCode, AccessError> {
        let signer = self.records.signer().await?;
        let text = code_text(&*self.randomness.secret()?);
        let now = self.records.clock.now();
        let code = Code {
            digest: code_digest(text.expose()).map_err(|_| AccessError::CodeRefused)?,
            version: Version(1),
            purpose: CodePurpose::EnrolServer { name, again },
            created_by: actor.to_string(),
            created_at: now,
            expires_at: now.after(SERVER_CODE_LIFETIME),
            used_at: None,
        };
        let mut unit = self.records.store.begin().await?;
        signer.put(&mut *unit, &code).await?;
        let event = AuditEvent::new(now, actor.clone(), Action::CodeCreate, Outcome::Done)
            .with("for", "backup server")
            .with("until", code.expires_at);
        let event = match &code.purpose {
            CodePurpose::EnrolServer { name: Some(name), .. } => event.with("server", name),
            CodePurpose::EnrolServer { again: Some(id), .. } => event.on(id),
            _ => event,
        };
        unit.append_audit(&event).await?;
        unit.commit().await?;
        Ok(MadeCode { text, code })
    }
}

impl EnrolByCode<'_> {
    /// Uses up the code, then enrols the server. When the enrolment is refused, the code is used up all the same: whoever
    /// has it does not get to try.
    ///
    /// # Errors
    /// When the code is not right, or as [`EnrolServer::run`].
    pub async fn run(&self, code: &[u8], enrolment: &str) -> Result<EnrolledServer, AccessError> {
        let digest = code_digest(code).map_err(|_| AccessError::CodeRefused)?;
        let enrol = EnrolServer {
            store: self.records.store,
            register: self.records.register(),
            ssh: self.ssh,
            rsa: self.rsa,
            clock: self.records.clock,
            randomness: self.randomness,
        };
        // What cannot be read uses up nothing.
        let enrolment = enrol.examine(enrolment)?;
        let signer = self.records.signer().await?;
        let actor = Actor {
            kind: ActorKind::Network,
            id: format!("one-time code {}", &digest.to_string()[..8]),
        };
        let take = || async {
            let mut unit = self.records.store.begin().await?;
            let now = self.records.clock.now();
            let code = use_code(&mut *unit, &signer, self.records, digest, now).await?;
            let CodePurpose::EnrolServer { name, again } = code.purpose else {
                return Err(AccessError::CodeRefused);
            };
            let event = AuditEvent::new(now, actor.clone(), Action::CodeUse, Outcome::Done)
                .with("for", "backup server")
                .with("made_by", &code.created_by)
                .with("identity", enrolment.keys.fingerprint());
            unit.append_audit(&event).await?;
            unit.commit().await?;
            Ok(EnrolServerRequest {
                name,
                expected: None,
                again: again.map(|id| id.to_string()),
            })
        };
        let request = again_on_conflict::<_, AccessError, _>(take).await?;
        Ok(enrol.run(&actor, &enrolment, &request).await?)
    }
}

/// The code with this digest, used up within the unit of work.
pub(super) async fn use_code(
    unit: &mut dyn UnitOfWork,
    signer: &RecordSigner<'_>,
    records: RecordAccess<'_>,
    digest: Sha256Digest,
    now: Timestamp,
) -> Result<Code, AccessError> {
    let code = records.find::<Code>(unit, &digest.to_string()).await?;
    let code = code.ok_or(AccessError::CodeRefused)?;
    signer.put(unit, &code.used(now)?).await?;
    Ok(code)
}
