use std::sync::Arc;

use keystead_application::ports::{RecoveryDocument, Store, StoreErrorKind, UnitOfWork};
use keystead_domain::{Action, Permission, RecoveryPolicy, Removal};

use super::recovery_steps::{Kept, add_officers, enroll};
use super::steps::{commit, fresh, refused};
use super::trail::gapless_events;
use super::{FreshStore, StoreFixture};
use crate::case::{cases, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_change_of_recoveries_without_an_event_does_not_happen,
        changes_of_recoveries_are_undone_when_dropped,
        a_unit_reads_its_own_changes_of_recoveries,
        a_unit_goes_on_from_the_changes_of_the_one_before,
        a_snapshot_does_not_see_later_changes_of_recoveries,
        recoveries_are_there_after_reopening if super::reopening::reopens,
    ]
}

/// A server, an officer, and a request with its bytes.
async fn prepared(store: &dyn Store) -> Result<Kept, Violation> {
    let (server, officer) = (samples::server(1)?, samples::officer(1)?);
    enroll(store, std::slice::from_ref(&server)).await?;
    add_officers(store, std::slice::from_ref(&officer)).await?;
    let request = samples::recovery(1, &server)?;
    let document = (request.id, RecoveryDocument::Request, samples::bytes(1, 5_000));
    let mut unit = store.begin().await?;
    unit.insert_recovery(&request).await?;
    unit.keep_recovery_document(document.0, document.1, &document.2)
        .await?;
    commit(unit, Action::RecoveryReceive, request.id).await?;
    Ok(Kept {
        servers: vec![server],
        officers: vec![officer],
        policy: None,
        requests: vec![request],
        documents: vec![document],
    })
}

/// What the changes of every kind make of it.
fn changed(before: &Kept) -> Result<Kept, Violation> {
    let removal = Removal {
        at: samples::at(50)?,
        reason: Some("lost".parse()?),
    };
    let (server, officer, request) = (&before.servers[0], &before.officers[0], &before.requests[0]);
    let approval = samples::approval(1, officer, Permission::default())?;
    let mut servers = vec![
        server
            .re_enrolled(samples::identity_keys(11)?, samples::at(40)?)?
            .removed(samples::at(50)?, None),
        samples::server(2)?,
    ];
    servers.sort_by_key(|server| server.id);
    let mut documents = before.documents.clone();
    documents.push((request.id, RecoveryDocument::Response, samples::bytes(2, 6_000)));
    Ok(Kept {
        servers,
        officers: vec![officer.taken_off(removal), samples::officer(2)?],
        policy: Some(RecoveryPolicy::new(2, std::time::Duration::from_secs(86_400), 5)?),
        requests: vec![samples::recovery(2, server)?, request.approved(approval)],
        documents,
    })
}

const KINDS: usize = 8;

/// Makes one kind of change, and says what it was.
async fn change(
    unit: &mut dyn UnitOfWork,
    kind: usize,
    before: &Kept,
    after: &Kept,
) -> Result<&'static str, Violation> {
    let (server, officer, request) = (&before.servers[0], &before.officers[0], &before.requests[0]);
    Ok(match kind {
        0 => {
            for new in after.servers.iter().filter(|new| new.id != server.id) {
                unit.insert_server(new).await?;
            }
            "a new server"
        }
        1 => {
            for saved in after.servers.iter().filter(|saved| saved.id == server.id) {
                unit.save_server(saved, server.version).await?;
            }
            "a changed server"
        }
        2 => {
            unit.insert_officer(&after.officers[1]).await?;
            "a new officer"
        }
        3 => {
            unit.save_officer(&after.officers[0], officer.version).await?;
            "a changed officer"
        }
        4 => {
            if let Some(policy) = &after.policy {
                unit.set_recovery_policy(policy).await?;
            }
            "a policy"
        }
        5 => {
            unit.insert_recovery(&after.requests[0]).await?;
            "a new request"
        }
        6 => {
            unit.save_recovery(&after.requests[1], request.version).await?;
            "a changed request"
        }
        _ => {
            let (id, which, bytes) = &after.documents[1];
            unit.keep_recovery_document(*id, *which, bytes).await?;
            "a document"
        }
    })
}

async fn change_everything(unit: &mut dyn UnitOfWork, before: &Kept, after: &Kept) -> Verdict {
    for kind in 0..KINDS {
        change(unit, kind, before, after).await?;
    }
    Ok(())
}

