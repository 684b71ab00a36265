use std::sync::Arc;

use keystead_application::ports::{Store, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{Action, BackupServer, Reason, Removal, ServerIdentity};

use super::StoreFixture;
use super::recovery_steps::{Kept, enroll, read_server, save_server};
use super::steps::{commit, fresh, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_new_store_has_nothing_of_recoveries,
        servers_survive_the_store,
        a_change_of_a_server_survives_the_store,
        a_server_is_found_by_each_identity_that_it_ever_had,
        a_second_server_with_an_id_is_a_duplicate,
        an_identity_belongs_to_one_server,
        a_stale_save_of_a_server_is_a_conflict,
        an_identity_is_never_taken_away,
        servers_are_listed_by_id_page_by_page,
    ]
}

async fn a_new_store_has_nothing_of_recoveries(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    equal(
        Kept::by(&*store).await?,
        Kept::default(),
        "what a new store keeps",
    )?;
    let server = samples::server(1)?;
    let mut snapshot = store.snapshot().await?;
    ensure!(
        snapshot.find_server(server.id).await?.is_none(),
        "it finds a server by id"
    );
    let fingerprint = samples::identity_keys(1)?.fingerprint();
    ensure!(
        snapshot.find_server_by_identity(&fingerprint).await?.is_none(),
        "it finds a server by identity"
    );
    let request = samples::request_id(1);
    ensure!(
        snapshot.find_recovery(request).await?.is_none(),
        "it finds a request"
    );
    let count = snapshot.count_recoveries(server.id, samples::at(0)?).await?;
    equal(count, 0, "the number of requests")
}

/// A server as awkward as it can be: many identities, enrolled by clocks that went back and forth, and two at one moment.
fn awkward_server() -> Result<BackupServer, Violation> {
    let times = samples::awkward_times()?;
    let mut server = samples::server(50)?;
    for (n, moment) in (51..).zip(times.iter().chain(&times[..1])) {
        server = server.re_enrolled(samples::identity_keys(n)?, *moment)?;
    }
    Ok(BackupServer {
        version: Version(4_000_000_000),
        enrolled_at: times[0],
        ..server
    })
}

async fn servers_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut servers = vec![samples::server(1)?, awkward_server()?];
    for (n, name) in (2..).zip(samples::awkward_lines()?) {
        servers.push(BackupServer {
            name,
            ..samples::server(n)?
        });
    }
    enroll(&*store, &servers).await?;
    let mut snapshot = store.snapshot().await?;
    for server in servers {
        equal(snapshot.find_server(server.id).await?, Some(server), "the server")?;
    }
    Ok(())
}

async fn a_change_of_a_server_survives_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (first, bystander) = (samples::server(1)?, samples::server(2)?);
    enroll(&*store, &[first.clone(), bystander.clone()]).await?;

    let mut steps = vec![first.re_enrolled(samples::identity_keys(11)?, samples::at(20)?)?];
    let mut step = |next: &dyn Fn(&BackupServer) -> Result<BackupServer, Violation>| {
        let next = next(&steps[steps.len() - 1])?;
        steps.push(next);
        Ok::<(), Violation>(())
    };
    // Back to the first identity, as after a configuration backup was restored, and to a third one.
    step(&|server| Ok(server.re_enrolled(samples::identity_keys(1)?, samples::at(30)?)?))?;
    step(&|server| Ok(server.re_enrolled(samples::identity_keys(12)?, samples::at(40)?)?))?;
    step(&|server| Ok(server.removed(samples::at(50)?, None)))?;
    for reason in samples::awkward_lines::<Reason>()? {
        step(&|server| Ok(server.removed(samples::awkward_times()?[0], Some(reason.clone()))))?;
    }
    step(&|server| Ok(server.re_enrolled(samples::identity_keys(11)?, samples::at(60)?)?))?;

    let mut before = first;
    for after in steps {
        save_server(&*store, &before, &after).await?;
        equal(
            &read_server(&*store, after.id).await?,
            &after,
            "the changed server",
        )?;
        before = after;
    }
    let found = read_server(&*store, bystander.id).await?;
    equal(found, bystander, "a server that nobody changed")
}

async fn a_server_is_found_by_each_identity_that_it_ever_had(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (first, other) = (samples::server(1)?, samples::server(2)?);
    enroll(&*store, &[first.clone(), other.clone()]).await?;
    let server = first
        .re_enrolled(samples::identity_keys(11)?, samples::at(20)?)?
        .removed(samples::at(30)?, None);
    save_server(&*store, &first, &server).await?;

    let mut snapshot = store.snapshot().await?;
    for (n, expected) in [
        (1, Some(&server)),
        (11, Some(&server)),
        (2, Some(&other)),
        (12, None),
    ] {
        let fingerprint = samples::identity_keys(n)?.fingerprint();
        let found = snapshot.find_server_by_identity(&fingerprint).await?;
        equal(found.as_ref(), expected, &format!("the server with identity {n}"))?;
    }
    Ok(())
}

