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
    checker.finish(Some(head))
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
    assert_eq!((verified.events, verified.signed_compared), (9, 2));
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

#[test]
fn an_export_names_the_first_event_that_differs_and_says_it_once() {
    let (rows, head) = trail(9);
    let signed: Vec<AuditHead> = rows.iter().map(head_of).collect();
    let mut forged = rows;
    forged[4].canonical = String::from_utf8(forged[4].canonical.clone())
        .unwrap()
        .replace("ada", "eve")
        .into_bytes();
    let forged_head = forge(&mut forged);
    assert_ne!(forged_head, head);
    assert_eq!(
        check(&forged, forged_head, &signed).findings,
        [AuditFinding::Rewritten {
            after: Some(Sequence(4)),
            up_to: Sequence(5),
            record: "the record".into()
        }]
    );
}

#[test]
fn a_head_that_cannot_be_read_is_a_finding() {
    let (rows, _) = trail(2);
    let mut checker = TrailChecker::new();
    rows.iter().for_each(|row| checker.look_at(row));
    assert_eq!(checker.finish(None).findings, [AuditFinding::HeadChanged]);
}
