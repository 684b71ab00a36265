use std::time::Duration;

use keystead_application::ports::ShareErrorKind;
use keystead_application::{Explain, Status};
use keystead_https::{HttpFailure, TlsFault};

/// What kind of failure it is that a manager gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientErrorKind {
    /// The options cannot be used.
    Options,
    /// The request cannot be sent as it is.
    Request,
    /// Whoever answers is not trusted, or does not speak TLS. Nothing was asked.
    Untrusted,
    /// Nobody answers. Nothing was asked.
    Unreachable,
    /// The request was sent, and no whole answer came: what was asked may have been done.
    Broken,
    /// The answer is longer than expected.
    TooLarge,
}

/// Why a manager gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {why}")]
pub struct ClientError {
    /// What kind of failure it is.
    pub kind: ClientErrorKind,
    what: String,
    why: String,
    fix: String,
}

impl ClientError {
    /// Whether what was asked may have been done although there is no answer.
    #[must_use]
    pub fn may_be_done(&self) -> bool {
        matches!(self.kind, ClientErrorKind::Broken | ClientErrorKind::TooLarge)
    }

    pub(crate) fn options(why: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            kind: ClientErrorKind::Options,
            what: "the manager cannot be asked".to_owned(),
            why: why.into(),
            fix: fix.into(),
        }
    }

    pub(crate) fn request(why: impl Into<String>) -> Self {
        Self {
            kind: ClientErrorKind::Request,
            what: "this cannot be asked".to_owned(),
            why: why.into(),
            fix: "correct what was given; if it was made by this program, report it".to_owned(),
        }
    }

    pub(crate) fn too_large(manager: &str, most: u64) -> Self {
        Self {
            kind: ClientErrorKind::TooLarge,
            what: format!("the answer of {manager} was not read to its end"),
            why: format!("it has more than {most} bytes"),
            fix: "check that this is the address of a manager; ask for less at a time".to_owned(),
        }
    }

    pub(crate) fn silent(manager: &str, limit: Duration) -> Self {
        Self::broken(manager, format!("nothing came for {limit:?}"))
    }

    pub(crate) fn broken(manager: &str, why: String) -> Self {
        Self {
            kind: ClientErrorKind::Broken,
            what: format!("{manager} gave no whole answer"),
            why,
            fix: "look whether it was done before you ask again; the manager's log may say more".to_owned(),
        }
    }

    pub(crate) fn unreachable(manager: &str, why: String) -> Self {
        Self {
            kind: ClientErrorKind::Unreachable,
            what: format!("{manager} cannot be reached"),
            why,
            fix: "check the address, that the manager runs, and that nothing on the way keeps it from being reached"
                .to_owned(),
        }
    }

    pub(crate) fn of(manager: &str, failure: HttpFailure, was_sent: bool) -> Self {
        let Some(fault) = failure.fault else {
            return match was_sent {
                true => Self::broken(manager, failure.message),
                false => Self::unreachable(manager, failure.message),
            };
        };
        let fix = match fault {
            TlsFault::UnknownAuthority => {
                "ask whoever runs the manager for its certificate's fingerprint or for the certificate of its authority, \
                 and say that it is to be trusted"
            }
            TlsFault::OtherName => {
                "write the name that is in the certificate, or check that this is the right manager"
            }
            TlsFault::Time => "renew the manager's certificate, and check the clock of this machine",
            TlsFault::OtherCertificate => {
                "if the manager has a new certificate, compare its fingerprint with whoever runs it, and say that the new \
                 one is to be trusted; if it has none, somebody is in between"
            }
            TlsFault::BadCertificate => {
                "check with whoever runs the manager that its certificate is in order"
            }
            TlsFault::NotTls => "check the port, and whether the manager speaks TLS there",
            TlsFault::Other => "the manager's log may say more",
        };
        let what = match fault {
            TlsFault::NotTls | TlsFault::Other => format!("TLS with {manager} did not come about"),
            _ => format!("{manager} is not trusted"),
        };
        Self {
            kind: ClientErrorKind::Untrusted,
            what,
            why: failure.message,
            fix: fix.to_owned(),
        }
    }

    /// The failure of options that only show when a connection is prepared.
    pub(crate) fn of_options(failure: HttpFailure) -> Self {
        let fix = failure.advice.unwrap_or(match failure.kind {
            ShareErrorKind::BadLocation => "give a PEM file with the certificates that are trusted",
            _ => "correct the options",
        });
        Self::options(failure.message, fix)
    }

    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.kind, ClientErrorKind::Unreachable | ClientErrorKind::Broken)
    }

    pub(crate) fn add(mut self, note: &str) -> Self {
        self.why = format!("{} ({note})", self.why);
        self
    }
}

impl Explain for ClientError {
    fn what(&self) -> String {
        self.what.clone()
    }

    fn why(&self) -> String {
        self.why.clone()
    }

    fn fix(&self) -> String {
        self.fix.clone()
    }

    fn status(&self) -> Status {
        match self.kind {
            ClientErrorKind::Options | ClientErrorKind::Request => Status::Usage,
            _ => Status::Refused,
        }
    }
}
