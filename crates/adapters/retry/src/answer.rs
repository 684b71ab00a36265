use keystead_application::audit::{StoredCheckpoint, StoredEvent};
use keystead_application::ports::{KeysetPage, MasterKeyCensus, Record, UnstagedKey};
use keystead_domain::{
    AuditHead, BackupServer, Installation, Keyset, Officer, Recovery, RecoveryPolicy, SealedBytes,
};

/// About what a row takes beside the bytes of its own; a keyset is about that large.
pub(crate) const ROW: usize = 1_024;

/// What a read gives: remembered, and compared with what the same read gives later.
pub(crate) trait Answer: Sized + Send + Sync + 'static {
    fn copy(&self) -> Self;

    fn same(&self, later: &Self) -> bool;

    /// About how many bytes it takes to remember it.
    fn weight(&self) -> usize;
}

macro_rules! answers {
    ($($type:ty: |$answer:ident| $weight:expr;)+) => {$(
        impl Answer for $type {
            fn copy(&self) -> Self {
                self.clone()
            }

            fn same(&self, later: &Self) -> bool {
                self == later
            }

            fn weight(&self) -> usize {
                let $answer = self;
                ROW + $weight
            }
        }
    )+};
}

answers! {
    Option<Installation>: |_installation| ROW;
    Option<Keyset>: |_keyset| 0;
    Vec<Keyset>: |keysets| keysets.len() * ROW;
    Option<SealedBytes>: |sealed| sealed.as_ref().map_or(0, |sealed| sealed.ciphertext.len());
    MasterKeyCensus: |census| (census.sealed.len() + census.staged.len()) * ROW;
    Vec<UnstagedKey>: |keys| keys.iter().map(|key| ROW + key.sealed.ciphertext.len()).sum::<usize>();
    AuditHead: |_head| 0;
    Vec<StoredEvent>: |rows| rows.iter().map(|row| ROW + row.canonical.len()).sum::<usize>();
    Option<BackupServer>: |server| server.as_ref().map_or(0, of_server);
    Vec<BackupServer>: |servers| servers.iter().map(of_server).sum::<usize>();
    Vec<Officer>: |officers| officers.iter().map(of_officer).sum::<usize>();
    Option<RecoveryPolicy>: |_policy| 0;
    Option<String>: |note| note.as_ref().map_or(0, String::len);
    Option<Recovery>: |recovery| recovery.as_ref().map_or(0, of_recovery);
    Vec<Recovery>: |all| all.iter().map(of_recovery).sum::<usize>();
    Option<Record>: |record| record.as_ref().map_or(0, of_record);
    Vec<Record>: |records| records.iter().map(of_record).sum::<usize>();
    u64: |_count| 0;
    Option<Vec<u8>>: |bytes| bytes.as_ref().map_or(0, Vec::len);
    Vec<StoredCheckpoint>: |all| all.iter().map(|checkpoint| ROW + checkpoint.note.len()).sum::<usize>();
}

/// About what a server takes, with its identities.
pub(crate) fn of_server(server: &BackupServer) -> usize {
    ROW + server.identities.len() * ROW / 4
}

/// About what an officer takes, with the names.
pub(crate) fn of_officer(officer: &Officer) -> usize {
    ROW * (1 + officer.also.len()) + officer.key.wire().len()
}

/// About what a request takes, with its approvals.
pub(crate) fn of_recovery(recovery: &Recovery) -> usize {
    let approvals = recovery.approvals.iter();
    2 * ROW
        + approvals
            .map(|approval| ROW + approval.signature.len())
            .sum::<usize>()
}

/// About what a record takes, with its document.
pub(crate) fn of_record(record: &Record) -> usize {
    ROW + record.document.len()
}

impl Answer for KeysetPage {
    fn copy(&self) -> Self {
        Self {
            keysets: self.keysets.clone(),
            damaged: self.damaged.clone(),
            next: self.next,
        }
    }

    fn same(&self, later: &Self) -> bool {
        let Self {
            keysets,
            damaged,
            next,
        } = later;
        (&self.keysets, &self.damaged, &self.next) == (keysets, damaged, next)
    }

    fn weight(&self) -> usize {
        (1 + self.keysets.len() + self.damaged.len()) * ROW
    }
}
