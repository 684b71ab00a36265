//! What is printed, and how.

#[cfg(test)]
pub(crate) mod captured;
mod json;
mod text;
mod written;

use std::io::{IsTerminal, Write};
#[cfg(not(test))]
use std::io::{stderr, stdout};

#[cfg(test)]
use captured::{stderr, stdout};
use serde::Serialize;

pub(crate) use json::{
    AppliedJson, AuditExportJson, ConfirmedJson, DbStatusJson, EnrolmentJson, FailedJson, FailureJson,
    InitJson, MasterKeyJson, OpenedJson, OwnRequestsJson, OwnStateJson, RequestMadeJson, RestoredJson,
    RotatedJson, SealedJson, SettingJson, SlotJson, SlotsJson,
};
pub(crate) use text::{StateFacts, field_lines, groups, moment, printable, short, state_words, table};
pub(crate) use written::{compared_words, tell_what_is_not_promised};

use crate::Failure;
use crate::args::GlobalArgs;

/// Prints results on standard output and remarks on standard error.
pub(crate) struct Printer {
    json: bool,
    quiet: bool,
}

impl Printer {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        Self {
            json: global.json(),
            quiet: global.quiet,
        }
    }

    /// Whether progress is to be shown.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Prints a result: as JSON, or as the text that `words` makes.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        words: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let text = if self.json { to_json(value)? } else { words() };
        write_out(&format!("{}\n", text.trim_end()))
    }

    /// Prints a remark, unless somebody asked for quiet.
    pub(crate) fn remark(&self, text: &str) {
        if !self.quiet {
            write_err(text);
        }
    }

    /// Prints what must not be missed, even when somebody asked for quiet.
    ///
    /// # Errors
    /// When it could not be printed.
    pub(crate) fn important(&self, text: &str) -> Result<(), Failure> {
        let mut err = stderr().lock();
        writeln!(err, "{text}")
            .and_then(|()| err.flush())
            .map_err(|error| Failure::stdio("standard error could not be written to", &error))
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }
}

/// Writes text to standard output; a reader that went away is an error, not a panic.
pub(crate) fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Failure::stdio("the result could not be printed", &error))
}

/// Writes a line to standard error. There is nobody to tell when that fails.
pub(crate) fn write_err(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}

/// Prints one line of what, one of why, one of what to do.
pub(crate) fn print_failure(failure: &Failure, json: bool) {
    if json && let Ok(text) = to_json(&FailureJson::new(failure)) {
        write_err(&text);
        return;
    }
    let Failure {
        what,
        why,
        fix,
        status: _,
    } = failure;
    let (bold, plain) = if colours() {
        ("\u{1b}[1;31m", "\u{1b}[0m")
    } else {
        ("", "")
    };
    let (what, why, fix) = (printable(what), printable(why), printable(fix));
    write_err(&format!("{bold}error:{plain} {what}\n  why: {why}\n  fix: {fix}"));
}

fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::io::stderr().is_terminal()
}

fn to_json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| {
        let what = "the result could not be printed";
        Failure::new(
            keystead_application::Status::Refused,
            what,
            error.to_string(),
            "report it as a bug",
        )
    })
}
