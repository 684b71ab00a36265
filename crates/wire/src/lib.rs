//! The JSON forms that the command line prints and that the HTTP API takes and gives. A field is never renamed or dropped:
//! programs rely on them.
//!
//! Times are RFC 3339 in UTC, fingerprints 64 small hexadecimal digits, ids UUIDs. Forms of requests refuse fields that they
//! do not know, because a misspelled option that is silently ignored does harm; forms of answers take them, because a newer
//! manager may tell more.

mod access;
mod audit;
mod exports;
mod jobs;
mod keysets;
mod problem;
mod recoveries;
mod recovery_facts;
mod requests;
pub mod routes;
mod rules;
mod secret_text;
mod servers;
mod shares;

pub use access::{MeJson, MeKind, NewTokenJson, SessionJson, TokenJson, TokensJson, UserJson, UsersJson};
pub use audit::{
    AuditActorJson, AuditEventJson, AuditJson, AuditVerificationJson, CheckpointJson, DamagedEventJson,
    FindingJson, FindingKind,
};
pub use exports::{ExportJson, ExportedJson, ImportJson, InspectJson, InspectedKeysetJson, ProtectionJson};
pub use jobs::{JobJson, JobStateJson, JobsJson};
pub use keysets::{
    ActivatedJson, DamagedJson, InactiveReason, KeysetJson, KeysetListJson, KeysetOriginJson,
    KeysetStateJson, RecipientJson,
};
pub use problem::{PROBLEM_TYPE_PREFIX, Problem};
pub use recoveries::{
    ApprovedJson, ListedRecoveryJson, OwnRecoveryJson, RecoveriesJson, RecoveryJson, RecoveryStateJson,
    RespondedJson, ShownRecoveryJson,
};
pub use recovery_facts::{
    ApprovalJson, FileJson, FileOriginJson, NeededKeysetJson, OriginsJson, UnopenedJson, WhyUnopenedJson,
};
pub use requests::*;
pub use rules::{OfficerJson, OfficersJson, PolicyJson};
pub use secret_text::SecretText;
pub use servers::{EnrolledJson, IdentityJson, IdentityStateJson, ServerCodeJson, ServerJson, ServersJson};
pub use shares::{PromisesJson, ShareJson, ShareTestJson, SharesJson, StepJson};
