use std::collections::BTreeMap;
use std::fmt;

use keystead_domain::{AuditHead, ChainHash, Sequence};

use super::{StoredEvent, from_canonical_bytes};

/// A trail that somebody destroyed has one finding for each event; nobody reads more than these.
const MAX_FINDINGS: usize = 1000;
/// How many values of the chain are tried for the event behind some that were moved.
const MAX_VALUES: usize = 8;

/// Something in the audit trail that is not as it was written. Places are inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditFinding {
    /// The event's bytes, or its value of the chain, are not those that were written.
    Changed {
        /// Its place.
        at: Sequence,
    },
    /// What is stored is no event of this program, or contradicts itself.
    Damaged {
        /// Its place.
        at: Sequence,
        /// What is wrong with it.
        why: String,
    },
    /// Events that are not there.
    Removed {
        /// The first.
        from: Sequence,
        /// The last.
        to: Sequence,
    },
    /// Events that stand in places that are not theirs.
    OutOfPlace {
        /// The place of the first.
        from: Sequence,
        /// The place of the last.
        to: Sequence,
        /// The place that the first one names.
        says: Sequence,
    },
    /// The head of the trail names more events than there are.
    TailCut {
        /// The last event.
        last: Sequence,
        /// The last event that the head names.
        head: Sequence,
    },
    /// Events behind the end that the head of the trail names.
    BehindHead {
        /// The first.
        from: Sequence,
        /// The last.
        to: Sequence,
    },
    /// The head of the trail has another value of the chain than its last event.
    HeadChanged,
    /// A signed record says otherwise: the trail was written anew, consistently, after it was signed.
    Rewritten {
        /// The last place at which a signed record agrees, if any does.
        after: Option<Sequence>,
        /// The place at which it does not.
        up_to: Sequence,
        /// Which record.
        record: String,
    },
    /// A signed record covers events that are not there: the tail was cut, and the head changed to match.
    CutBeforeRecord {
        /// The last event.
        last: Sequence,
        /// The last event that the record covers.
        record_ends: Sequence,
        /// Which record.
        record: String,
    },
    /// A stored checkpoint is not what the installation's identity signed.
    CheckpointRefused {
        /// The place that it is stored for.
        at: Sequence,
        /// Why.
        why: String,
    },
}

