//! The audit trail as JSON lines, for other systems and for other places.
//!
//! A line for each event: its place, the value of the chain after it, and its canonical bytes as they are. Then a line
//! with a checkpoint that covers the last of them, so that the whole file is signed by its last line.

use keystead_domain::{AuditHead, ChainHash, Installation, Sequence};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{StoredEvent, verified_checkpoint};
use crate::ports::SigningEngine;

/// Longer than any line of an export; a longer one is not read.
const MAX_LINE: usize = 1 << 20;

#[derive(Serialize)]
struct EventLine<'a> {
    sequence: u64,
    chain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a RawValue>,
    /// In place of an event that is no JSON any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    checkpoint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadEventLine<'a> {
    sequence: u64,
    chain: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// The line of an event, without its line feed.
///
/// # Errors
/// Never: the event goes into it as it is, or as damaged.
pub fn event_line(row: &StoredEvent) -> Result<String, serde_json::Error> {
    let event: Option<&RawValue> = serde_json::from_slice(&row.canonical).ok();
    // Blanks around the value would not come back.
    let event = event.filter(|event| event.get().as_bytes() == row.canonical);
    serde_json::to_string(&EventLine {
        sequence: row.sequence.0,
        chain: row.chain.map(|chain| chain.to_string()),
        event,
        damaged: event.is_none().then_some("what is stored here is not an event"),
    })
}

/// The line of a checkpoint, without its line feed.
///
/// # Errors
/// Never.
pub fn checkpoint_line(note: &str) -> Result<String, serde_json::Error> {
    serde_json::to_string(&CheckpointLine {
        checkpoint: note.to_owned(),
    })
}

/// Why a file does not serve as a record of the audit trail.
#[derive(Debug, thiserror::Error)]
pub enum RecordRefused {
    /// It is neither a checkpoint nor an export.
    #[error("it is neither a checkpoint nor an export of the audit trail: {0}")]
    Malformed(String),
    /// Its checkpoint is not one of this installation.
    #[error("{0}")]
    Checkpoint(#[from] super::CheckpointRefused),
    /// What it holds is not what its checkpoint signs.
    #[error("it was changed: line {0} does not fit to what its checkpoint signs")]
    Changed(usize),
    /// There is no checkpoint at its end.
    #[error("it has no checkpoint at its end, so nothing in it is signed")]
    Unsigned,
}

/// Reads a record that was kept elsewhere: a checkpoint, or an export with its checkpoint at the end. What comes back is
/// signed, by the checkpoint or through the chain that leads to it.
///
/// # Errors
/// [`RecordRefused`].
pub fn signed_heads(
    text: &str,
    installation: &Installation,
    signing: &dyn SigningEngine,
) -> Result<Vec<AuditHead>, RecordRefused> {
    if !text.starts_with('{') {
        return Ok(vec![verified_checkpoint(text, installation, signing)?.head]);
    }
    let malformed =
        |line: usize, what: &dyn std::fmt::Display| RecordRefused::Malformed(format!("line {line}: {what}"));
    let mut heads: Vec<AuditHead> = Vec::new();
    let mut signed = None;
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        if line.len() > MAX_LINE {
            return Err(malformed(number, &"it is too long"));
        }
        if signed.is_some() {
            return Err(malformed(number, &"something follows the checkpoint"));
        }
        if let Ok(CheckpointLine { checkpoint }) = serde_json::from_str(line) {
            signed = Some((
                number,
                verified_checkpoint(&checkpoint, installation, signing)?.head,
            ));
            continue;
        }
        let read: ReadEventLine<'_> = serde_json::from_str(line).map_err(|e| malformed(number, &e))?;
        let chain: ChainHash = read.chain.parse().map_err(|e| malformed(number, &e))?;
        let before = match heads.last() {
            Some(before) if before.sequence.0 + 1 != read.sequence => {
                return Err(RecordRefused::Changed(number));
            }
            Some(before) => Some(before.chain),
            None if read.sequence == 1 => Some(ChainHash::START),
            // The first of a part; the chain from it to the signature speaks for it.
            None => None,
        };
        if before.is_some_and(|before| before.after(read.event.get().as_bytes()) != chain) {
            return Err(RecordRefused::Changed(number));
        }
        heads.push(AuditHead {
            sequence: Sequence(read.sequence),
            chain,
        });
    }
    match (signed, heads.last()) {
        (None, _) => Err(RecordRefused::Unsigned),
        (Some((line, head)), Some(last)) if head != *last => Err(RecordRefused::Changed(line)),
        (Some((_, head)), None) => Ok(vec![head]),
        (Some(_), Some(_)) => Ok(heads),
    }
}
