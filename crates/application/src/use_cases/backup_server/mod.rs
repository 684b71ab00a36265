//! The side of the backup server: its identity, its requests, and what it does with the responses. It needs no database.

mod apply;
mod documents;
mod enrolment;
mod error;
mod home;
mod online;
mod request;

pub use apply::{ApplyResponse, KeptKey, KeptKeys, ListedRequest, TakenResponse};
pub use enrolment::{MadeEnrolment, MakeEnrolment, OwnState, ServerState, TrustManager};
pub use error::ServerError;
pub use home::{OwnFile, OwnRequest, Progressed, TrustedManager};
pub use online::{ManagerAddress, SignAsServer};
pub use request::{AskForRecovery, FileToRecover, MadeRequest, RequestRecovery};
