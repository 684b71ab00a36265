//! The signed register: what stands in the database about servers, officers and policy is believed only when the manager's
//! identity signed it.

use keystead_domain::{
    BackupServer, Installation, InvalidNote, NoteKey, Officer, RecoveryPolicy, Register, SecretBytes,
    SignedNote, register_digest,
};

use super::RecoveryError;
use super::servers::all_servers;
use crate::ports::{MasterKey, RecoveryReads, SigningEngine, StoreError, StoreErrorKind, UnitOfWork};
use crate::use_cases::shared::manager_identity;

/// What is needed to change the register: the manager's identity, and so the master key.
#[derive(Clone, Copy)]
pub struct RegisterAccess<'a> {
    /// The installation.
    pub installation: &'a Installation,
    /// Opens the private key of its identity.
    pub master_key: &'a dyn MasterKey,
    /// Signs and verifies.
    pub signing: &'a dyn SigningEngine,
}

/// The opened identity, for one change.
pub(super) struct RegisterSigner<'a> {
    access: RegisterAccess<'a>,
    key: SecretBytes,
}

impl<'a> RegisterAccess<'a> {
    /// Opens the identity, before a unit of work begins.
    pub(super) async fn open(self) -> Result<RegisterSigner<'a>, RecoveryError> {
        let key = manager_identity(self.master_key, self.installation).await?;
        Ok(RegisterSigner { access: self, key })
    }
}

impl RegisterSigner<'_> {
    /// Checks that what is there is what was signed last, before anything is changed: a change by others is never signed.
    pub(super) async fn check(&self, unit: &mut dyn UnitOfWork) -> Result<(), RecoveryError> {
        let RegisterAccess {
            installation,
            signing,
            ..
        } = self.access;
        check_register(unit, installation, signing).await.map(|_| ())
    }

    /// Signs what is there now. A signature takes microseconds, so it is made within the unit of work.
    pub(super) async fn sign(&self, unit: &mut dyn UnitOfWork) -> Result<(), RecoveryError> {
        let RegisterAccess {
            installation,
            signing,
            ..
        } = self.access;
        let change = match unit.recovery_register().await? {
            Some(note) => read(&note, installation, signing)?.change,
            None => 0,
        };
        let register = Register {
            installation: installation.id,
            change: change + 1,
            digest: whole(unit).await?.0,
        };
        let text = register.to_string();
        let signature = signing.sign(&self.key, text.as_bytes())?;
        let note = register_key(installation)
            .and_then(|key| SignedNote::new(text, &key, &signature))
            .map_err(|e| StoreError::caused_by(StoreErrorKind::Corrupt, "sign the register", e))?;
        Ok(unit.set_recovery_register(&note.to_string()).await?)
    }
}

/// Everything that the register is about.
pub(super) struct Registered {
    pub(super) servers: Vec<BackupServer>,
    pub(super) officers: Vec<Officer>,
    pub(super) policy: RecoveryPolicy,
}

/// Reads everything that the register is about, when it is what the manager signed.
pub(super) async fn check_register<R: RecoveryReads + ?Sized>(
    reads: &mut R,
    installation: &Installation,
    signing: &dyn SigningEngine,
) -> Result<Registered, RecoveryError> {
    let note = reads.recovery_register().await?;
    let (digest, registered) = whole(reads).await?;
    let is_right = match note {
        Some(note) => read(&note, installation, signing)?.digest == digest,
        None => digest == register_digest(&[], &[], None),
    };
    match is_right {
        true => Ok(registered),
        false => Err(RecoveryError::RegisterChanged),
    }
}

/// Every backup server, when all are what the manager signed.
pub(crate) async fn registered_servers<R: RecoveryReads + ?Sized>(
    reads: &mut R,
    installation: &Installation,
    signing: &dyn SigningEngine,
) -> Result<Vec<BackupServer>, RecoveryError> {
    Ok(check_register(reads, installation, signing).await?.servers)
}

async fn whole<R: RecoveryReads + ?Sized>(
    reads: &mut R,
) -> Result<(keystead_domain::Sha256Digest, Registered), StoreError> {
    let (servers, officers) = (all_servers(reads).await?, reads.officers().await?);
    let policy = reads.recovery_policy().await?;
    let digest = register_digest(&servers, &officers, policy.as_ref());
    Ok((
        digest,
        Registered {
            servers,
            officers,
            policy: policy.unwrap_or_default(),
        },
    ))
}

fn read(
    note: &str,
    installation: &Installation,
    signing: &dyn SigningEngine,
) -> Result<Register, RecoveryError> {
    let verified = || {
        let note: SignedNote = note.parse().ok()?;
        let key = register_key(installation).ok()?;
        let signature = note.signature_of(&key)?;
        signing
            .verify(key.public_key(), note.text().as_bytes(), &signature)
            .ok()?;
        note.text().parse::<Register>().ok()
    };
    verified()
        .filter(|register| register.installation == installation.id)
        .ok_or(RecoveryError::RegisterChanged)
}

/// The name under which the manager signs the register.
fn register_key(installation: &Installation) -> Result<NoteKey, InvalidNote> {
    let name = format!("keystead-register/{}", installation.id);
    NoteKey::new(name, installation.identity.public_key)
}
