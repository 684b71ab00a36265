//! Records are believed only when the manager's identity signed them: whoever can write to the database, and does not have
//! the master key, cannot make an admin or a token of their own.

use keystead_domain::keyset::Version;
use keystead_domain::{Installation, NoteKey, SecretBytes, SignedNote, Timestamp};

use super::AccessError;
use super::documents::Document;
use crate::ports::{
    Clock, MasterKey, Record, RecordKind, RecordReads, SigningEngine, Store, StoreError, StoreErrorKind,
    UnitOfWork,
};
use crate::use_cases::RegisterAccess;
use crate::use_cases::shared::manager_identity;

const FIRST_LINE: &str = "keystead record v1";
const AT_ONCE: u32 = 500;

/// Where records are, and what they are signed with.
#[derive(Clone, Copy)]
pub struct RecordAccess<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// The installation.
    pub installation: &'a Installation,
    /// Opens the private key of its identity.
    pub master_key: &'a dyn MasterKey,
    /// Signs and verifies.
    pub signing: &'a dyn SigningEngine,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// The opened identity, for some changes.
pub(super) struct RecordSigner<'a> {
    access: RecordAccess<'a>,
    key: SecretBytes,
}

impl<'a> RecordAccess<'a> {
    /// The same, for changes of the register.
    #[must_use]
    pub fn register(self) -> RegisterAccess<'a> {
        RegisterAccess {
            installation: self.installation,
            master_key: self.master_key,
            signing: self.signing,
        }
    }

    /// Opens the identity, before a unit of work begins.
    pub(super) async fn signer(self) -> Result<RecordSigner<'a>, AccessError> {
        let key = manager_identity(self.master_key, self.installation).await?;
        Ok(RecordSigner { access: self, key })
    }

    /// The value that a record holds, when the manager signed it.
    pub(super) async fn find<D: Document>(
        self,
        reads: &mut (impl RecordReads + ?Sized),
        key: &str,
    ) -> Result<Option<D>, AccessError> {
        match reads.find_record(D::KIND, key).await? {
            Some(record) => self.read(&record).map(Some),
            None => Ok(None),
        }
    }

    /// Every value of a kind, by key, beginning after the given key.
    pub(super) async fn all<D: Document>(
        self,
        reads: &mut (impl RecordReads + ?Sized),
        mut after: Option<String>,
    ) -> Result<Vec<D>, AccessError> {
        let mut all = Vec::new();
        loop {
            let page = reads.list_records(D::KIND, after, AT_ONCE).await?;
            for record in &page {
                all.push(self.read(record)?);
            }
            if page.len() < AT_ONCE as usize {
                return Ok(all);
            }
            after = page.last().map(|record| record.key.clone());
        }
    }

    /// The value of a record.
    fn read<D: Document>(self, record: &Record) -> Result<D, AccessError> {
        let tampered = || AccessError::RecordChanged {
            kind: record.kind.as_str(),
            key: record.key.clone(),
        };
        let verified = || {
            let note: SignedNote = record.document.parse().ok()?;
            let key = record_key(self.installation)?;
            let signature = note.signature_of(&key)?;
            let is_signed = self
                .signing
                .verify(key.public_key(), note.text().as_bytes(), &signature);
            is_signed.ok()?;
            let json = note
                .text()
                .strip_prefix(head(record).as_str())?
                .strip_suffix('\n')?;
            D::from_json(json, record.version)
        };
        verified().ok_or_else(tampered)
    }
}

impl RecordSigner<'_> {
    /// Keeps a value: a new one when it is at its first version, else in the place of the version before.
    pub(super) async fn put<D: Document>(
        &self,
        unit: &mut dyn UnitOfWork,
        value: &D,
    ) -> Result<(), AccessError> {
        let Version(version) = value.version();
        let expected = match version {
            0 | 1 => None,
            more => Some(Version(more - 1)),
        };
        Ok(unit.put_record(&self.signed(value)?, expected).await?)
    }

    fn signed<D: Document>(&self, value: &D) -> Result<Record, AccessError> {
        let failed = |e: String| StoreError::new(StoreErrorKind::Corrupt, "sign a record", e);
        let mut record = Record {
            kind: D::KIND,
            key: value.key(),
            version: value.version(),
            expires_at: value.expires_at(),
            document: String::new(),
        };
        let json = value.to_json().map_err(|e| failed(e.to_string()))?;
        let text = format!("{}{json}\n", head(&record));
        let signature = self.access.signing.sign(&self.key, text.as_bytes())?;
        let key = record_key(self.access.installation).ok_or_else(|| failed("no key".to_owned()))?;
        let note = SignedNote::new(text, &key, &signature).map_err(|e| failed(e.to_string()))?;
        record.document = note.to_string();
        Ok(record)
    }

    /// Signs a text of another kind, which begins with a word of its own.
    pub(super) fn sign(&self, text: &str) -> Result<[u8; 64], AccessError> {
        Ok(self.access.signing.sign(&self.key, text.as_bytes())?)
    }
}

/// What is signed besides the document, so that a record cannot take the place of another or of a later version.
fn head(record: &Record) -> String {
    let Record {
        kind,
        key,
        version: Version(version),
        expires_at,
        document: _,
    } = record;
    let expires = expires_at.map_or_else(|| "never".to_owned(), |at: Timestamp| at.as_micros().to_string());
    format!(
        "{FIRST_LINE}\n{} {key}\nversion {version}\nexpires {expires}\n",
        kind.as_str()
    )
}

/// The name under which the manager signs records.
fn record_key(installation: &Installation) -> Option<NoteKey> {
    let name = format!("keystead-records/{}", installation.id);
    NoteKey::new(name, installation.identity.public_key).ok()
}

/// Deletes what is over, a little at a time, and tells how many records that were.
pub(super) async fn sweep(store: &dyn Store, now: Timestamp) -> Result<u64, AccessError> {
    let mut unit = store.begin().await?;
    let mut swept = 0;
    for kind in RecordKind::ALL.into_iter().filter(|kind| !kind.needs_event()) {
        swept += unit.sweep_records(kind, now, AT_ONCE).await?;
    }
    unit.commit().await?;
    Ok(swept)
}
