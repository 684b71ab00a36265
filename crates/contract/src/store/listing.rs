use std::sync::Arc;

use keystead_application::ports::{KeysetCursor, Store};
use keystead_domain::Timestamp;
use keystead_domain::keyset::Keyset;

use super::StoreFixture;
use super::steps::{all_keysets, fresh, insert};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        keysets_are_listed_oldest_first_and_by_id,
        pages_join_without_gap_or_repetition,
        the_last_page_has_no_next,
        a_list_goes_on_after_a_keyset_that_is_gone,
    ]
}

/// Keysets out of order, some of them made at the same moment, one before 1970; and what the list should be.
async fn listed(store: &dyn Store) -> Result<Vec<Keyset>, Violation> {
    let same_moment = samples::at(5)?;
    let mut keysets = vec![samples::keyset(9)?];
    for n in 20..24 {
        keysets.push(samples::keyset_made_at(n, same_moment)?);
    }
    keysets.push(samples::keyset_made_at(
        30,
        "1969-07-20T20:17:40Z".parse::<Timestamp>()?,
    )?);
    keysets.push(samples::keyset(1)?);
    insert(store, &keysets).await?;
    keysets.sort_by_key(KeysetCursor::of);
    Ok(keysets)
}

async fn keysets_are_listed_oldest_first_and_by_id(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let expected = listed(&*store).await?;
    let page = store.snapshot().await?.list_keysets(None, 100).await?;
    equal(page.keysets, expected, "the list")
}

async fn pages_join_without_gap_or_repetition(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let expected = listed(&*store).await?;
    let mut snapshot = store.snapshot().await?;
    for limit in 1..=8 {
        let found = all_keysets(snapshot.as_mut(), limit).await?;
        equal(&found, &expected, &format!("the pages of {limit} together"))?;
    }
    for (i, keyset) in expected.iter().enumerate() {
        let page = snapshot.list_keysets(Some(KeysetCursor::of(keyset)), 100).await?;
        equal(
            page.keysets.as_slice(),
            &expected[i + 1..],
            "what comes after a keyset",
        )?;
    }
    Ok(())
}

async fn the_last_page_has_no_next(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let count = u32::try_from(listed(&*store).await?.len())?;
    let mut snapshot = store.snapshot().await?;
    let page = snapshot.list_keysets(None, count).await?;
    ensure!(
        page.next.is_none(),
        "a page that ends with the list has a next one"
    );
    let page = snapshot.list_keysets(None, count - 1).await?;
    ensure!(page.next.is_some(), "a page before the last one has no next one");
    let page = snapshot.list_keysets(page.next, count).await?;
    equal(page.keysets.len(), 1, "the keysets on the last page")?;
    ensure!(page.next.is_none(), "the last page has a next one");
    Ok(())
}

async fn a_list_goes_on_after_a_keyset_that_is_gone(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let expected = listed(&*store).await?;
    let gone = &expected[2];
    let mut unit = store.begin().await?;
    unit.delete_keyset(gone.id(), gone.version()).await?;
    super::steps::commit(unit, keystead_domain::Action::KeysetDelete, gone.id()).await?;
    let page = store
        .snapshot()
        .await?
        .list_keysets(Some(KeysetCursor::of(gone)), 100)
        .await?;
    equal(
        page.keysets.as_slice(),
        &expected[3..],
        "what comes after the keyset that is gone",
    )
}
