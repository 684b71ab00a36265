//! What can be done: one module, one use case or a family of small ones.
//!
//! A use case is a value made of the ports that it needs; `run` (or one method for each step that a person waits
//! between) does the work.

mod access;
mod activate_keyset;
mod backup_error;
mod backup_server;
mod browse_keysets;
mod compared_file;
mod create_keyset;
mod custody;
mod dearmored;
mod delete_keyset;
mod edit_keyset;
mod error_codes;
mod examine_export;
mod export_audit;
mod export_files;
mod export_keysets;
mod export_request;
mod import_keysets;
mod initialise;
mod installation_error;
mod keyset_error;
mod list_audit;
mod make_checkpoint;
mod master_key_status;
mod open_backup;
mod pump;
mod recovery;
mod rotate_master_key;
mod rotation_error;
mod seal_backup;
mod share_failure;
mod shared;
mod slots;
mod test_share;
mod unlock_installation;
mod verify_audit;

pub use access::{
    AccessError, Authenticate, EnrolByCode, FirstAdmin, Jobs, KnownPlace, MadeCode, MakeServerCode,
    ManageTokens, ManageUsers, NewToken, Principal, RecordAccess, RecordRefusedRequest, SignIn, SignedIn,
    TakenJob, TokenRequest, UserRequest,
};
pub use activate_keyset::{ActivateKeyset, Activated};
pub use backup_error::BackupError;
pub use backup_server::{
    ApplyResponse, AskForRecovery, FileToRecover, KeptKey, KeptKeys, ListedRequest, MadeEnrolment,
    MadeRequest, MakeEnrolment, ManagerAddress, OwnFile, OwnRequest, OwnState, Progressed, RequestRecovery,
    ServerError, ServerState, SignAsServer, TakenResponse, TrustManager, TrustedManager,
};
pub use browse_keysets::BrowseKeysets;
pub use compared_file::ComparedFile;
pub use create_keyset::CreateKeyset;
pub use delete_keyset::DeleteKeyset;
pub use edit_keyset::EditKeyset;
pub use examine_export::{ExamineExport, ExaminedExport, ExaminedKeyset, MAX_EXPORT_FILE, load_export_file};
pub use export_audit::{AuditLines, AuditPlace, ExportAudit};
pub use export_files::check_destination;
pub use export_keysets::ExportKeysets;
pub use export_request::{ExportDestination, ExportProtection, ExportReceipt, ExportRequest, Exported};
pub use import_keysets::{ImportKeysets, ImportRequest};
pub use initialise::{Initialise, Initialised};
pub use installation_error::InstallationError;
pub use keyset_error::KeysetError;
pub use list_audit::{AuditPage, DamagedEvent, ListAudit};
pub use make_checkpoint::MakeCheckpoint;
pub use master_key_status::{MasterKeyState, MasterKeyStatus};
pub use open_backup::{KeysetAccess, OpenBackup, Opened, SealedSource, UnlockedBackup};
pub use pump::Progress;
pub use recovery::{
    ApproveRecovery, Approved, BrowseOfficers, BrowseRecoveries, BrowseServers, DenyRecovery, EnrolServer,
    EnrolServerRequest, EnrolledServer, Examination, ExaminedFile, ListedRecovery, ManageOfficers,
    ManagePolicy, MissingKeysets, NeededKeyset, Prospect, ReceiveRequest, RecoveryError, RegisterAccess,
    RemoveServer, RespondRecovery, Responded, ShowPolicy, ShowRecovery, ShownRecovery, Trust,
};
pub use rotate_master_key::{RotateMasterKey, Rotated};
pub use rotation_error::RotationError;
pub use seal_backup::{SealBackup, SealPassword, SealRecipients, SealRequest, SealTo, Sealed};
pub use share_failure::ShareFailure;
pub use slots::{SlotView, needed};
pub use test_share::{ShareStep, ShareTest, TestShare, TestedStep};
pub use unlock_installation::{UnlockInstallation, Unlocked};
pub use verify_audit::{VerifyAudit, Witness};
