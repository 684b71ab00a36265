use std::cmp::Reverse;
use std::sync::Arc;

use keystead_application::ports::{RecoveryCursor, Store};
use keystead_domain::{Permission, Recovery, Timestamp};

use super::StoreFixture;
use super::recovery_steps::{add_officers, enroll, receive, save_recovery};
use super::steps::fresh;
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        requests_are_listed_latest_first_page_by_page,
        requests_are_counted_by_server_from_a_moment_on,
    ]
}

/// Requests of two servers out of order, some of them received at the same moment, one before 1970, one approved; and what
/// the list should be.
async fn listed(store: &dyn Store) -> Result<Vec<Recovery>, Violation> {
    let servers = [samples::server(1)?, samples::server(2)?];
    enroll(store, &servers).await?;
    let received = |n: u32, received_at: Timestamp| -> Result<Recovery, Violation> {
        Ok(Recovery {
            received_at,
            ..samples::recovery(n, &servers[n as usize % 2])?
        })
    };
    let mut requests = vec![
        samples::recovery(9, &servers[1])?,
        received(10, "1969-07-20T20:17:40Z".parse()?)?,
    ];
    for n in 20..24 {
        requests.push(received(n, samples::at(5)?)?);
    }
    requests.push(samples::recovery(1, &servers[0])?);
    receive(store, &requests).await?;

    let officers = [samples::officer(1)?, samples::officer(2)?];
    add_officers(store, &officers).await?;
    let mut approved = requests[3].clone();
    for (n, officer) in (1..).zip(&officers) {
        approved = approved.approved(samples::approval(n, officer, Permission::default())?);
    }
    save_recovery(store, &requests[3], &approved).await?;
    requests[3] = approved;
    requests.sort_by_key(|request| Reverse(RecoveryCursor::of(request)));
    Ok(requests)
}

async fn requests_are_listed_latest_first_page_by_page(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let expected = listed(&*store).await?;
    let mut snapshot = store.snapshot().await?;
    for limit in 1..=8_u32 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = snapshot.list_recoveries(after, limit).await?;
            ensure!(
                page.len() <= limit as usize,
                "a page holds more than {limit} requests"
            );
            ensure!(
                found.len() + page.len() <= expected.len(),
                "the pages of {limit} repeat requests"
            );
            let Some(last) = page.last() else { break };
            after = Some(RecoveryCursor::of(last));
            found.extend(page);
        }
        equal(&found, &expected, &format!("the pages of {limit} together"))?;
    }
    // The place that a list goes on from need not be a request's.
    let place = RecoveryCursor {
        received_at: samples::at(5)?,
        id: samples::request_id(77),
    };
    let after: Vec<_> = expected
        .into_iter()
        .filter(|request| RecoveryCursor::of(request) < place)
        .collect();
    let found = snapshot.list_recoveries(Some(place), 100).await?;
    equal(found, after, "the requests after a place that is nobody's")
}

async fn requests_are_counted_by_server_from_a_moment_on(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let requests = listed(&*store).await?;
    let mut moments = vec![samples::at(1_000)?];
    for request in &requests {
        let micros = request.received_at.as_micros();
        for micros in [micros - 1, micros, micros + 1] {
            moments.push(Timestamp::from_micros(micros)?);
        }
    }
    moments.sort();
    moments.dedup();
    let mut snapshot = store.snapshot().await?;
    for server in [1, 2, 3].map(samples::server_id) {
        for since in &moments {
            let counted = |request: &&Recovery| request.server == server && request.received_at >= *since;
            let expected = requests.iter().filter(counted).count() as u64;
            let found = snapshot.count_recoveries(server, *since).await?;
            equal(
                found,
                expected,
                &format!("the requests of {server} since {since}"),
            )?;
        }
    }
    Ok(())
}
