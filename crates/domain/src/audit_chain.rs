//! The audit trail as a hash chain: each event is bound to all that came before it, so that nothing can be changed,
//! removed, inserted or moved without changing every value after it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::{InstallationId, Sequence, Timestamp};

/// The value of the chain after an event: it stands for that event and all before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

/// Where the audit trail ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditHead {
    /// The place of the last event; 0 when there is none.
    pub sequence: Sequence,
    /// The value of the chain after it.
    pub chain: ChainHash,
}

/// What the manager says about its audit trail at one moment. Signed, and taken off the machine, it shows later whether
/// the trail up to there is still the one that it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The installation whose trail it is.
    pub installation: InstallationId,
    /// The end of the trail at that moment.
    pub head: AuditHead,
    /// The moment.
    pub at: Timestamp,
}

/// A text that is no value of a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a value of the chain has 64 hexadecimal digits")]
pub struct InvalidChainHash;

/// A text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a checkpoint of an audit trail: {0}")]
pub struct InvalidCheckpoint(String);

impl ChainHash {
    /// The value before the first event.
    pub const START: Self = Self([0; 32]);

    /// The value after the next event, whose canonical bytes these are:
    /// SHA-256 of `keystead-audit-v1`, a zero byte, this value, and the bytes.
    #[must_use]
    pub fn after(&self, canonical: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"keystead-audit-v1\0");
        hash.update(self.0);
        hash.update(canonical);
        Self(hash.finalize().into())
    }

    /// The value with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AuditHead {
    /// The head of a trail without events.
    pub const EMPTY: Self = Self {
        sequence: Sequence(0),
        chain: ChainHash::START,
    };
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChainHash {
    type Err = InvalidChainHash;

    fn from_str(text: &str) -> Result<Self, InvalidChainHash> {
        let digits = text.as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(InvalidChainHash);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| InvalidChainHash)?;
            // It would take a sign for a digit.
            if pair.starts_with('+') {
                return Err(InvalidChainHash);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidChainHash)?;
        }
        Ok(Self(bytes))
    }
}

const FIRST_LINE: &str = "keystead audit checkpoint v1";

/// The text that is signed: five lines, each with its line feed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "installation {}", self.installation)?;
        writeln!(f, "events {}", self.head.sequence.0)?;
        writeln!(f, "chain {}", self.head.chain)?;
        writeln!(f, "at {}", self.at)
    }
}

impl FromStr for Checkpoint {
    type Err = InvalidCheckpoint;

    fn from_str(text: &str) -> Result<Self, InvalidCheckpoint> {
        let invalid = |what: &str| InvalidCheckpoint(what.to_owned());
        let mut lines = text.split('\n');
        if lines.next() != Some(FIRST_LINE) {
            return Err(invalid("it does not begin as one"));
        }
        let mut field = |name: &'static str| {
            lines
                .next()
                .and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
                .ok_or_else(|| InvalidCheckpoint(format!("the line \"{name}\" is missing")))
        };
        let checkpoint = Self {
            installation: field("installation")?
                .parse()
                .map_err(|_| invalid("the installation's id is malformed"))?,
            head: AuditHead {
                sequence: field("events")?
                    .parse()
                    .map(Sequence)
                    .map_err(|_| invalid("the number of events is malformed"))?,
                chain: field("chain")?
                    .parse()
                    .map_err(|_| invalid("the chain value is malformed"))?,
            },
            at: field("at")?
                .parse()
                .map_err(|_| invalid("the time is malformed"))?,
        };
        // One text for one checkpoint: what is signed is what was understood.
        if checkpoint.to_string() == text {
            Ok(checkpoint)
        } else {
            Err(invalid("it is not written as this program writes one"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            installation: InstallationId::from_random_bytes([7; 16]),
            head: AuditHead {
                sequence: Sequence(12),
                chain: ChainHash::START.after(b"event"),
            },
            at: Timestamp::from_micros(1_764_000_000_000_001).unwrap(),
        }
    }

    /// The expected value was made by: (printf 'keystead-audit-v1\0'; head -c 32 /dev/zero; printf event) | sha256sum
    #[test]
    fn the_chain_is_what_the_formats_say() {
        assert_eq!(
            ChainHash::START.after(b"event").to_string(),
            "e75162c24def0952b74ab499ac85e4524c81d97c69dcd2a9404cc80342e764cb"
        );
        let value = ChainHash::START.after(b"event");
        assert_eq!(value.to_string().parse::<ChainHash>().unwrap(), value);
        for wrong in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(wrong.parse::<ChainHash>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let text = checkpoint().to_string();
        assert_eq!(text.lines().count(), 5);
        assert_eq!(text.parse::<Checkpoint>().unwrap(), checkpoint());
        for changed in [
            text.replace("events 12", "events 012"),
            text.replace("events 12", "events 12 "),
            text.replace("installation", "Installation"),
            text.trim_end().to_owned(),
            format!("{text}more\n"),
            String::new(),
        ] {
            assert!(changed.parse::<Checkpoint>().is_err(), "{changed}");
        }
    }
}
