//! The texts that backup servers and managers exchange, on their way in and out.

use std::io::IsTerminal;

use keystead_application::exchange::MAX_TEXT;
use keystead_application::ports::ShareWriter;
use keystead_application::use_cases::BackupError;
use keystead_domain::{ExpectedFingerprint, Fingerprint};
use tokio::io::AsyncReadExt;

use crate::Failure;
use crate::args::TextOutArgs;
use crate::context::Context;
use crate::input::{open_input, open_output};
use crate::output::{printable, write_out};

/// Reads a text whole.
pub(crate) async fn read_text(context: &Context<'_>, location: Option<&str>) -> Result<String, Failure> {
    if location.is_none_or(|location| location == "-") && std::io::stdin().is_terminal() {
        context
            .printer
            .important("paste the text, then press Ctrl-D at the beginning of a line")?;
    }
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

/// The place for a text, made sure of before the work that the text comes from.
pub(crate) struct TextOut {
    /// `None` for standard output.
    writer: Option<Box<dyn ShareWriter>>,
}

impl TextOut {
    pub(crate) async fn prepare(context: &Context<'_>, to: &TextOutArgs) -> Result<Self, Failure> {
        let out = to.out.as_deref().filter(|out| *out != "-");
        let writer = match out {
            Some(out) => Some(open_output(context, Some(out), to.overwrite, true).await?.writer),
            None => None,
        };
        Ok(Self { writer })
    }

    /// Writes the text that a piece of work gives, and nothing when the work fails.
    pub(crate) async fn write<T>(
        self,
        context: &Context<'_>,
        made: Result<T, Failure>,
        text: impl FnOnce(&T) -> &str,
    ) -> Result<(T, Handed), Failure> {
        match (self.writer, made) {
            (Some(mut writer), Ok(made)) => {
                if let Err(error) = writer.write(text(&made).as_bytes()).await {
                    writer.discard().await;
                    return Err(BackupError::from(error).into());
                }
                let receipt = writer.publish().await.map_err(BackupError::from)?;
                let place = Some(receipt.place);
                Ok((made, Handed { place }))
            }
            (None, Ok(made)) => {
                if !context.printer.is_json() {
                    write_out(text(&made))?;
                }
                Ok((made, Handed { place: None }))
            }
            (Some(writer), Err(failure)) => {
                writer.discard().await;
                Err(failure)
            }
            (None, Err(failure)) => Err(failure),
        }
    }
}

/// Writes a text where it was asked for. On standard output it is printed as it is, or is a field of the JSON.
pub(crate) async fn hand_over(
    context: &Context<'_>,
    to: &TextOutArgs,
    text: &str,
) -> Result<Handed, Failure> {
    let out = TextOut::prepare(context, to).await?;
    let (_, handed) = out.write(context, Ok(text.to_owned()), |text| text).await?;
    Ok(handed)
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

/// What is asked when nothing else is to be asked with it.
pub(crate) const SAME_DIGITS: &str = "are all digits the same?";

/// Makes sure that people compared a fingerprint: it was given, or a person at the terminal says so now.
pub(crate) fn compare_aloud(
    context: &Context<'_>,
    whose: &str,
    fingerprint: &Fingerprint,
    given: Option<&ExpectedFingerprint>,
    question: &str,
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
    match context.terminal.confirms(question)? {
        true => Ok(()),
        false => Err(not_compared("it was not confirmed")),
    }
}
