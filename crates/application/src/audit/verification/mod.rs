mod finding;

use std::collections::{BTreeMap, BTreeSet};

use keystead_domain::{Action, AuditHead, ChainHash, Outcome, Sequence};

use super::{AuditRecord, StoredEvent, canonical_bytes, from_canonical_bytes};

pub use finding::AuditFinding;

/// A trail that somebody destroyed has one finding for each event; nobody reads more than these.
const MAX_FINDINGS: usize = 1000;
/// How many values of the chain are tried for the event behind some that were moved.
const MAX_VALUES: usize = 8;

/// What came of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerification {
    /// The number of events that were looked at.
    pub events: u64,
    /// The last of them.
    pub last: Sequence,
    /// The value of the chain after it; `None` when what is stored there is not one.
    pub chain: Option<ChainHash>,
    /// How many signed values were compared with.
    pub signed_compared: u64,
    /// The place up to which signed values agree.
    pub signed_up_to: Option<Sequence>,
    /// What is wrong, in the order of the places. Nothing, when it is empty.
    pub findings: Vec<AuditFinding>,
    /// Whether there was more than is listed.
    pub more: bool,
}

/// Goes along a trail, row by row, and notices what does not fit.
pub struct TrailChecker {
    signed: BTreeMap<Sequence, Vec<Signed>>,
    last: Sequence,
    /// The values that the chain may have before the next event. More than one after a mismatch: the stored one, and the
    /// one that would have been right, so that one wrong row does not make the next one look wrong too. None behind a gap.
    before: Vec<ChainHash>,
    last_stored: Option<ChainHash>,
    events: u64,
    signed_compared: u64,
    signed_up_to: Option<Sequence>,
    /// The records that were found to say otherwise.
    contradicting: BTreeSet<String>,
    stored_checkpoints: BTreeSet<Sequence>,
    findings: Vec<AuditFinding>,
    more: bool,
}

struct Signed {
    chain: ChainHash,
    record: String,
}

impl TrailChecker {
    /// A checker that is at the beginning of the trail.
    #[must_use]
    pub fn new() -> Self {
        Self {
            signed: BTreeMap::new(),
            last: Sequence(0),
            before: vec![ChainHash::START],
            last_stored: Some(ChainHash::START),
            events: 0,
            signed_compared: 0,
            signed_up_to: None,
            contradicting: BTreeSet::new(),
            stored_checkpoints: BTreeSet::new(),
            findings: Vec::new(),
            more: false,
        }
    }

    /// Adds a value that the installation's identity signed. `record` says where it comes from.
    pub fn expect(&mut self, head: AuditHead, record: impl Into<String>) {
        let record = record.into();
        let known = self.signed.entry(head.sequence).or_default();
        if !known.iter().any(|signed| signed.chain == head.chain) {
            known.push(Signed {
                chain: head.chain,
                record,
            });
        }
    }

    /// Takes note of a checkpoint that is stored beside the trail, good or not.
    pub fn stored_checkpoint(&mut self, at: Sequence) {
        self.stored_checkpoints.insert(at);
    }

