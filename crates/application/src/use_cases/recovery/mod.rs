//! Recoveries at the manager: backup servers and officers, and requests from their arrival to their answer.

mod browse;
mod decide;
mod enrol_server;
mod error;
mod examine;
mod fixes;
mod load;
mod officers;
mod plan;
mod receive;
mod refusal;
mod register;
mod respond;
mod servers;
mod unwrap;

pub use browse::{BrowseRecoveries, ListedRecovery, ShowRecovery, ShownRecovery};
pub use decide::{ApproveRecovery, Approved, DenyRecovery};
pub use enrol_server::{EnrolServer, EnrolServerRequest, EnrolledServer};
pub use error::RecoveryError;
pub use examine::{Examination, ExaminedFile, MissingKeysets, NeededKeyset, Prospect};
pub(crate) use fixes::{document_fix, not_valid_fix};
pub use load::Trust;
pub use officers::{BrowseOfficers, ManageOfficers, ManagePolicy, ShowPolicy};
pub use receive::ReceiveRequest;
pub use register::RegisterAccess;
pub(crate) use register::registered_servers;
pub use respond::{RespondRecovery, Responded};
pub use servers::{BrowseServers, RemoveServer};