async fn a_change_of_recoveries_without_an_event_does_not_happen(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = prepared(&*store).await?;
    let after = changed(&before)?;
    for kind in 0..KINDS {
        let mut unit = store.begin().await?;
        let what = change(unit.as_mut(), kind, &before, &after).await?;
        refused(unit.commit().await, StoreErrorKind::Unaudited, what)?;
        equal(&Kept::by(&*store).await?, &before, what)?;
    }
    let events = gapless_events(&*store).await?;
    equal(events.len(), 3, "the number of audit events")
}

async fn changes_of_recoveries_are_undone_when_dropped(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = prepared(&*store).await?;
    let after = changed(&before)?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut(), &before, &after).await?;
    unit.append_audit(&samples::event(Action::RecoveryRespond, "dropped")?)
        .await?;
    drop(unit);
    // The next unit of work comes after the end of this one, however long that takes.
    drop(store.begin().await?);
    equal(
        &Kept::by(&*store).await?,
        &before,
        "what is kept after a rollback",
    )?;
    let identity = samples::identity_keys(11)?.fingerprint();
    let found = store.snapshot().await?.find_server_by_identity(&identity).await?;
    equal(found, None, "the server with an identity that was undone")
}

async fn a_unit_reads_its_own_changes_of_recoveries(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = prepared(&*store).await?;
    let after = changed(&before)?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut(), &before, &after).await?;
    equal(
        &Kept::seen_in(&mut *unit).await?,
        &after,
        "what the unit sees of its own",
    )?;
    for server in &after.servers {
        let found = unit.find_server(server.id).await?;
        equal(found.as_ref(), Some(server), "the server that it changed")?;
        for identity in &server.identities {
            let found = unit.find_server_by_identity(&identity.fingerprint()).await?;
            equal(found.as_ref(), Some(server), "the server with an identity")?;
        }
    }
    for request in &after.requests {
        let found = unit.find_recovery(request.id).await?;
        equal(found.as_ref(), Some(request), "the request that it changed")?;
        let count = unit.count_recoveries(request.server, request.received_at).await?;
        let expected = after
            .requests
            .iter()
            .filter(|other| other.received_at >= request.received_at);
        equal(count, expected.count() as u64, "the requests that it counts")?;
    }
    equal(
        &Kept::by(&*store).await?,
        &before,
        "what others see before the commit",
    )?;
    commit(unit, Action::RecoveryRespond, "all of it").await?;
    equal(&Kept::by(&*store).await?, &after, "what is kept after the commit")
}

async fn a_unit_goes_on_from_the_changes_of_the_one_before(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = prepared(&*store).await?;
    let after = changed(&before)?;
    for kind in 0..KINDS {
        let mut unit = store.begin().await?;
        let what = change(unit.as_mut(), kind, &before, &after).await?;
        commit(unit, Action::RecoveryRespond, what).await?;
    }
    let mut unit = store.begin().await?;
    equal(
        &Kept::seen_in(&mut *unit).await?,
        &after,
        "what a unit sees of those before it",
    )?;
    drop(unit);
    equal(&Kept::by(&*store).await?, &after, "what is kept")
}

async fn a_snapshot_does_not_see_later_changes_of_recoveries(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let before = prepared(&*store).await?;
    let after = changed(&before)?;
    // The moment of a snapshot is that of its first read at the latest.
    let mut snapshot = store.snapshot().await?;
    equal(
        snapshot.officers().await?,
        before.officers.clone(),
        "the officers at the moment of the snapshot",
    )?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut(), &before, &after).await?;
    commit(unit, Action::RecoveryRespond, "later").await?;
    equal(
        &Kept::seen_in(snapshot.as_mut()).await?,
        &before,
        "what the snapshot shows",
    )?;
    drop(snapshot);
    equal(&Kept::by(&*store).await?, &after, "what a later one shows")
}

async fn recoveries_are_there_after_reopening(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let FreshStore { store, place } = fixture.store().await;
    let before = prepared(&*store).await?;
    let after = changed(&before)?;
    let mut unit = store.begin().await?;
    change_everything(unit.as_mut(), &before, &after).await?;
    commit(unit, Action::RecoveryRespond, "before it is closed").await?;
    drop(store);
    let store = fixture.reopen(&place).await;
    equal(&Kept::by(&*store).await?, &after, "what is there after reopening")
}
