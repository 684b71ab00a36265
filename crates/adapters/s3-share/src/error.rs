use std::error::Error;

use keystead_application::ports::{ShareError, ShareErrorKind};
use keystead_https::http_failure;

use crate::refusal::{Meaning, Refusal};

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
            let Meaning { kind, what, advice } = refusal.meaning();
            let error = self.error(kind, format!("{what} ({refusal})"));
            return match advice {
                Some(advice) => error.advising(advice),
                None => error,
            };
        }
        if let Some(error) = find::<reqwest::Error>(error) {
            return http_failure(error).of_share(self.operation, self.place.clone());
        }
        if let Some(signing) = find::<reqsign_core::Error>(error) {
            let why = format!("there is no access key ({signing})");
            let error = self.error(ShareErrorKind::NotSignedIn, why);
            return error.advising(
                "set the user name and the password of the share, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            );
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
