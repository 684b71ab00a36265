//! Text that survives e-mail: PEM (RFC 7468) when written; when read, also what mail programs make of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How many characters of base64 stand in a line (RFC 7468, section 2).
const LINE: usize = 64;
const DASHES: &str = "-----";
/// More copies of a text than any mail quotes.
const MAX_BLOCKS: usize = 32;

/// Why no block was read from a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// There is none of this kind.
    #[error("there is no line \"-----BEGIN {expected}-----\" in it{}", found_words(.found.as_deref()))]
    Missing {
        /// The kind that was looked for.
        expected: &'static str,
        /// The kind of the first other block.
        found: Option<String>,
    },
    /// The end of the block is missing.
    #[error("the line \"-----END {0}-----\" is missing: the text was cut off")]
    Cut(&'static str),
    /// Something that does not belong into a block.
    #[error("line {line} of the text does not belong into the block: {what}")]
    Stray {
        /// The line, from 1.
        line: usize,
        /// What is there.
        what: &'static str,
    },
    /// The letters do not give bytes.
    #[error("the block between the two lines of dashes is damaged: letters are missing or were changed")]
    Damaged,
    /// Two different blocks.
    #[error("there are two different blocks of this kind in it")]
    Several,
    /// Longer than any text of this kind.
    #[error("it is longer than {} MiB, the longest text of this kind", .0 / (1024 * 1024))]
    TooLong(usize),
}

fn found_words(found: Option<&str>) -> String {
    found.map_or_else(String::new, |found| {
        format!("; there is one \"-----BEGIN {found}-----\"")
    })
}

/// Wraps bytes.
pub(super) fn armored(label: &str, bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    let mut text = String::with_capacity(encoded.len() + encoded.len() / LINE + 2 * (label.len() + 20));
    text.push_str(&format!("{DASHES}BEGIN {label}{DASHES}\n"));
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(LINE));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str(&format!("{DASHES}END {label}{DASHES}\n"));
    text
}

/// The bytes of the one block of this kind in a text. Text around it, quote marks and blanks before, in and after lines, line
/// ends of any kind and empty lines are no obstacle. The same block twice is one.
///
/// # Errors
/// [`ArmorError`].
pub fn dearmored(label: &'static str, text: &str, longest: usize) -> Result<Vec<u8>, ArmorError> {
    if text.len() > longest {
        return Err(ArmorError::TooLong(longest));
    }
    let (begin, end) = (
        format!("{DASHES}BEGIN {label}{DASHES}"),
        format!("{DASHES}END {label}{DASHES}"),
    );
    let mut found: Option<Vec<u8>> = None;
    let mut block: Option<Block> = None;
    let mut blocks = 0;
    for (number, line) in text.split(['\n', '\r']).enumerate() {
        let line = unquoted(line);
        match &mut block {
            None if is_marker(line, &begin) => {
                blocks += 1;
                if blocks > MAX_BLOCKS {
                    return Err(ArmorError::Several);
                }
                block = Some(Block::default());
            }
            None => {}
            Some(open) if is_marker(line, &end) => {
                let bytes = STANDARD.decode(&open.letters).map_err(|_| ArmorError::Damaged)?;
                match &found {
                    Some(before) if *before != bytes => return Err(ArmorError::Several),
                    _ => found = Some(bytes),
                }
                block = None;
            }
            Some(open) => open.push(line).map_err(|what| ArmorError::Stray {
                line: number + 1,
                what,
            })?,
        }
    }
    match (block, found) {
        (Some(_), _) => Err(ArmorError::Cut(label)),
        (None, Some(bytes)) => Ok(bytes),
        (None, None) => Err(ArmorError::Missing {
            expected: label,
            found: first_label(text),
        }),
    }
}

/// Base64 that was read so far.
#[derive(Default)]
struct Block {
    letters: String,
}

impl Block {
    fn push(&mut self, line: &str) -> Result<(), &'static str> {
        for c in line.chars().filter(|c| !is_blank(*c)) {
            match c {
                'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/' | '=' => self.letters.push(c),
                '-' => return Err("another line of dashes"),
                ':' => return Err("a header with a colon"),
                _ => return Err("a character that is not base64"),
            }
        }
        Ok(())
    }
}

