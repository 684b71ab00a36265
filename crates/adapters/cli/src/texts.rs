//! The texts that backup servers and managers exchange, on their way in and out.

use keystead_application::exchange::MAX_TEXT;
use keystead_application::use_cases::BackupError;
use keystead_domain::{ExpectedFingerprint, Fingerprint};
use tokio::io::AsyncReadExt;

use crate::Failure;
use crate::args::TextOutArgs;
use crate::context::Context;
use crate::input::{Output, open_input, open_output};
use crate::output::{printable, write_out};

/// Reads a text whole.
pub(crate) async fn read_text(context: &Context<'_>, location: Option<&str>) -> Result<String, Failure> {
    let input = open_input(context, location).await?;
    let mut bytes = Vec::new();
    let read = input
        .bytes
        .take(MAX_TEXT as u64 + 1)
        .read_to_end(&mut bytes)
        .await;
    read.map_err(|error| Failure::stdio("the text could not be read", &error))?;
    // What is not UTF-8 around a block is no obstacle; in it, it is noticed.
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// A text that was handed over to the person.
pub(crate) struct Handed {
    /// Where it was written; `None` when it goes to standard output.
    pub(crate) place: Option<String>,
}

/// Writes a text where it was asked for. On standard output it is printed as it is, or is a field of the JSON.
pub(crate) async fn hand_over(
    context: &Context<'_>,
    to: &TextOutArgs,
    text: &str,
) -> Result<Handed, Failure> {
    let out = to.out.as_deref().filter(|out| *out != "-");
    let Some(out) = out else {
        if !context.printer.is_json() {
            write_out(text)?;
        }
        return Ok(Handed { place: None });
    };
    let Output { mut writer, .. } = open_output(context, Some(out), to.overwrite, true).await?;
    if let Err(error) = writer.write(text.as_bytes()).await {
        writer.discard().await;
        return Err(BackupError::from(error).into());
    }
    let receipt = writer.publish().await.map_err(BackupError::from)?;
    Ok(Handed {
        place: Some(receipt.place),
    })
}

impl Handed {
    /// The text for the JSON, when it was written nowhere else.
    pub(crate) fn field<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.place.is_none().then_some(text)
    }

    /// What is printed of the result: the facts on standard output, or on standard error when the text took that.
    pub(crate) fn tell<T: serde::Serialize>(
        &self,
        context: &Context<'_>,
        json: &T,
        words: String,
    ) -> Result<(), Failure> {
        match &self.place {
            Some(place) => context
                .printer
                .result(json, || format!("{words}\nwritten to: {}", printable(place))),
            None if context.printer.is_json() => context.printer.result(json, String::new),
            None => {
                context.printer.remark(&words);
                Ok(())
            }
        }
    }
}

/// Reads a fingerprint that somebody expects.
pub(crate) fn expected(text: &str) -> Result<ExpectedFingerprint, Failure> {
    text.parse().map_err(|error| {
        let fix = format!("give at least {} digits of it", ExpectedFingerprint::MIN_DIGITS);
        Failure::usage(error, fix)
    })
}

/// Makes sure that people compared a fingerprint: it was given, or a person at the terminal says so now.
pub(crate) fn compare_aloud(
    context: &Context<'_>,
    whose: &str,
    fingerprint: &Fingerprint,
    given: Option<&ExpectedFingerprint>,
) -> Result<(), Failure> {
    if given.is_some() {
        // The use case compares it.
        return Ok(());
    }
    let not_compared = |why: &str| {
        Failure::new(
            keystead_application::Status::Refused,
            format!("nothing was believed: the fingerprint of {whose} was not compared"),
            why,
            format!(
                "let the other side read its fingerprint aloud, and give it with --expect-fingerprint; this text has {fingerprint}"
            ),
        )
    };
    if !context.terminal.is_interactive() {
        return Err(not_compared("none was given, and there is no terminal to ask at"));
    }
    context.printer.important(&format!(
        "\nfingerprint of {whose}:\n\n  {}\n\nLet somebody at the other machine read theirs aloud, over a way that this text did not take.",
        fingerprint.in_groups()
    ))?;
    match context.terminal.confirms("are all digits the same?")? {
        true => Ok(()),
        false => Err(not_compared("it was not confirmed")),
    }
}
