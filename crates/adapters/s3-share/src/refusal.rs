//! What an S3 server answers when it does not do what was asked.

use std::fmt;

use keystead_application::ports::ShareErrorKind as K;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// A refusal, by HTTP status and the code in the answer's body. Answers to HEAD have no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            code: code(body),
        }
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether the server does not know a condition that it was asked to keep to.
    pub(crate) fn knows_no_conditions(&self) -> bool {
        self.status == 501 || self.is("NotImplemented")
    }

    /// What it means.
    pub(crate) fn meaning(&self) -> Meaning {
        let by_code = self.code.as_deref().and_then(meaning_of_code);
        by_code.unwrap_or_else(|| meaning_of_status(self.status))
    }
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meaning {
    pub(crate) kind: K,
    /// For people.
    pub(crate) what: &'static str,
    /// What to do about it, where that is more than the kind tells.
    pub(crate) advice: Option<&'static str>,
}

impl Meaning {
    fn new((kind, what): (K, &'static str)) -> Self {
        Self {
            kind,
            what,
            advice: None,
        }
    }

    fn advising(mut self, advice: &'static str) -> Self {
        self.advice = Some(advice);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}, HTTP {}", self.status),
            None => write!(f, "HTTP {}", self.status),
        }
    }
}

impl std::error::Error for Refusal {}

fn other_region() -> Meaning {
    Meaning::new((K::BadLocation, "the bucket is in another region"))
        .advising("set region to the bucket's, for this share")
}

fn not_allowed() -> Meaning {
    Meaning::new((K::Denied, "the access key may not do this"))
        .advising("look at the policies of the user and of the bucket")
}

fn meaning_of_code(code: &str) -> Option<Meaning> {
    Some(Meaning::new(match code {
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "Forbidden" => return Some(not_allowed()),
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "TemporaryRedirect"
        | "IllegalLocationConstraintException" => return Some(other_region()),
        "RequestTimeTooSkewed" | "RequestExpired" => {
            let what = "the clock of this machine and that of the server differ";
            return Some(Meaning::new((K::NotSignedIn, what)).advising("set the clock"));
        }
        "InvalidAccessKeyId" | "InvalidClientTokenId" => {
            (K::NotSignedIn, "the server does not know the access key id")
        }
        "SignatureDoesNotMatch" => (
            K::NotSignedIn,
            "the secret access key is not the one of the access key id",
        ),
        "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" => {
            (K::NotSignedIn, "the session token is wrong or has expired")
        }
        "AuthFailure" | "InvalidSecurity" | "MissingSecurityHeader" | "NotSignedUp" => {
            (K::NotSignedIn, "the server did not take the access key")
        }
        "NoSuchBucket" => (K::NoShare, "there is no such bucket"),
        "NoSuchKey" => (K::NotFound, "there is no such file"),
        "InvalidBucketName" => (K::BadLocation, "no bucket can have this name"),
        "PreconditionFailed" | "ConditionalRequestConflict" => (K::Exists, "there is a file already"),
        "KeyTooLongError" | "KeyTooLong" | "InvalidURI" | "XMinioInvalidObjectName" => {
            (K::BadName, "the server takes no such name")
        }
        "QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" | "StorageFull" => {
            (K::NoSpace, "there is no room left, or a quota is used up")
        }
        "EntityTooLarge" => (K::Unsupported, "the file is larger than the server takes"),
        "NotImplemented" | "MethodNotAllowed" => (K::Unsupported, "the server cannot do this"),
        "SlowDown" | "ServiceUnavailable" | "InternalError" | "RequestTimeout" | "OperationAborted"
        | "NoSuchUpload" => (K::Unavailable, "the server does not work just now"),
        _ => return None,
    }))
}

fn meaning_of_status(status: u16) -> Meaning {
    Meaning::new(match status {
        300..=399 => return other_region(),
        403 => return not_allowed(),
        407 => {
            let what = "the proxy on the way wants a user name and password";
            return Meaning::new((K::Denied, what))
                .advising("check HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment");
        }
        401 => (K::NotSignedIn, "the server did not take the access key"),
        404 => (K::NotFound, "there is no such file"),
        409 | 412 => (K::Exists, "there is a file already"),
        413 => (K::Unsupported, "the file is larger than the server takes"),
        414 => (K::BadName, "the name is too long for the server"),
        507 => (K::NoSpace, "there is no room left"),
        408 | 429 | 500 | 502..=504 => (K::Unavailable, "the server does not work just now"),
        _ => {
            let what = "the server does not understand the request";
            return Meaning::new((K::Unsupported, what)).advising("check the setting endpoint");
        }
    })
}

/// The text of the first `Code` of an error document.
fn code(body: &[u8]) -> Option<String> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut in_code = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => in_code = tag.local_name().as_ref() == "Code",
            Event::Text(text) if in_code => {
                let text = text.xml10_content();
                let code = text.trim();
                let is_code = !code.is_empty()
                    && code.len() <= 80
                    && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
                return is_code.then(|| code.to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_where_there_is_one() {
        let body = b"<?xml version=\"1.0\"?>\n<Error><Code>NoSuchBucket</Code><Message>x</Message></Error>";
        assert!(Refusal::new(404, body).is("NoSuchBucket"));
        for other in [
            &b""[..],
            b"<html><h1>no</h1></html>",
            b"<Error><Code>two words</Code></Error>",
            b"\xff",
        ] {
            assert_eq!(Refusal::new(404, other).code, None);
        }
    }

    #[test]
    fn a_code_says_more_than_a_status() {
        let kind = |status, code: &str| {
            let code = (!code.is_empty()).then(|| code.to_owned());
            Refusal { status, code }.meaning().kind
        };
        assert_eq!(kind(403, "AccessDenied"), K::Denied);
        assert_eq!(kind(403, "SignatureDoesNotMatch"), K::NotSignedIn);
        assert_eq!(kind(403, "QuotaExceeded"), K::NoSpace);
        assert_eq!(kind(403, "SomethingNew"), K::Denied);
        assert_eq!(kind(404, "NoSuchBucket"), K::NoShare);
        assert_eq!(kind(404, ""), K::NotFound);
        assert_eq!(kind(503, "SlowDown"), K::Unavailable);
    }
}
