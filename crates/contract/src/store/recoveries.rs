use std::sync::Arc;

use keystead_application::ports::{Store, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{
    Action, Approval, BackupServer, Officer, Origins, Permission, PersonName, Recovery, RecoveryState,
    Sha256Digest, Validity,
};

use super::StoreFixture;
use super::recovery_steps::{add_officers, enroll, read_recovery, receive, save_recovery};
use super::steps::{commit, fresh, refused};
use crate::case::{cases, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        requests_survive_the_store,
        approvals_survive_the_store,
        every_end_of_a_request_survives_the_store,
        a_second_request_with_an_id_is_a_duplicate,
        a_request_of_no_server_is_a_conflict,
        a_stale_save_of_a_request_is_a_conflict,
        an_approval_is_never_taken_away_or_changed,
    ]
}

async fn requests_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = enrolled(&*store).await?;
    let mut requests = vec![samples::recovery(1, &server)?];
    let (names, reasons) = (samples::awkward_lines()?, samples::awkward_lines()?);
    let times = samples::awkward_times()?;
    for (n, (asked_by, reason)) in (2..).zip(names.into_iter().zip(reasons)) {
        requests.push(Recovery {
            asked_by,
            reason: Some(reason),
            ..samples::recovery(n, &server)?
        });
    }
    for (n, pair) in (20..).zip(times.windows(2)) {
        requests.push(Recovery {
            received_at: pair[0],
            validity: Validity {
                created_at: pair[0].min(pair[1]),
                expires_at: pair[0].max(pair[1]),
            },
            files: [1, 2, 10_000][n as usize % 3],
            digest: Sha256Digest::from_bytes([if n % 2 == 0 { 0 } else { 0xff }; 32]),
            version: Version(n),
            ..samples::recovery(n, &server)?
        });
    }
    receive(&*store, &requests).await?;
    let mut snapshot = store.snapshot().await?;
    for request in requests {
        equal(
            snapshot.find_recovery(request.id).await?,
            Some(request),
            "the request",
        )?;
    }
    Ok(())
}

async fn approvals_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = enrolled(&*store).await?;
    let officers = some_officers(&*store).await?;
    let mut request = samples::recovery(1, &server)?;
    let bystander = samples::recovery(2, &server)?;
    receive(&*store, &[request.clone(), bystander.clone()]).await?;
    let times = samples::awkward_times()?;
    let names: Vec<PersonName> = samples::awkward_lines()?;
    let permissions = Origins::ALL.into_iter().flat_map(|origins| {
        [false, true].map(|retired_identity| Permission {
            origins,
            retired_identity,
        })
    });
    for (n, permission) in permissions.enumerate() {
        // In no order of time, of names or of ids: the order is the one in which they came.
        let approval = Approval {
            name: names[n].clone(),
            given_at: times[n / 2],
            signature: samples::bytes(7, 700 * n),
            ..samples::approval(1, &officers[n], permission)?
        };
        let approved = request.approved(approval);
        save_recovery(&*store, &request, &approved).await?;
        equal(
            &read_recovery(&*store, approved.id).await?,
            &approved,
            "the approved request",
        )?;
        request = approved;
    }
    // One officer's approval of another request is another approval.
    let approval = samples::approval(2, &officers[0], Permission::default())?;
    let also_approved = bystander.approved(approval);
    save_recovery(&*store, &bystander, &also_approved).await?;
    let found = store.snapshot().await?.list_recoveries(None, 10).await?;
    equal(found, vec![also_approved, request], "both requests")
}

async fn every_end_of_a_request_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = enrolled(&*store).await?;
    let times = samples::awkward_times()?;
    let mut ends = Vec::new();
    for (at, (by, reason)) in times.iter().zip(
        samples::awkward_lines()?
            .into_iter()
            .zip(samples::awkward_lines()?),
    ) {
        ends.push(RecoveryState::Denied { at: *at, by, reason });
    }
    for (n, pair) in times.windows(2).enumerate() {
        ends.push(RecoveryState::Answered {
            at: pair[0].min(pair[1]),
            until: pair[0].max(pair[1]),
            opened: [0, 1, 9][n % 3],
        });
    }
    let mut waiting = Vec::new();
    for (n, _) in (1..).zip(&ends) {
        waiting.push(samples::recovery(n + 9, &server)?);
    }
    receive(&*store, &waiting).await?;
    let mut unit = store.begin().await?;
    let mut ended = Vec::new();
    for (request, state) in waiting.into_iter().zip(ends) {
        let version = Version(2);
        let expected = request.version;
        let end = Recovery {
            version,
            state,
            ..request
        };
        unit.save_recovery(&end, expected).await?;
        ended.push(end);
    }
    commit(unit, Action::RecoveryRespond, "sample requests").await?;
    let mut snapshot = store.snapshot().await?;
    for end in ended {
        let found = snapshot.find_recovery(end.id).await?;
        equal(found, Some(end), "the request at its end")?;
    }
    Ok(())
}

