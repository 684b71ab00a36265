use std::sync::Arc;

use keystead_application::ports::Store;
use keystead_domain::{Action, Actor, ActorKind, AuditEvent, Outcome, Sequence, Timestamp};

use super::StoreFixture;
use super::steps::{fresh, insert};
use super::trail::{gapless_events, rows_in_pages};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        every_event_survives_the_store,
        awkward_texts_in_events_survive_the_store,
        places_count_from_one_without_gaps,
        a_rollback_leaves_no_gap,
        audit_pages_join_without_gap_or_repetition,
    ]
}

pub(super) async fn append_all(store: &dyn Store, events: &[AuditEvent]) -> Result<Vec<Sequence>, Violation> {
    let mut places = Vec::new();
    let mut unit = store.begin().await?;
    for event in events {
        places.push(unit.append_audit(event).await?);
    }
    unit.commit().await?;
    Ok(places)
}

async fn survive(store: &dyn Store, events: &[AuditEvent]) -> Verdict {
    append_all(store, events).await?;
    let found: Vec<_> = gapless_events(store)
        .await?
        .into_iter()
        .map(|record| record.event)
        .collect();
    equal(found.len(), events.len(), "the number of audit events")?;
    for (found, expected) in found.iter().zip(events) {
        equal(found, expected, "the event")?;
    }
    Ok(())
}

async fn every_event_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let mut events = Vec::new();
    for kind in ActorKind::ALL {
        for action in Action::ALL {
            for outcome in Outcome::ALL {
                let actor = Actor {
                    kind,
                    id: "keystead".to_owned(),
                };
                let event = AuditEvent::new(samples::at(events.len() as i64)?, actor, action, outcome);
                events.push(if events.len() % 3 == 0 {
                    event
                } else {
                    event.on(samples::keyset_id(1))
                });
            }
        }
    }
    survive(&*fresh(&fixture).await, &events).await
}

async fn awkward_texts_in_events_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let long = "🔑".repeat(3_000);
    let texts = [
        "",
        " ",
        "Zoë \"quoted\" \\ 'single' %_",
        "line\nbreak\ttab\u{1}\u{7f}\u{0}",
        "מפתח",
        &long,
    ];
    let mut events = Vec::new();
    for text in texts {
        let actor = Actor {
            kind: ActorKind::OsUser,
            id: format!("user {text}"),
        };
        let event = AuditEvent::new(samples::at(1)?, actor, Action::KeysetEdit, Outcome::Failed);
        events.push(
            event
                .on(text)
                .with("reason", text)
                .with("to", text)
                .with(text, "a name"),
        );
    }
    for moment in [
        "1969-07-20T20:17:40.000001Z",
        "2046-01-01T00:00:00Z",
        "9999-12-30T22:00:00Z",
    ] {
        let at = moment.parse::<Timestamp>()?;
        events.push(AuditEvent::new(
            at,
            samples::actor(),
            Action::BackupOpen,
            Outcome::Begun,
        ));
    }
    survive(&*fresh(&fixture).await, &events).await
}

async fn places_count_from_one_without_gaps(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let event = samples::event(Action::KeysetEdit, "x")?;
    let mut places = Vec::new();
    for _ in 0..3 {
        places.extend(append_all(&*store, &[event.clone(), event.clone()]).await?);
    }
    let expected: Vec<_> = (1..=6).map(Sequence).collect();
    equal(places, expected, "the places of six events")?;
    equal(
        gapless_events(&*store).await?.len(),
        6,
        "the number of audit events",
    )
}

async fn a_rollback_leaves_no_gap(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let event = samples::event(Action::KeysetEdit, "x")?;
    for _ in 0..3 {
        append_all(&*store, std::slice::from_ref(&event)).await?;
        let mut unit = store.begin().await?;
        unit.append_audit(&event).await?;
        unit.append_audit(&event).await?;
        drop(unit);
    }
    equal(
        append_all(&*store, &[event]).await?,
        vec![Sequence(4)],
        "the place after three rollbacks",
    )?;
    equal(
        gapless_events(&*store).await?.len(),
        4,
        "the number of audit events",
    )
}

async fn audit_pages_join_without_gap_or_repetition(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    insert(&*store, &[samples::keyset(1)?]).await?;
    append_all(&*store, &vec![samples::event(Action::KeysetEdit, "x")?; 6]).await?;
    let mut snapshot = store.snapshot().await?;
    for limit in 1..=8_u32 {
        let rows = rows_in_pages(snapshot.as_mut(), limit).await?;
        let places: Vec<_> = rows.iter().map(|row| row.sequence.0).collect();
        equal(
            places,
            (1..=7).collect(),
            &format!("the places on pages of {limit}"),
        )?;
    }
    let page = snapshot.audit_rows(Some(Sequence(5)), 10).await?;
    let places: Vec<_> = page.iter().map(|row| row.sequence.0).collect();
    equal(places, vec![6, 7], "the places after the fifth")?;
    ensure!(
        snapshot.audit_rows(Some(Sequence(7)), 10).await?.is_empty(),
        "there is something behind the end"
    );
    Ok(())
}
