use std::sync::Arc;

use keystead_application::ports::{MasterKey, MasterKeyProvider};
use keystead_domain::MasterKeyId;

use super::{CONTEXT, MasterKeyFixture, ids, is_other, opens, refused, secret};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation};

pub(super) fn cases() -> Vec<Case<dyn MasterKeyFixture>> {
    cases![
        a_successor_is_another_key_and_is_kept,
        a_successor_does_not_disturb_the_current_key,
        the_current_key_comes_first if knows_the_current_key,
        asking_again_gives_a_successor_that_is_kept,
        each_key_opens_what_it_sealed_and_names_the_other,
        a_promoted_key_is_there_and_works,
        a_promoted_key_comes_first if knows_the_current_key,
        a_promotion_tells_where_the_replaced_key_is,
        promoting_again_changes_nothing,
        an_unknown_key_is_not_promoted,
        a_successor_at_an_empty_place_makes_it_work,
        one_succession_follows_another,
    ]
}

fn knows_the_current_key(fixture: &(dyn MasterKeyFixture + 'static)) -> Result<(), &'static str> {
    if fixture.knows_the_current_key() {
        Ok(())
    } else {
        Err("the place does not know which of its keys is the current one")
    }
}

/// The key with this id, as it is at the place now.
async fn loaded(provider: &dyn MasterKeyProvider, id: &MasterKeyId) -> Result<Arc<dyn MasterKey>, Violation> {
    let keys = provider.keys().await?;
    keys.into_iter()
        .find(|key| key.id() == id)
        .ok_or_else(|| Violation::new(format!("the key {id} is not at the place")))
}

async fn a_successor_is_another_key_and_is_kept(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let current = provider.create().await?;
    let successor = provider.create_successor().await?;
    ensure!(
        successor.id() != current.id(),
        "the successor has the id of the current key"
    );
    equal(successor.provider(), provider.name(), "the successor's provider")?;
    let mut found: Vec<_> = ids(&*provider).await?.iter().map(ToString::to_string).collect();
    let mut expected = vec![current.id().to_string(), successor.id().to_string()];
    found.sort();
    expected.sort();
    equal(found, expected, "the keys at the place")?;
    let sealed = successor.seal(&secret(32), CONTEXT).await?;
    opens(&*loaded(&*provider, successor.id()).await?, &sealed, 32).await
}

async fn a_successor_does_not_disturb_the_current_key(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let current = provider.create().await?;
    let sealed = current.seal(&secret(32), CONTEXT).await?;
    provider.create_successor().await?;
    opens(&*current, &sealed, 32).await?;
    opens(&*loaded(&*provider, current.id()).await?, &sealed, 32).await
}

async fn the_current_key_comes_first(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let current = provider.create().await?;
    provider.create_successor().await?;
    equal(
        ids(&*provider).await?.first(),
        Some(current.id()),
        "the first key while a successor is beside it",
    )
}

async fn asking_again_gives_a_successor_that_is_kept(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let current = provider.create().await?;
    let first = provider.create_successor().await?;
    let sealed = first.seal(&secret(32), CONTEXT).await?;
    let again = provider.create_successor().await?;
    ensure!(
        again.id() != current.id(),
        "the current key came as its own successor"
    );
    loaded(&*provider, again.id()).await?;
    // Something may be staged under the first one already.
    opens(&*loaded(&*provider, first.id()).await?, &sealed, 32).await
}

async fn each_key_opens_what_it_sealed_and_names_the_other(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let current = provider.create().await?;
    let successor = provider.create_successor().await?;
    let by_current = current.seal(&secret(32), CONTEXT).await?;
    let by_successor = successor.seal(&secret(32), CONTEXT).await?;
    opens(&*current, &by_current, 32).await?;
    opens(&*successor, &by_successor, 32).await?;
    is_other(&*successor, &by_current, current.id()).await?;
    is_other(&*current, &by_successor, successor.id()).await
}

async fn a_promoted_key_is_there_and_works(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    provider.create().await?;
    let successor = provider.create_successor().await?;
    let sealed = successor.seal(&secret(32), CONTEXT).await?;
    provider.promote(successor.id()).await?;
    opens(&*successor, &sealed, 32).await?;
    let promoted = loaded(&*provider, successor.id()).await?;
    opens(&*promoted, &sealed, 32).await?;
    opens(&*promoted, &promoted.seal(&secret(9), CONTEXT).await?, 9).await
}

async fn a_promoted_key_comes_first(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    provider.create().await?;
    let successor = provider.create_successor().await?;
    provider.promote(successor.id()).await?;
    equal(
        ids(&*provider).await?.first(),
        Some(successor.id()),
        "the first key after the promotion",
    )
}

async fn a_promotion_tells_where_the_replaced_key_is(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let (provider, empty) = (fixture.provider().await, fixture.provider().await);
    provider.create().await?;
    let successor = provider.create_successor().await?;
    let promotion = provider.promote(successor.id()).await?;
    ensure!(
        promotion.old_kept_at.is_some_and(|place| !place.is_empty()),
        "nobody is told where the replaced key is"
    );
    let first = empty.create_successor().await?;
    let promotion = empty.promote(first.id()).await?;
    equal(
        promotion.old_kept_at,
        None,
        "the place of a replaced key where there was none",
    )
}

async fn promoting_again_changes_nothing(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let current = provider.create().await?;
    let before = ids(&*provider).await?;
    provider.promote(current.id()).await?;
    equal(
        ids(&*provider).await?,
        before,
        "the keys after the current one was promoted",
    )?;

    let successor = provider.create_successor().await?;
    provider.promote(successor.id()).await?;
    let before = ids(&*provider).await?;
    let sealed = successor.seal(&secret(32), CONTEXT).await?;
    provider.promote(successor.id()).await?;
    equal(
        ids(&*provider).await?,
        before,
        "the keys after a second promotion",
    )?;
    opens(&*loaded(&*provider, successor.id()).await?, &sealed, 32).await
}

async fn an_unknown_key_is_not_promoted(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let (provider, elsewhere) = (fixture.provider().await, fixture.provider().await);
    let unknown = elsewhere.create().await?;
    refused(
        provider.promote(unknown.id()).await,
        |_| true,
        "promoting an unknown key at an empty place",
    )?;
    let current = provider.create().await?;
    let successor = provider.create_successor().await?;
    let before = ids(&*provider).await?;
    refused(
        provider.promote(unknown.id()).await,
        |_| true,
        "promoting an unknown key",
    )?;
    equal(
        ids(&*provider).await?,
        before,
        "the keys after a refused promotion",
    )?;
    for id in [current.id(), successor.id()] {
        loaded(&*provider, id).await?;
    }
    Ok(())
}

/// As when everything moves here from another provider.
async fn a_successor_at_an_empty_place_makes_it_work(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let successor = provider.create_successor().await?;
    let sealed = successor.seal(&secret(32), CONTEXT).await?;
    opens(&*loaded(&*provider, successor.id()).await?, &sealed, 32).await?;
    provider.promote(successor.id()).await?;
    equal(
        ids(&*provider).await?,
        vec![successor.id().clone()],
        "the keys after the promotion",
    )?;
    opens(&*loaded(&*provider, successor.id()).await?, &sealed, 32).await
}

async fn one_succession_follows_another(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let mut seen = vec![provider.create().await?.id().clone()];
    for _ in 0..3 {
        let successor = provider.create_successor().await?;
        ensure!(
            !seen.contains(successor.id()),
            "a key that was replaced came back as a successor"
        );
        provider.promote(successor.id()).await?;
        let sealed = successor.seal(&secret(32), CONTEXT).await?;
        opens(&*loaded(&*provider, successor.id()).await?, &sealed, 32).await?;
        seen.push(successor.id().clone());
    }
    Ok(())
}
