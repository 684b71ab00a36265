//! The JSON of results that no HTTP API gives. Its schemas are part of the documentation; a field is never renamed or dropped.

mod backup_server;
mod backups;
mod init;
mod recoveries;
mod system;

pub(crate) use backup_server::{ConfirmedJson, EnrolmentJson, OwnStateJson};
pub(crate) use backups::{OpenedJson, SealedJson, SlotJson, SlotsJson};
pub(crate) use init::InitJson;
pub(crate) use recoveries::{AppliedJson, FailedJson, OwnRequestsJson, RequestMadeJson, RestoredJson};
pub(crate) use system::{
    AuditExportJson, DbStatusJson, FailureJson, MasterKeyJson, RotatedJson, SettingJson,
};
