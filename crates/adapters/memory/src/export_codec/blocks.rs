use keystead_application::ports::ExportCodecError;

const LINE_DIGITS: usize = 64;
const OWN: &str = "MEMORY ";

/// A block of a file: its label and its bytes.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn write_block(text: &mut String, label: &str, bytes: &[u8]) {
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in bytes.chunks(LINE_DIGITS / 2) {
        line.iter().for_each(|byte| text.push_str(&format!("{byte:02x}")));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
}

/// The blocks of this codec, in their order. Everything else is passed over.
pub(super) fn read_blocks(text: &str) -> Result<Vec<Block>, ExportCodecError> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        match open.take() {
            None => open = mark(line, "BEGIN").map(|label| (label.to_owned(), String::new())),
            Some((label, digits)) if mark(line, "END") == Some(&label) => {
                let bytes = from_hex(&digits)
                    .ok_or_else(|| damaged(&label, "it holds something else than digits"))?;
                blocks.push(Block { label, bytes });
            }
            Some((label, mut digits)) => {
                digits.push_str(line);
                open = Some((label, digits));
            }
        }
    }
    match open {
        None => Ok(blocks),
        Some((label, _)) => Err(damaged(&label, "its end is missing")),
    }
}

fn mark<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let inner = line.strip_prefix("-----")?.strip_suffix("-----")?;
    let label = inner.strip_prefix(word)?.strip_prefix(' ')?;
    label.starts_with(OWN).then_some(label)
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

fn damaged(label: &str, why: &str) -> ExportCodecError {
    ExportCodecError::Damaged {
        block: label.to_owned(),
        why: why.to_owned(),
    }
}