/// A line without what mail programs put before it: quote marks, and a dash with a blank.
fn unquoted(line: &str) -> &str {
    let line = line.trim_matches(|c: char| is_blank(c) || c == '>' || c == '|');
    match line.strip_prefix("- ") {
        Some(escaped) if escaped.starts_with(DASHES) => escaped,
        _ => line,
    }
}

fn is_marker(line: &str, marker: &str) -> bool {
    // Blanks within are compared as one, because programs that break lines anew change them.
    line == marker
        || line
            .split(is_blank)
            .filter(|word| !word.is_empty())
            .eq(marker.split(' '))
}

/// White space, and characters without width that word processors put in.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200d}' | '\u{2060}')
}

fn first_label(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, _) = rest.split_once(DASHES)?;
    let is_plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ';
    (label.len() <= 64 && label.chars().all(is_plain)).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "KEYSTEAD TEST";

    fn bytes() -> Vec<u8> {
        (0..=255).collect()
    }

    fn read(text: &str) -> Result<Vec<u8>, ArmorError> {
        dearmored(LABEL, text, 1024 * 1024)
    }

    #[test]
    fn what_mail_programs_do_is_no_obstacle() {
        let text = armored(LABEL, &bytes());
        let lines: Vec<&str> = text.lines().collect();
        let quoted = lines
            .iter()
            .map(|line| format!("> > {line}\r\n"))
            .collect::<String>();
        let spread = lines
            .iter()
            .map(|line| match line.starts_with('-') {
                true => format!("\t{line}  \n\n"),
                false => format!(
                    "  {}\n\n\u{a0}{} \r\n",
                    &line[..line.len() / 2],
                    &line[line.len() / 2..]
                ),
            })
            .collect::<String>();
        let joined = format!(
            "{}\n{}\n{}",
            lines[0],
            lines[1..lines.len() - 1].concat(),
            lines[lines.len() - 1]
        );
        let around =
            format!("\u{feff}Dear Ada,\n-- \n{text}\n-----BEGIN OTHER-----\nAA==\n-----END OTHER-----\n");
        let escaped = text.replace("-----B", "- -----B").replace("-----E", "- -----E");
        let twice = format!("{text}{quoted}");
        for text in [
            &text,
            &quoted,
            &spread,
            &joined,
            &around,
            &escaped,
            &twice,
            &text.replace('\n', "\r"),
        ] {
            assert_eq!(read(text).unwrap(), bytes(), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let text = armored(LABEL, &bytes());
        let other = text.replace("TEST", "THING");
        assert_eq!(
            read(&other),
            Err(ArmorError::Missing {
                expected: LABEL,
                found: Some("KEYSTEAD THING".into())
            })
        );
        assert!(matches!(
            read("hello"),
            Err(ArmorError::Missing { found: None, .. })
        ));
        assert_eq!(
            read(text.split("-----END").next().unwrap()),
            Err(ArmorError::Cut(LABEL))
        );
        assert!(matches!(
            read(&text.replacen("AAEC", "AA,C", 1)),
            Err(ArmorError::Stray { line: 2, .. })
        ));
        assert_eq!(read(&text.replacen("AAEC", "AAE", 1)), Err(ArmorError::Damaged));
        let another = armored(LABEL, b"x");
        assert_eq!(read(&format!("{text}{another}")), Err(ArmorError::Several));
        assert_eq!(dearmored(LABEL, &text, 10), Err(ArmorError::TooLong(10)));
        assert!(read(&text.repeat(MAX_BLOCKS)).is_ok());
        assert_eq!(read(&text.repeat(MAX_BLOCKS + 1)), Err(ArmorError::Several));
    }

    #[test]
    fn openssl_would_write_the_same() {
        assert_eq!(armored("X", b"abc"), "-----BEGIN X-----\nYWJj\n-----END X-----\n");
        assert!(armored("X", &bytes()).lines().all(|line| line.len() <= LINE));
    }
}
