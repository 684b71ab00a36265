use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, IsTerminal, Write};

use keystead_domain::Passphrase;
use zeroize::Zeroizing;

use crate::Failure;
use crate::output::write_err;

/// The person at the terminal, if there is one. Without one nothing is ever asked.
pub(crate) struct Terminal {
    interactive: bool,
}

impl Terminal {
    /// There is a person when messages go to a terminal, and one can be read from: standard input itself, or, when data
    /// comes in there, the terminal that controls this process.
    pub(crate) fn detect() -> Self {
        let interactive = std::io::stderr().is_terminal()
            && (std::io::stdin().is_terminal()
                || (std::io::stdout().is_terminal()
                    && OpenOptions::new().read(true).open("/dev/tty").is_ok()));
        Self { interactive }
    }

    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        Self { interactive: false }
    }

    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Asks for a secret, without showing it.
    pub(crate) fn secret(&self, prompt: &str) -> Result<Passphrase, Failure> {
        let text = rpassword::prompt_password(format!("{prompt}: "))
            .map_err(|error| Failure::stdio("the terminal could not be read", &error))?;
        Ok(Passphrase::new(Zeroizing::new(text.into_bytes())))
    }

    /// Asks for a new secret twice.
    pub(crate) fn new_secret(&self, prompt: &str) -> Result<Passphrase, Failure> {
        loop {
            let first = self.secret(prompt)?;
            let second = self.secret("the same again")?;
            // Both were typed here and now; there is nobody to measure the comparison.
            if first.expose() == second.expose() {
                return Ok(first);
            }
            write_err("the two were different; once more");
        }
    }

    /// Asks for a line of text. The end of the input is an empty one.
    pub(crate) fn line(&self, prompt: &str) -> Result<String, Failure> {
        Ok(self.line_unless_ended(prompt)?.unwrap_or_default())
    }

    /// Asks for a line of text; `None` when the person ends the input, with Ctrl-D.
    pub(crate) fn line_unless_ended(&self, prompt: &str) -> Result<Option<String>, Failure> {
        let failed = |error| Failure::stdio("the terminal could not be read", &error);
        let tty = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .map_err(failed)?;
        let mut writer = &tty;
        write!(writer, "{prompt}: ")
            .and_then(|()| writer.flush())
            .map_err(failed)?;
        let mut line = String::new();
        let read = BufReader::new(&tty).read_line(&mut line).map_err(failed)?;
        Ok((read > 0).then(|| line.trim().to_owned()))
    }

    /// Asks for a yes.
    pub(crate) fn confirms(&self, question: &str) -> Result<bool, Failure> {
        let answer = self.line(&format!("{question} [y/N]"))?;
        Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
    }
}
