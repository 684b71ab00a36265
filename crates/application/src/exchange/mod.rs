//! The texts that backup servers and managers exchange, by file, by e-mail or by any other way: enrolment and its
//! confirmation, recovery request and response. `docs/formats.md` describes them for others.

mod armor;
mod document;
mod enrolment;
mod file_keys;
mod request;
mod response;
mod server_token;

pub use armor::{ArmorError, dearmored};
pub use document::{DocumentError, MAX_DOCUMENT, MAX_TEXT};
pub use enrolment::{Confirmation, Enrolment, TextKind, text_kind};
pub use file_keys::{FileKeys, MalformedFileKeys, RecoveredKey};
pub use request::{RequestDocument, UnverifiedRequest};
pub use response::{Response, ResponseDocument, UnopenedFile, WhyUnopened};
pub use server_token::{ServerToken, ServerTokenRefused};
