//! What happens when somebody stops the process.

use std::fs::OpenOptions;
use std::io::Write;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use keystead_application::Status;
use keystead_cli::Failure;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// How long an interrupted command has to take its temporary files away. One that waits for a person has none.
const GRACE: Duration = Duration::from_millis(500);
/// Shells expect 128 and the number of the signal.
const INTERRUPTED: u8 = 128 + 2;
const TERMINATED: u8 = 128 + 15;

/// How the terminal was before a prompt switched its echo off.
pub(crate) struct Terminal(Option<Termios>);

impl Terminal {
    pub(crate) fn remember() -> Self {
        let terminal = OpenOptions::new().read(true).open("/dev/tty").ok();
        Self(terminal.and_then(|terminal| tcgetattr(&terminal).ok()))
    }

    fn restore(&self) {
        if let (Some(as_it_was), Ok(terminal)) = (&self.0, OpenOptions::new().read(true).open("/dev/tty")) {
            // There is nobody to tell when this fails, and nothing else to try.
            let _ = tcsetattr(&terminal, OptionalActions::Now, as_it_was);
        }
    }
}

/// The outcome of the command, or of the signal that came first. Dropping the command rolls back what is not committed and
/// takes temporary files away; those on a share are gone when `settled` says so. A second signal does not wait for that.
pub(crate) async fn unless_interrupted(
    mut command: JoinHandle<ExitCode>,
    settled: impl Future<Output = bool>,
    terminal: &Terminal,
    json: bool,
) -> ExitCode {
    let stopped_by = tokio::select! {
        done = &mut command => {
            if !unless_impatient(settled).await {
                tracing::warn!("{LEFT}");
            }
            return done.unwrap_or_else(|_| keystead_cli::report(&broken(), json));
        }
        number = interrupted() => number,
    };
    command.abort();
    let _ = tokio::time::timeout(GRACE, command).await;
    terminal.restore();
    let say = |words: &str| drop(writeln!(std::io::stderr(), "{words}"));
    let mut settled = pin!(unless_impatient(settled));
    let is_settled = match tokio::time::timeout(GRACE, &mut settled).await {
        Ok(is_settled) => is_settled,
        Err(_) => {
            say("\nstopping: temporary files are being removed; Ctrl-C again leaves them");
            settled.await
        }
    };
    say(
        "\ninterrupted: what was not finished was undone, and what had gone to standard output is not all; a file that stands \
         under its name is whole, and may not have been read back yet; whether the last change was finished, is shown by \
         keystead audit list",
    );
    if !is_settled {
        say(LEFT);
    }
    ExitCode::from(stopped_by)
}

const LEFT: &str = "a temporary file was left on a share; the next write into its folder removes it";

/// Whether work came to a good end before a second signal.
async fn unless_impatient(work: impl Future<Output = bool>) -> bool {
    tokio::select! {
        done = work => done,
        _ = interrupted() => false,
    }
}

/// Waits for the signal that ends the process.
pub(crate) async fn interrupted() -> u8 {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process as they always did.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => INTERRUPTED,
        _ = terminate.recv() => TERMINATED,
    }
}

pub(crate) fn broken() -> Failure {
    Failure::new(
        Status::Refused,
        "the command stopped unexpectedly",
        "the program has a fault; what was not finished was undone",
        "report it as a bug, with what you typed",
    )
}