async fn a_second_server_with_an_id_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = samples::server(1)?;
    enroll(&*store, std::slice::from_ref(&server)).await?;
    let same_id = BackupServer {
        id: server.id,
        ..samples::server(2)?
    };
    let mut unit = store.begin().await?;
    refused(
        unit.insert_server(&same_id).await,
        StoreErrorKind::Duplicate,
        "a second server with the same id",
    )?;
    drop(unit);
    holds_exactly(&*store, &[server]).await
}

async fn an_identity_belongs_to_one_server(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let (first, other) = (samples::server(1)?, samples::server(2)?);
    enroll(&*store, &[first.clone(), other.clone()]).await?;
    let server = first.re_enrolled(samples::identity_keys(11)?, samples::at(20)?)?;
    save_server(&*store, &first, &server).await?;

    for n in [1, 11] {
        let known = samples::identity_keys(n)?;
        let third = BackupServer::enrolled(
            samples::server_id(3),
            "a third one".parse()?,
            known.clone(),
            samples::at(30)?,
        );
        let mut unit = store.begin().await?;
        refused(
            unit.insert_server(&third).await,
            StoreErrorKind::Duplicate,
            "a new server with another one's identity",
        )?;
        drop(unit);
        let taking = other.re_enrolled(known, samples::at(30)?)?;
        let mut unit = store.begin().await?;
        refused(
            unit.save_server(&taking, other.version).await,
            StoreErrorKind::Duplicate,
            "a server that takes another one's identity",
        )?;
        drop(unit);
    }
    holds_exactly(&*store, &[server, other]).await
}

async fn a_stale_save_of_a_server_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let server = samples::server(1)?;
    enroll(&*store, std::slice::from_ref(&server)).await?;
    let mine = server.re_enrolled(samples::identity_keys(11)?, samples::at(20)?)?;
    save_server(&*store, &server, &mine).await?;

    let theirs = mine.removed(samples::at(30)?, None);
    for expected in [server.version, Version(0), Version(mine.version.0 + 1)] {
        let mut unit = store.begin().await?;
        refused(
            unit.save_server(&theirs, expected).await,
            StoreErrorKind::Conflict,
            "a save on top of another version",
        )?;
        drop(unit);
    }
    let nobody = samples::server(2)?;
    let mut unit = store.begin().await?;
    refused(
        unit.save_server(&nobody, nobody.version).await,
        StoreErrorKind::Conflict,
        "a save of a server that is not there",
    )?;
    drop(unit);
    holds_exactly(&*store, &[mine]).await
}

/// A store may refuse to save a server without one of its identities; if it saves it, the identity stays.
async fn an_identity_is_never_taken_away(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let first = samples::server(1)?;
    enroll(&*store, std::slice::from_ref(&first)).await?;
    let server = first.re_enrolled(samples::identity_keys(11)?, samples::at(20)?)?;
    save_server(&*store, &first, &server).await?;

    let without = BackupServer {
        version: Version(server.version.0 + 1),
        identities: server.identities[1..].to_vec(),
        ..server.clone()
    };
    let mut unit = store.begin().await?;
    match unit.save_server(&without, server.version).await {
        Ok(()) => commit(unit, Action::ServerReEnroll, server.id).await?,
        Err(_) => drop(unit),
    }
    let found = read_server(&*store, server.id).await?;
    let fingerprints = |server: &BackupServer| -> Vec<_> {
        server
            .identities
            .iter()
            .map(ServerIdentity::fingerprint)
            .collect()
    };
    equal(fingerprints(&found), fingerprints(&server), "the identities")
}

async fn servers_are_listed_by_id_page_by_page(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut servers = vec![awkward_server()?];
    for n in 1..6 {
        servers.push(samples::server(n)?);
    }
    servers[3].removed = Some(Removal {
        at: samples::at(9)?,
        reason: None,
    });
    enroll(&*store, &servers).await?;
    servers.sort_by_key(|server| server.id);

    let mut snapshot = store.snapshot().await?;
    for limit in 1..=7_u32 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = snapshot.list_servers(after, limit).await?;
            ensure!(
                page.len() <= limit as usize,
                "a page holds more than {limit} servers"
            );
            ensure!(
                found.len() + page.len() <= servers.len(),
                "the pages of {limit} repeat servers"
            );
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            found.extend(page);
        }
        equal(&found, &servers, &format!("the pages of {limit} together"))?;
    }
    // The place that a list goes on from need not be a server's.
    let stranger = samples::server_id(77);
    let expected: Vec<_> = servers
        .into_iter()
        .filter(|server| server.id > stranger)
        .collect();
    let found = snapshot.list_servers(Some(stranger), 100).await?;
    equal(found, expected, "the servers after an id that is not there")
}

async fn holds_exactly(store: &dyn Store, expected: &[BackupServer]) -> Verdict {
    let found = store.snapshot().await?.list_servers(None, 100).await?;
    let mut expected = expected.to_vec();
    expected.sort_by_key(|server| server.id);
    equal(found, expected, "the servers of the store")
}
