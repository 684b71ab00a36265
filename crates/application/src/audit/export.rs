//! The audit trail as JSON lines, for other systems and for other places.
//!
//! A first line that names the place behind which the export begins and the value of the chain there. A line for each event:
//! its place, the value of the chain after it, and its canonical bytes as they are. Then a line with a checkpoint that
//! covers the last of them, so that the whole file is signed by its last line, back through the chain.

use keystead_domain::{AuditHead, ChainHash, Installation, Sequence};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{StoredEvent, from_canonical_bytes, verified_checkpoint};
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
struct FirstLine {
    after: u64,
    chain: Option<String>,
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
    chain: Option<String>,
    #[serde(borrow)]
    event: Option<&'a RawValue>,
    #[serde(default)]
    damaged: Option<String>,
}

/// The first line of an export that begins behind a place, without its line feed. There is no value of the chain there when
/// the event at that place is damaged or gone.
///
/// # Errors
/// Never.
pub fn first_line(after: Sequence, chain: Option<ChainHash>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&FirstLine {
        after: after.0,
        chain: chain.map(|chain| chain.to_string()),
    })
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

/// Why a file does not serve as a witness of the audit trail.
#[derive(Debug, thiserror::Error)]
pub enum WitnessRefused {
    /// It is neither a checkpoint nor an export.
    #[error("it is neither a checkpoint nor an export of the audit trail: {0}")]
    Malformed(String),
    /// Its checkpoint is not one of this installation.
    #[error("{0}")]
    Checkpoint(#[from] super::CheckpointRefused),
    /// What it holds is not what its checkpoint signs.
    #[error("it was changed: line {0} does not fit to what its checkpoint signs")]
    Changed(usize),
    /// The trail was damaged already when it was exported.
    #[error("it is an export of a trail that was damaged already then, at event {0}, so it shows nothing")]
    Damaged(u64),
    /// There is no checkpoint at its end.
    #[error("it has no checkpoint at its end, so nothing in it is signed")]
    Unsigned,
}

/// Reads a witness that was kept elsewhere: a checkpoint, or an export with its checkpoint at the end. What comes back is
/// signed, by the checkpoint or through the chain that leads to it.
///
/// # Errors
/// [`WitnessRefused`].
pub fn signed_heads(
    text: &str,
    installation: &Installation,
    signing: &dyn SigningEngine,
) -> Result<Vec<AuditHead>, WitnessRefused> {
    if !text.starts_with('{') {
        return Ok(vec![verified_checkpoint(text, installation, signing)?.head]);
    }
    let malformed =
        |line: usize, what: &dyn std::fmt::Display| WitnessRefused::Malformed(format!("line {line}: {what}"));
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let (number, line) = lines.next().unwrap_or((1, ""));
    let FirstLine { after, chain } = serde_json::from_str(line).map_err(|e| malformed(number, &e))?;
    let mut last = AuditHead {
        sequence: Sequence(after),
        chain: read_chain(number, chain)?,
    };
    let mut heads: Vec<AuditHead> = Vec::new();
    let mut signed = None;
    for (number, line) in lines {
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
        last = follow(last, number, read)?;
        heads.push(last);
    }
    match (signed, heads.last()) {
        (None, _) => Err(WitnessRefused::Unsigned),
        (Some((line, head)), Some(last)) if head != *last => Err(WitnessRefused::Changed(line)),
        (Some((_, head)), None) => Ok(vec![head]),
        (Some(_), Some(_)) => Ok(heads),
    }
}

/// The head behind the event of a line, if the event is what the chain says.
fn follow(before: AuditHead, number: usize, line: ReadEventLine<'_>) -> Result<AuditHead, WitnessRefused> {
    let ReadEventLine {
        sequence,
        chain,
        event,
        damaged,
    } = line;
    let (Some(event), None) = (event, damaged) else {
        return Err(WitnessRefused::Damaged(sequence));
    };
    let bytes = event.get().as_bytes();
    let chain = read_chain(number, chain)?;
    let says = from_canonical_bytes(bytes)
        .map_err(|_| WitnessRefused::Changed(number))?
        .sequence;
    let follows = before.sequence.0.checked_add(1) == Some(sequence) && says.0 == sequence;
    match follows && before.chain.after(bytes) == chain {
        true => Ok(AuditHead {
            sequence: Sequence(sequence),
            chain,
        }),
        false => Err(WitnessRefused::Changed(number)),
    }
}

fn read_chain(number: usize, chain: Option<String>) -> Result<ChainHash, WitnessRefused> {
    let chain = chain.ok_or(WitnessRefused::Changed(number))?;
    chain.parse().map_err(|_| WitnessRefused::Changed(number))
}
