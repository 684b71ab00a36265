//! ASCII armor as `age -a` writes it: strict PEM with the label `AGE ENCRYPTED FILE`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_application::ports::{PayloadStream, SealedFormatError};

const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;
/// Longer than any line that may occur.
const MAX_LINE: usize = 128;

/// Whether a file begins like an armored one; `None` when these bytes are too few to tell.
pub(crate) fn is_armored(beginning: &[u8]) -> Option<bool> {
    let text = beginning.trim_ascii_start();
    let common = text.len().min(BEGIN.len());
    if text[..common] != BEGIN[..common] {
        Some(false)
    } else if common == BEGIN.len() {
        Some(true)
    } else {
        None
    }
}

/// Takes armor off a file, line by line.
#[derive(Default)]
pub(crate) struct Dearmor {
    line: Vec<u8>,
    state: State,
    decoded: u64,
}

#[derive(Default, PartialEq)]
enum State {
    #[default]
    Before,
    Inside,
    /// A short line came; only the end may follow.
    LastLine,
    After,
}

impl PayloadStream for Dearmor {
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        for piece in input.split_inclusive(|b| *b == b'\n') {
            self.line
                .extend_from_slice(&piece[..piece.len().min(MAX_LINE + 1)]);
            if self.line.len() > MAX_LINE {
                return Err(self.malformed());
            }
            if piece.ends_with(b"\n") {
                self.take_line(out)?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        if !self.line.is_empty() {
            self.take_line(out)?;
        }
        if self.state == State::After {
            Ok(())
        } else {
            Err(SealedFormatError::PayloadCut(self.decoded))
        }
    }
}

impl Dearmor {
    fn take_line(&mut self, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            State::Before if line.trim_ascii().is_empty() => {}
            State::Before if line == BEGIN => self.state = State::Inside,
            State::Inside | State::LastLine if line == END => self.state = State::After,
            State::Inside if !line.is_empty() && line.len() <= COLUMNS => {
                let bytes = STANDARD.decode(line).map_err(|_| self.malformed())?;
                if line.len() < COLUMNS || line.ends_with(b"=") {
                    self.state = State::LastLine;
                }
                self.decoded += bytes.len() as u64;
                out.extend_from_slice(&bytes);
            }
            State::After if line.trim_ascii().is_empty() => {}
            State::Before | State::Inside | State::LastLine | State::After => return Err(self.malformed()),
        }
        Ok(())
    }

    fn malformed(&self) -> SealedFormatError {
        SealedFormatError::PayloadDamaged(self.decoded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armor(content: &[u8]) -> String {
        let body = STANDARD.encode(content);
        let lines: Vec<_> = body
            .as_bytes()
            .chunks(64)
            .map(|l| std::str::from_utf8(l).unwrap())
            .collect();
        let (begin, end) = (
            std::str::from_utf8(BEGIN).unwrap(),
            std::str::from_utf8(END).unwrap(),
        );
        format!("{begin}\n{}\n{end}\n", lines.join("\n"))
    }

    fn dearmor(text: &[u8], step: usize) -> Result<Vec<u8>, SealedFormatError> {
        let mut out = Vec::new();
        let mut stream = Box::new(Dearmor::default());
        for piece in text.chunks(step) {
            stream.push(piece, &mut out)?;
        }
        stream.finish(&mut out).map(|()| out)
    }

    #[test]
    fn armor_comes_off_whatever_the_steps_and_line_ends() {
        for len in [1, 47, 48, 49, 1000] {
            let content: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let text = armor(&content);
            for step in [1, 7, 64, 4096] {
                assert_eq!(dearmor(text.as_bytes(), step).unwrap(), content);
                assert_eq!(
                    dearmor(text.replace('\n', "\r\n").as_bytes(), step).unwrap(),
                    content
                );
            }
            assert_eq!(is_armored(text.as_bytes()), Some(true));
        }
        assert_eq!(is_armored(b"age-encryption"), Some(false));
        assert_eq!(is_armored(b"\n-----BEGIN"), None);
    }

    #[test]
    fn damaged_armor_is_refused() {
        let text = armor(&[7; 100]);
        let cut = &text[..text.len() - 10];
        assert!(dearmor(cut.as_bytes(), 64).is_err());
        assert!(dearmor(text.replacen("Bw", "!w", 1).as_bytes(), 64).is_err());
        assert!(dearmor(format!("{text}more").as_bytes(), 64).is_err());
        assert!(dearmor(&[b'A'; 4096], 64).is_err());
    }
}