async fn a_second_request_with_an_id_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = enrolled(&*store).await?;
    let other = samples::server(2)?;
    enroll(&*store, std::slice::from_ref(&other)).await?;
    let request = samples::recovery(1, &server)?;
    receive(&*store, std::slice::from_ref(&request)).await?;
    let same_id = Recovery {
        id: request.id,
        ..samples::recovery(2, &other)?
    };
    for again in [&request, &same_id] {
        let mut unit = store.begin().await?;
        refused(
            unit.insert_recovery(again).await,
            StoreErrorKind::Duplicate,
            "a second request with the same id",
        )?;
        drop(unit);
    }
    holds_exactly(&*store, &[request]).await
}

async fn a_request_of_no_server_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let request = samples::recovery(1, &samples::server(1)?)?;
    let mut unit = store.begin().await?;
    refused(
        unit.insert_recovery(&request).await,
        StoreErrorKind::Conflict,
        "a request of a server that is not there",
    )?;
    drop(unit);
    holds_exactly(&*store, &[]).await
}

async fn a_stale_save_of_a_request_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = enrolled(&*store).await?;
    let officers = some_officers(&*store).await?;
    let request = samples::recovery(1, &server)?;
    receive(&*store, std::slice::from_ref(&request)).await?;
    let approved = |request: &Recovery, n: u32| -> Result<Recovery, Violation> {
        let approval = samples::approval(n, &officers[n as usize], Permission::default())?;
        Ok(request.approved(approval))
    };
    let mine = approved(&request, 1)?;
    save_recovery(&*store, &request, &mine).await?;

    let theirs = approved(&mine, 2)?;
    for expected in [request.version, Version(0), Version(mine.version.0 + 1)] {
        let mut unit = store.begin().await?;
        refused(
            unit.save_recovery(&theirs, expected).await,
            StoreErrorKind::Conflict,
            "a save on top of another version",
        )?;
        drop(unit);
    }
    let nobody = samples::recovery(2, &server)?;
    let mut unit = store.begin().await?;
    refused(
        unit.save_recovery(&nobody, nobody.version).await,
        StoreErrorKind::Conflict,
        "a save of a request that is not there",
    )?;
    drop(unit);
    holds_exactly(&*store, &[mine]).await
}

/// A store may refuse to save a request whose approvals are not those that it has and new ones; if it saves it, they stay as
/// they were.
async fn an_approval_is_never_taken_away_or_changed(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = enrolled(&*store).await?;
    let officers = some_officers(&*store).await?;
    let request = samples::recovery(1, &server)?;
    receive(&*store, std::slice::from_ref(&request)).await?;
    let mut approved = request.clone();
    for n in [1, 2] {
        let approval = samples::approval(n, &officers[n as usize], Permission::default())?;
        approved = approved.approved(approval);
    }
    save_recovery(&*store, &request, &approved).await?;

    let mut widened = approved.approvals.clone();
    widened[0].permission.origins = Origins::Any;
    for approvals in [approved.approvals[1..].to_vec(), widened] {
        let before = read_recovery(&*store, request.id).await?;
        let after = Recovery {
            version: Version(before.version.0 + 1),
            approvals,
            ..before.clone()
        };
        let mut unit = store.begin().await?;
        match unit.save_recovery(&after, before.version).await {
            Ok(()) => commit(unit, Action::RecoveryApprove, after.id).await?,
            Err(_) => drop(unit),
        }
        let found = read_recovery(&*store, request.id).await?;
        equal(&found.approvals, &approved.approvals, "the approvals")?;
    }
    Ok(())
}

async fn enrolled(store: &dyn Store) -> Result<BackupServer, Violation> {
    let server = samples::server(1)?;
    enroll(store, std::slice::from_ref(&server)).await?;
    Ok(server)
}

async fn some_officers(store: &dyn Store) -> Result<Vec<Officer>, Violation> {
    let officers: Vec<Officer> = (1..7).map(samples::officer).collect::<Result<_, _>>()?;
    add_officers(store, &officers).await?;
    Ok(officers)
}

async fn holds_exactly(store: &dyn Store, expected: &[Recovery]) -> Verdict {
    let found = store.snapshot().await?.list_recoveries(None, 10).await?;
    equal(found.as_slice(), expected, "the requests of the store")
}
