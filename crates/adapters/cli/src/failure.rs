use std::fmt;

use keystead_application::{Explain, Status};

/// An error on its way to the person who typed the command: one line of what, one of why, one of what to do.
#[derive(Debug)]
pub struct Failure {
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do.
    pub fix: String,
    /// How the command ends.
    pub status: Status,
}

impl Failure {
    /// A failure.
    pub fn new(
        status: Status,
        what: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            why: why.into(),
            fix: fix.into(),
            status,
        }
    }

    /// A command that was typed wrong.
    pub(crate) fn usage(why: impl fmt::Display, fix: impl Into<String>) -> Self {
        Self::new(
            Status::Usage,
            "the command cannot be carried out as it was given",
            why.to_string(),
            fix,
        )
    }

    /// Something could not be printed or read at the terminal.
    pub(crate) fn stdio(what: &str, error: &std::io::Error) -> Self {
        Self::new(
            Status::Refused,
            what,
            error.to_string(),
            "check what the command is connected to",
        )
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            what: error.what(),
            why: error.why(),
            fix: error.fix(),
            status: error.status(),
        }
    }
}
