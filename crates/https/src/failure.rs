use std::error::Error;
use std::io;

use keystead_application::ports::{ShareError, ShareErrorKind};

use crate::tls::tls_failure;

/// Why nothing came of a request, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFailure {
    /// What kind of failure it is.
    pub kind: ShareErrorKind,
    /// What happened.
    pub message: String,
    /// What to do about it, where that is more than the kind tells.
    pub advice: Option<&'static str>,
    /// What is wrong with TLS, when that is what is wrong.
    pub fault: Option<TlsFault>,
}

/// What is wrong with TLS, for those who give advice of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    /// Nobody that is believed signed the certificate.
    UnknownAuthority,
    /// The certificate is for another name.
    OtherName,
    /// The certificate has expired, or is not valid yet.
    Time,
    /// The certificate is another one than the one that was expected.
    OtherCertificate,
    /// Something else is wrong with the certificate, or the server does not prove that it has its key.
    BadCertificate,
    /// The server does not answer with TLS.
    NotTls,
    /// Something else.
    Other,
}

impl HttpFailure {
    /// A failure about which its kind tells what to do.
    #[must_use]
    pub fn new(kind: ShareErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            advice: None,
            fault: None,
        }
    }

    /// The same failure with what to do about it.
    #[must_use]
    pub fn advising(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }

    pub(crate) fn by(mut self, fault: TlsFault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// The failure of a share, at this step and place.
    #[must_use]
    pub fn of_share(self, operation: &'static str, place: impl Into<String>) -> ShareError {
        let error = ShareError::new(self.kind, operation, place, self.message);
        match self.advice {
            Some(advice) => error.advising(advice),
            None => error,
        }
    }
}

/// Why a request did not get its answer.
#[must_use]
pub fn http_failure(error: &reqwest::Error) -> HttpFailure {
    if let Some(failure) = tls_failure(error) {
        return failure;
    }
    let (kind, what) = if error.is_builder() {
        (ShareErrorKind::BadLocation, "the address cannot be used")
    } else if error.is_dns() {
        (ShareErrorKind::Unavailable, "the name of the server is not known")
    } else if error.is_timeout() {
        (ShareErrorKind::Unavailable, "the server does not answer")
    } else if error.is_connect() {
        (ShareErrorKind::Unavailable, "the server cannot be reached")
    } else {
        (ShareErrorKind::Unavailable, "the connection to the server broke")
    };
    HttpFailure::new(kind, format!("{what} ({})", innermost(error)))
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