    /// Notes something that was found elsewhere.
    pub fn note(&mut self, finding: AuditFinding) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more = true;
        }
    }

    /// Looks at the next row. Rows come in the order of the places that they name.
    pub fn look_at(&mut self, row: &StoredEvent) {
        let StoredEvent {
            sequence,
            canonical,
            chain,
            damage,
        } = row;
        self.events += 1;
        let expected = Sequence(self.last.0.saturating_add(1));
        if *sequence > expected {
            self.note(AuditFinding::Removed {
                from: expected,
                to: Sequence(sequence.0 - 1),
            });
            self.before.clear();
        } else if *sequence < expected {
            self.note(AuditFinding::Damaged {
                at: *sequence,
                why: "its place is there more than once".to_owned(),
            });
        }
        self.last = *sequence;

        let explained = self.look_at_bytes(*sequence, canonical);
        if let Some(why) = damage {
            self.note(AuditFinding::Damaged {
                at: *sequence,
                why: why.clone(),
            });
        }
        let fits = chain.is_some_and(|chain| {
            self.before.is_empty() || self.before.iter().any(|before| before.after(canonical) == chain)
        });
        if !fits && !explained {
            self.note(AuditFinding::Changed { at: *sequence });
        }
        let right = (!fits).then(|| self.before.first().map(|before| before.after(canonical)));
        let found = chain.iter().copied().chain(right.flatten());
        if explained {
            // Events that were moved carried their values with them.
            self.before.extend(found);
            let surplus = self.before.len().saturating_sub(MAX_VALUES);
            self.before.drain(..surplus);
        } else {
            self.before = found.collect();
        }
        self.last_stored = *chain;
        self.compare(*sequence, *chain);
    }

    /// Comes to the end, and compares it with the head of the trail; with `None` when there is none that can be read.
    #[must_use]
    pub fn finish(mut self, head: Option<AuditHead>) -> AuditVerification {
        let last = self.last;
        let Some(head) = head else {
            self.note(AuditFinding::HeadChanged);
            return self.concluded();
        };
        if last < head.sequence {
            self.note(AuditFinding::TailCut {
                last,
                head: head.sequence,
            });
        } else if last > head.sequence {
            self.note(AuditFinding::BehindHead {
                from: Sequence(head.sequence.0.saturating_add(1)),
                to: last,
            });
        } else if self.last_stored != Some(head.chain) {
            self.note(AuditFinding::HeadChanged);
        }
        self.concluded()
    }

    fn concluded(mut self) -> AuditVerification {
        let last = self.last;
        let beyond = self.signed.split_off(&Sequence(last.0.saturating_add(1)));
        if let Some((record_ends, signed)) = beyond.into_iter().next_back() {
            let record = signed.into_iter().next().map_or_else(String::new, |s| s.record);
            self.note(AuditFinding::CutBeforeRecord {
                last,
                record_ends,
                record,
            });
        }
        AuditVerification {
            events: self.events,
            last,
            chain: self.last_stored,
            signed_compared: self.signed_compared,
            signed_up_to: self.signed_up_to,
            findings: self.findings,
            more: self.more,
        }
    }

    /// Whether the bytes themselves say what is wrong with them.
    fn look_at_bytes(&mut self, at: Sequence, canonical: &[u8]) -> bool {
        let says = match read(canonical) {
            Ok(record) if record.sequence == at => {
                self.look_at_checkpoint(&record);
                return false;
            }
            Ok(record) => record.sequence,
            Err(why) => {
                self.note(AuditFinding::Damaged { at, why });
                return true;
            }
        };
        // A whole run that is moved by the same distance is one finding.
        if let Some(AuditFinding::OutOfPlace {
            from,
            to,
            says: first,
        }) = self.findings.last_mut()
            && to.0.checked_add(1) == Some(at.0)
            && says.0.wrapping_sub(first.0) == at.0.wrapping_sub(from.0)
        {
            *to = at;
        } else {
            self.note(AuditFinding::OutOfPlace {
                from: at,
                to: at,
                says,
            });
        }
        true
    }

    /// An event that says that the trail was signed has its checkpoint beside it.
    fn look_at_checkpoint(&mut self, record: &AuditRecord) {
        let signed = record.event.action == Action::AuditCheckpoint && record.event.outcome == Outcome::Done;
        if signed && !self.stored_checkpoints.contains(&record.sequence) {
            self.note(AuditFinding::CheckpointMissing { at: record.sequence });
        }
    }

    fn compare(&mut self, at: Sequence, chain: Option<ChainHash>) {
        let Some(signed) = self.signed.remove(&at) else {
            return;
        };
        for Signed {
            chain: expected,
            record,
        } in signed
        {
            self.signed_compared += 1;
            if chain == Some(expected) {
                self.signed_up_to = Some(at);
            } else if self.contradicting.insert(record.clone()) {
                // Behind the first event that differs, all others do.
                self.note(AuditFinding::Rewritten {
                    after: self.signed_up_to,
                    up_to: at,
                    record,
                });
            }
        }
    }
}

/// The event, if the bytes are those that this program writes for it.
fn read(canonical: &[u8]) -> Result<AuditRecord, String> {
    /// The end of what is said about bytes that somebody else may have written.
    const MOST: usize = 200;
    let record =
        from_canonical_bytes(canonical).map_err(|e| e.to_string().chars().take(MOST).collect::<String>())?;
    match canonical_bytes(record.sequence, &record.event) {
        Ok(bytes) if bytes == canonical => Ok(record),
        _ => Err("its bytes are not in the form that this program writes".to_owned()),
    }
}

impl Default for TrailChecker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
