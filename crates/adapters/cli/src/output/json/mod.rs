//! The JSON of results. Its schemas are part of the documentation; a field is never renamed or dropped.

mod backups;
mod keysets;
mod recoveries;
mod servers;
mod shares;
mod system;

pub(crate) use backups::{OpenedJson, SealedJson, SlotJson, SlotsJson};
pub(crate) use keysets::{
    DamagedJson, ExportJson, ExportedJson, ImportJson, InitJson, InspectJson, InspectedKeysetJson,
    KeysetJson, KeysetListJson, passphrase_text,
};
pub(crate) use recoveries::{
    AppliedJson, ApprovedJson, FailedJson, OwnRequestsJson, RecoveriesJson, RecoveryJson, RequestMadeJson,
    RespondedJson, RestoredJson,
};
pub(crate) use servers::{
    ConfirmedJson, EnrolledJson, EnrolmentJson, OfficerJson, OfficersJson, OwnStateJson, PolicyJson,
    ServerJson, ServersJson,
};
pub(crate) use shares::{PromisesJson, ShareTestJson, SharesJson};
pub(crate) use system::{
    AuditExportJson, AuditJson, AuditVerificationJson, CheckpointJson, DamagedEventJson, DbStatusJson,
    FailureJson, MasterKeyJson, RotatedJson, SettingJson,
};
