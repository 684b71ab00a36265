use keystead_application::ports::ExportCodecError;

use crate::decode::MAX_BLOCKS;
use crate::label::Label;

/// A block as it stands in the file, between the line that begins and the line that ends it.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub(crate) label: Label<'a>,
    pub(crate) body: &'a [u8],
}

/// Finds the blocks, in one pass over the lines.
///
/// A block that matters and has no end, or another one's, is an error; any other such block is passed over.
pub(crate) fn blocks(file: &[u8]) -> Result<Vec<Block<'_>>, ExportCodecError> {
    let mut blocks = Vec::new();
    let mut open: Option<(Label<'_>, usize)> = None;
    let mut begun = 0_usize;
    let mut next = 0;
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let start = next;
        next += line.len();
        match Boundary::of(line.trim_ascii()) {
            None => {}
            Some(Boundary::Begin(text)) => {
                begun += 1;
                if begun > MAX_BLOCKS {
                    return Err(ExportCodecError::TooMuchWork(format!(
                        "the file has more than {MAX_BLOCKS} PEM blocks"
                    )));
                }
                if let Some((label, _)) = open.replace((Label::of(text), next)) {
                    cut_off(&label)?;
                }
            }
            Some(Boundary::End(text)) => {
                let ended = Label::of(text);
                match open.take() {
                    Some((label, body)) if label == ended => blocks.push(Block {
                        label,
                        body: &file[body..start],
                    }),
                    Some((label, _)) => cut_off(&label)?,
                    None if ended.matters() => return Err(ended.damaged("its beginning is missing")),
                    None => {}
                }
            }
        }
    }
    if let Some((label, _)) = open {
        cut_off(&label)?;
    }
    Ok(blocks)
}

/// The body without line ends and blanks, line by line.
pub(crate) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
}

enum Boundary<'a> {
    Begin(&'a [u8]),
    End(&'a [u8]),
}

impl<'a> Boundary<'a> {
    /// Whether this is a line of its own that begins or ends a block, in the form of RFC 7468 or in that of SSH2.
    fn of(line: &'a [u8]) -> Option<Self> {
        for (begin, end, tail) in [
            (&b"-----BEGIN "[..], &b"-----END "[..], &b"-----"[..]),
            (b"---- BEGIN ", b"---- END ", b" ----"),
        ] {
            let Some(line) = line.strip_suffix(tail) else {
                continue;
            };
            if let Some(label) = line.strip_prefix(begin) {
                return Some(Self::Begin(label));
            }
            if let Some(label) = line.strip_prefix(end) {
                return Some(Self::End(label));
            }
        }
        None
    }
}

fn cut_off(label: &Label<'_>) -> Result<(), ExportCodecError> {
    match label {
        // That it is cut off does not make it a kind that is read.
        Label::Refused(refusal) => Err(refusal.error()),
        label if label.matters() => Err(label.damaged("it is cut off: its END line is missing")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(file: &str) -> Result<Vec<String>, String> {
        blocks(file.as_bytes())
            .map(|blocks| blocks.iter().map(|block| block.label.text()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn blocks_are_found_among_text() {
        let file = "Bag Attributes\r\n-----BEGIN PRIVATE KEY-----  \r\nAA==\r\n-----END PRIVATE KEY-----\t\r\n\
                    -----BEGIN X-----\n-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n-----BEGIN Y-----";
        assert_eq!(labels(file), Ok(vec!["PRIVATE KEY".into(), "PUBLIC KEY".into()]));
    }

    #[test]
    fn half_a_block_that_matters_is_an_error() {
        for file in [
            "-----BEGIN PRIVATE KEY-----\nAA==\n",
            "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY",
            "-----BEGIN PUBLIC KEY-----\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PUBLIC KEY-----\n",
        ] {
            assert!(labels(file).unwrap_err().contains("cut off"), "{file}");
        }
        let file = "AA==\n-----END PRIVATE KEY-----\n";
        assert!(labels(file).unwrap_err().contains("beginning is missing"));
    }
}
