use std::error::Error;
use std::io;

use keystead_application::ports::{ShareError, ShareErrorKind};
use keystead_https::tls_failure;
use reqwest::StatusCode;

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

    /// What the server refused.
    pub(crate) fn refused(&self, status: StatusCode) -> ShareError {
        let (kind, what) = meaning(status);
        self.error(kind, format!("{what} (HTTP {status})"))
    }

    /// What came in between.
    pub(crate) fn broken(&self, error: &reqwest::Error) -> ShareError {
        if let Some((kind, message)) = tls_failure(error) {
            return self.error(kind, message);
        }
        let kind = match error.is_builder() {
            true => ShareErrorKind::BadLocation,
            false => ShareErrorKind::Unavailable,
        };
        self.error(kind, transport(error))
    }
}

/// What came in between, for people.
pub(crate) fn transport(error: &reqwest::Error) -> String {
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

fn meaning(status: StatusCode) -> (ShareErrorKind, &'static str) {
    use ShareErrorKind as K;
    match status.as_u16() {
        300..=399 => (
            K::BadLocation,
            "the server says that it is at another address, and credentials are sent to no other; write that address",
        ),
        401 => (
            K::NotSignedIn,
            "the server did not take the user name and password",
        ),
        403 => (K::Denied, "the server does not allow it to this user"),
        404 | 410 => (K::NotFound, "there is no such file"),
        405 | 501 => (
            K::Unsupported,
            "the server does not do this here; check that the address is one of WebDAV",
        ),
        407 => (K::Denied, "the proxy on the way wants a user name and password"),
        409 => (K::NoFolder, "its folder does not exist; make it first"),
        411 => (
            K::Unsupported,
            "the server wants to know the size of a file in advance, which streams do not tell",
        ),
        412 => (K::Exists, "there is a file already"),
        413 => (
            K::Unsupported,
            "the file is larger than the server takes; raise the limit of its configuration",
        ),
        414 => (K::BadName, "the name is too long for the server"),
        423 | 424 => (K::Denied, "somebody has locked the file or its folder"),
        429 => (K::Unavailable, "the server has too much to do"),
        507 => (
            K::NoSpace,
            "there is no room left, or the user's quota is used up",
        ),
        408 | 500 | 502..=504 => (K::Unavailable, "the server does not work just now"),
        _ => (
            K::Unsupported,
            "the server does not understand the request; check the scheme, webdav: or webdavs:, and the name",
        ),
    }
}