/// What came of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditVerification {
    /// The number of events that were looked at.
    pub events: u64,
    /// The end of the trail.
    pub head: AuditHead,
    /// How many signed values were compared with.
    pub records_compared: u64,
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
    records_compared: u64,
    signed_up_to: Option<Sequence>,
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
            records_compared: 0,
            signed_up_to: None,
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
        if sequence.0 > self.last.0 + 1 {
            self.note(AuditFinding::Removed {
                from: Sequence(self.last.0 + 1),
                to: Sequence(sequence.0 - 1),
            });
            self.before.clear();
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

    /// Comes to the end, and compares it with the head of the trail.
    #[must_use]
    pub fn finish(mut self, head: AuditHead) -> AuditVerification {
        let last = self.last;
        if last < head.sequence {
            self.note(AuditFinding::TailCut {
                last,
                head: head.sequence,
            });
        } else if last > head.sequence {
            self.note(AuditFinding::BehindHead {
                from: Sequence(head.sequence.0 + 1),
                to: last,
            });
        } else if self.last_stored != Some(head.chain) {
            self.note(AuditFinding::HeadChanged);
        }
        let beyond = self.signed.split_off(&Sequence(last.0 + 1));
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
            head,
            records_compared: self.records_compared,
            signed_up_to: self.signed_up_to,
            findings: self.findings,
            more: self.more,
        }
    }

    /// Whether the bytes themselves say what is wrong with them.
    fn look_at_bytes(&mut self, at: Sequence, canonical: &[u8]) -> bool {
        let says = match from_canonical_bytes(canonical) {
            Ok(record) if record.sequence == at => return false,
            Ok(record) => record.sequence,
            Err(error) => {
                let why = error.to_string();
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
            && to.0 + 1 == at.0
            && says.0.wrapping_sub(first.0) == at.0 - from.0
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

    fn compare(&mut self, at: Sequence, chain: Option<ChainHash>) {
        let Some(signed) = self.signed.remove(&at) else {
            return;
        };
        for Signed {
            chain: expected,
            record,
        } in signed
        {
            self.records_compared += 1;
            if chain == Some(expected) {
                self.signed_up_to = Some(at);
            } else {
                self.note(AuditFinding::Rewritten {
                    after: self.signed_up_to,
                    up_to: at,
                    record,
                });
            }
        }
    }
}

impl Default for TrailChecker {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for AuditFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = |from: &Sequence, to: &Sequence| match from == to {
            true => format!("event {}", from.0),
            false => format!("events {} to {}", from.0, to.0),
        };
        match self {
            Self::Changed { at } => write!(f, "event {} was changed", at.0),
            Self::Damaged { at, why } => write!(f, "event {} was changed: {why}", at.0),
            Self::Removed { from, to } => write!(f, "removed: {}", events(from, to)),
            Self::OutOfPlace { from, to, says } if says < from => write!(
                f,
                "an event was inserted or moved: {} belong {} further ahead",
                events(from, to),
                places(from.0 - says.0)
            ),
            Self::OutOfPlace { from, to, says } => write!(
                f,
                "an event was removed or moved: {} belong {} further back",
                events(from, to),
                places(says.0 - from.0)
            ),
            Self::TailCut { last, head } => write!(
                f,
                "the tail is cut: the trail ends with event {}, its head names {}",
                last.0, head.0
            ),
            Self::BehindHead { from, to } => {
                write!(f, "inserted behind the end of the trail: {}", events(from, to))
            }
            Self::HeadChanged => write!(f, "the head of the trail was changed, or its last event was"),
            Self::Rewritten { after, up_to, record } => write!(
                f,
                "the trail was written anew: between event {} and event {} it is not what {record} says",
                after.map_or(1, |after| after.0 + 1),
                up_to.0
            ),
            Self::CutBeforeRecord {
                last,
                record_ends,
                record,
            } => write!(
                f,
                "the tail is cut: the trail ends with event {}, {record} knows {}",
                last.0, record_ends.0
            ),
            Self::CheckpointRefused { at, why } => {
                write!(f, "the stored checkpoint of event {} was changed: {why}", at.0)
            }
        }
    }
}

fn places(distance: u64) -> String {
    match distance {
        1 => "one place".to_owned(),
        more => format!("{more} places"),
    }
}

#[cfg(test)]
mod tests {
    use keystead_domain::{Action, Actor, ActorKind, AuditEvent, Outcome, Timestamp};

    use super::*;
    use crate::audit::chained;

    fn trail(len: u64) -> (Vec<StoredEvent>, AuditHead) {
        let mut head = AuditHead::EMPTY;
        let rows = (0..len)
            .map(|n| {
                let actor = Actor {
                    kind: ActorKind::OsUser,
                    id: "ada".into(),
                };
                let at = Timestamp::from_micros(1_764_000_000_000_000 + n as i64).unwrap();
                let event = AuditEvent::new(at, actor, Action::KeysetEdit, Outcome::Done);
                let row = chained(head, &event).unwrap();
                head = AuditHead {
                    sequence: row.sequence,
                    chain: row.chain.unwrap(),
                };
                row
            })
            .collect();
        (rows, head)
    }

    fn check(rows: &[StoredEvent], head: AuditHead, signed: &[AuditHead]) -> AuditVerification {
        let mut checker = TrailChecker::new();
        for head in signed {
            checker.expect(*head, "the record");
        }
        rows.iter().for_each(|row| checker.look_at(row));
        checker.finish(head)
    }

    fn head_of(row: &StoredEvent) -> AuditHead {
        AuditHead {
            sequence: row.sequence,
            chain: row.chain.unwrap(),
        }
    }

    /// The chain made anew over changed rows, as somebody does who can write to the database and knows how.
    fn forge(rows: &mut [StoredEvent]) -> AuditHead {
        let mut head = AuditHead::EMPTY;
        for row in rows {
            row.chain = Some(head.chain.after(&row.canonical));
            head = head_of(row);
        }
        head
    }

    #[test]
    fn a_whole_trail_has_no_findings() {
        let (rows, head) = trail(9);
        let verified = check(&rows, head, &[head_of(&rows[4]), head]);
        assert_eq!((verified.events, verified.records_compared), (9, 2));
        assert_eq!(verified.signed_up_to, Some(Sequence(9)));
        assert_eq!(verified.findings, []);
        assert_eq!(check(&[], AuditHead::EMPTY, &[]).findings, []);
    }

    #[test]
    fn each_change_is_named_and_nothing_else() {
        let changed = |change: fn(&mut Vec<StoredEvent>)| {
            let (mut rows, head) = trail(9);
            change(&mut rows);
            check(&rows, head, &[]).findings
        };
        let at = Sequence;
        assert_eq!(
            changed(|rows| {
                let text = String::from_utf8(rows[4].canonical.clone()).unwrap();
                rows[4].canonical = text.replace("ada", "eve").into_bytes();
            }),
            [AuditFinding::Changed { at: at(5) }]
        );
        assert_eq!(
            changed(|rows| rows[4].chain = Some(ChainHash::START)),
            [AuditFinding::Changed { at: at(5) }]
        );
        assert_eq!(
            changed(|rows| rows[4].chain = None),
            [AuditFinding::Changed { at: at(5) }]
        );
        assert!(matches!(
            changed(|rows| rows[4].canonical.truncate(9)).as_slice(),
            [AuditFinding::Damaged { at: Sequence(5), .. }]
        ));
        assert_eq!(
            changed(|rows| drop(rows.drain(3..5))),
            [AuditFinding::Removed {
                from: at(4),
                to: at(5)
            }]
        );
        assert_eq!(
            changed(|rows| rows.truncate(7)),
            [AuditFinding::TailCut {
                last: at(7),
                head: at(9)
            }]
        );
        // Two that changed places.
        assert_eq!(
            changed(|rows| {
                rows.swap(3, 4);
                (rows[3].sequence, rows[4].sequence) = (Sequence(4), Sequence(5));
            }),
            [
                AuditFinding::OutOfPlace {
                    from: at(4),
                    to: at(4),
                    says: at(5)
                },
                AuditFinding::OutOfPlace {
                    from: at(5),
                    to: at(5),
                    says: at(4)
                }
            ]
        );
        // One that was inserted, and those behind it renumbered.
        let inserted = changed(|rows| {
            let copy = rows[4].clone();
            rows.insert(4, copy);
            rows[5..].iter_mut().for_each(|row| row.sequence.0 += 1);
        });
        assert_eq!(
            inserted,
            [
                AuditFinding::OutOfPlace {
                    from: at(6),
                    to: at(10),
                    says: at(5)
                },
                AuditFinding::BehindHead {
                    from: at(10),
                    to: at(10)
                }
            ]
        );
        assert!(
            inserted[0]
                .to_string()
                .contains("events 6 to 10 belong one place further ahead")
        );
    }

    #[test]
    fn a_forged_trail_is_found_by_what_was_signed() {
        let (rows, head) = trail(9);
        let signed = [head_of(&rows[2]), head_of(&rows[6])];
        let mut forged = rows.clone();
        forged[4].canonical = String::from_utf8(forged[4].canonical.clone())
            .unwrap()
            .replace("ada", "eve")
            .into_bytes();
        let forged_head = forge(&mut forged);
        assert_eq!(
            check(&forged, forged_head, &[]).findings,
            [],
            "nothing else shows it"
        );
        assert_eq!(
            check(&forged, forged_head, &signed).findings,
            [AuditFinding::Rewritten {
                after: Some(Sequence(3)),
                up_to: Sequence(7),
                record: "the record".into()
            }]
        );
        let cut = &rows[..5];
        assert_eq!(
            check(cut, head_of(&cut[4]), &signed).findings,
            [AuditFinding::CutBeforeRecord {
                last: Sequence(5),
                record_ends: Sequence(7),
                record: "the record".into()
            }]
        );
        assert_eq!(
            check(
                &rows,
                AuditHead {
                    chain: ChainHash::START,
                    ..head
                },
                &signed
            )
            .findings,
            [AuditFinding::HeadChanged]
        );
    }

    #[test]
    fn findings_are_bounded() {
        let (mut rows, head) = trail(MAX_FINDINGS as u64 + 20);
        rows.iter_mut().for_each(|row| row.canonical.clear());
        let verified = check(&rows, head, &[]);
        assert_eq!(verified.findings.len(), MAX_FINDINGS);
        assert!(verified.more);
    }
}
