use std::error::Error;
use std::io;

use keystead_application::ports::{ShareError, ShareErrorKind};
use keystead_https::tls_failure;

use crate::refusal::Refusal;

/// What is being done, and where: the beginning of every error.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) operation: &'static str,
    /// Without credentials.
    pub(crate) place: String,
}

impl Step {
    pub(crate) fn error(&self, kind: ShareErrorKind, message: impl Into<String>) -> ShareError {
        ShareError::new(kind, self.operation, self.place.clone(), message)
    }

    /// What the library reports, by what lies under it.
    pub(crate) fn failed(&self, error: &opendal::Error) -> ShareError {
        if let Some(refusal) = refusal(error) {
            let (kind, what) = refusal.meaning();
            return self.error(kind, format!("{what} ({refusal})"));
        }
        if let Some((kind, message)) = tls_failure(error) {
            return self.error(kind, message);
        }
        if let Some(error) = find::<reqwest::Error>(error) {
            let kind = match error.is_builder() {
                true => ShareErrorKind::BadLocation,
                false => ShareErrorKind::Unavailable,
            };
            return self.error(kind, transport(error));
        }
        if let Some(signing) = find::<reqsign_core::Error>(error) {
            let why = "there is no access key; set the user name and the password of the share, or AWS_ACCESS_KEY_ID \
                       and AWS_SECRET_ACCESS_KEY";
            return self.error(ShareErrorKind::NotSignedIn, format!("{why} ({signing})"));
        }
        let kind = match error.kind() {
            opendal::ErrorKind::NotFound => ShareErrorKind::NotFound,
            opendal::ErrorKind::ConfigInvalid => ShareErrorKind::BadLocation,
            opendal::ErrorKind::Unsupported => ShareErrorKind::Unsupported,
            _ => ShareErrorKind::Unavailable,
        };
        self.error(kind, error.message())
    }
}

/// What the server refused, when it answered.
pub(crate) fn refusal(error: &opendal::Error) -> Option<&Refusal> {
    find(error)
}

/// What came in between, for people.
fn transport(error: &reqwest::Error) -> String {
    let what = if error.is_builder() {
        "the address cannot be used"
    } else if error.is_dns() {
        "the name of the server is not known"
    } else if error.is_timeout() {
        "the server does not answer"
    } else if error.is_connect() {
        "the server cannot be reached"
    } else {
        "the connection to the server broke"
    };
    format!("{what} ({})", innermost(error))
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &(dyn Error + 'static) = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => wrapped.to_string(),
        None => innermost.to_string(),
    }
}
