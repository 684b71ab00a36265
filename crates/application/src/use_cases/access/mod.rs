//! Who may do what over the network: people and their sessions, tokens of programs, one-time codes, and long work.

mod authenticate;
mod codes;
mod documents;
mod error;
mod first_admin;
mod job_document;
mod jobs;
mod refused;
mod sign_in;
mod signed_records;
mod tokens;
mod users;

pub use authenticate::{Authenticate, Principal};
pub use codes::{EnrolByCode, MadeCode, MakeServerCode};
pub use error::AccessError;
pub use first_admin::FirstAdmin;
pub use jobs::{Jobs, TakenJob};
pub use refused::RecordRefusedRequest;
pub use sign_in::{KnownPlace, SignIn, SignedIn};
pub use signed_records::RecordAccess;
pub use tokens::{ManageTokens, NewToken, TokenRequest};
pub use users::{ManageUsers, UserRequest};
