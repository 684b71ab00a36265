use std::sync::Arc;

use keystead_application::ports::MasterKeyError;

use super::{CONTEXT, MasterKeyFixture, ids, opens, refused, secret};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation};

pub(super) fn cases() -> Vec<Case<dyn MasterKeyFixture>> {
    cases![
        there_is_no_key_before_one_is_made,
        a_key_is_made_once,
        of_many_that_make_a_key_one_does,
        a_loaded_key_is_the_one_that_was_made,
    ]
}

async fn there_is_no_key_before_one_is_made(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    for _ in 0..2 {
        ensure!(
            provider.keys().await?.is_empty(),
            "there is a key already, or looking for one made one"
        );
    }
    ensure!(!provider.place().is_empty(), "the place has no name");
    ensure!(!provider.name().is_empty(), "the provider has no name");
    let care = provider.safekeeping();
    ensure!(
        !care.is_empty() && !care.ends_with('.') && !care.contains('\n'),
        "what has to be kept safe is not told in one sentence without a full stop"
    );
    Ok(())
}

async fn a_key_is_made_once(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let first = provider.create().await?;
    refused(
        provider.create().await,
        |e| matches!(e, MasterKeyError::Exists(_)),
        "making a second key",
    )?;
    equal(
        ids(&*provider).await?,
        vec![first.id().clone()],
        "the keys after a second one was refused",
    )
}

async fn of_many_that_make_a_key_one_does(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let provider = Arc::clone(&provider);
        crowd.spawn(async move { provider.create().await });
    }
    let mut made = Vec::new();
    while let Some(ended) = crowd.join_next().await {
        match ended? {
            Ok(key) => made.push(key),
            Err(MasterKeyError::Exists(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    equal(made.len(), 1, "the number of keys that were made at once")?;
    equal(
        ids(&*provider).await?,
        vec![made[0].id().clone()],
        "the keys that are there in the end",
    )
}

async fn a_loaded_key_is_the_one_that_was_made(fixture: Arc<dyn MasterKeyFixture>) -> Verdict {
    let provider = fixture.provider().await;
    let made = provider.create().await?;
    let sealed = made.seal(&secret(32), CONTEXT).await?;
    let keys = provider.keys().await?;
    equal(keys.len(), 1, "the number of keys after one was made")?;
    let Some(loaded) = keys.first() else {
        return Err(Violation::new("there is no key after one was made"));
    };
    equal(loaded.id(), made.id(), "the id of the loaded key")?;
    equal(
        loaded.provider(),
        provider.name(),
        "the provider's name, as its key says it",
    )?;
    equal(
        loaded.provider(),
        made.provider(),
        "the provider of the loaded key",
    )?;
    opens(&**loaded, &sealed, 32).await?;
    opens(&*made, &loaded.seal(&secret(32), CONTEXT).await?, 32).await
}
