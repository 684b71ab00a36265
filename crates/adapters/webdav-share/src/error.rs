use keystead_application::ports::{ShareError, ShareErrorKind};
use keystead_https::http_failure;
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
        let (kind, what, advice) = meaning(status);
        let error = self.error(kind, format!("{what} (HTTP {status})"));
        match advice {
            Some(advice) => error.advising(advice),
            None => error,
        }
    }

    /// What came in between.
    pub(crate) fn broken(&self, error: &reqwest::Error) -> ShareError {
        http_failure(error).of_share(self.operation, self.place.clone())
    }
}

/// What a status means, and what to do about it where that is more than the kind tells.
fn meaning(status: StatusCode) -> (ShareErrorKind, &'static str, Option<&'static str>) {
    use ShareErrorKind as K;
    match status.as_u16() {
        300..=399 => (
            K::BadLocation,
            "the server says that it is at another address, and credentials are sent to no other",
            Some("write the address that the server is at"),
        ),
        401 => (
            K::NotSignedIn,
            "the server did not take the user name and password",
            None,
        ),
        403 => (K::Denied, "the server does not allow it to this user", None),
        404 | 410 => (K::NotFound, "there is no such file", None),
        405 | 501 => (
            K::Unsupported,
            "the server does not do this here",
            Some("check that the address is one of WebDAV"),
        ),
        407 => (
            K::Denied,
            "the proxy on the way wants a user name and password",
            Some("check HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment"),
        ),
        409 => (K::NoFolder, "its folder does not exist", None),
        411 => (
            K::Unsupported,
            "the server wants to know the size of a file in advance, which streams do not tell",
            None,
        ),
        412 => (K::Exists, "there is a file already", None),
        413 => (
            K::Unsupported,
            "the file is larger than the server takes",
            Some("raise the limit in the server's configuration"),
        ),
        414 => (K::BadName, "the name is too long for the server", None),
        423 | 424 => (
            K::Denied,
            "somebody has locked the file or its folder",
            Some("wait until it is unlocked, or unlock it on the server"),
        ),
        429 => (K::Unavailable, "the server has too much to do", None),
        507 => (
            K::NoSpace,
            "there is no room left, or the user's quota is used up",
            None,
        ),
        408 | 500 | 502..=504 => (K::Unavailable, "the server does not work just now", None),
        _ => (
            K::Unsupported,
            "the server does not understand the request",
            Some("check the scheme, webdav: or webdavs:, and the name"),
        ),
    }
}
