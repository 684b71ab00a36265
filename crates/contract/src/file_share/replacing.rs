use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use keystead_application::ports::{FileShare, Replace, ShareErrorKind, SharePath, ShareWriter};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::FileShareFixture;
use super::steps::{
    comes_to_hold, content, creates_exclusively, holds, place, publishes_atomically, put, refused,
};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn FileShareFixture>> {
    cases![
        an_existing_file_stays,
        a_file_that_came_in_between_stays if creates_exclusively,
        of_many_writers_one_publishes if creates_exclusively,
        an_existing_file_is_replaced_when_allowed,
        a_file_is_replaced_in_one_step if publishes_atomically,
    ]
}

async fn an_existing_file_stays(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    put(&*share, &path, b"the old export").await?;
    let result = match share.create(&path, Replace::Never).await {
        Err(error) => Err(error),
        Ok(mut writer) => {
            writer.write(b"the new one").await?;
            writer.publish().await
        }
    };
    refused(result, &[ShareErrorKind::Exists], "a write over an existing file")?;
    holds(&*share, &path, b"the old export").await?;
    comes_to_hold(&*fixture, &folder, 1).await?;
    let early = share.create(&path, Replace::Never).await;
    refused(
        early,
        &[ShareErrorKind::Exists],
        "a write over an existing file, when it begins",
    )
}

async fn a_file_that_came_in_between_stays(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    let mut slow = share.create(&path, Replace::Never).await?;
    slow.write(b"slow").await?;
    put(&*share, &path, b"quick").await?;
    refused(
        slow.publish().await,
        &[ShareErrorKind::Exists],
        "publishing over a file that came in between",
    )?;
    holds(&*share, &path, b"quick").await?;
    comes_to_hold(&*fixture, &folder, 1).await
}

async fn of_many_writers_one_publishes(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    let mut crowd = JoinSet::new();
    let all_have_begun = Arc::new(Barrier::new(8));
    for n in 0..8_u32 {
        let (share, path, all_have_begun) = (Arc::clone(&share), path.clone(), Arc::clone(&all_have_begun));
        crowd.spawn(async move {
            let bytes = samples::bytes(n, 10_000);
            let begun = begin(&*share, &path, &bytes).await;
            all_have_begun.wait().await;
            match begun?.publish().await {
                Ok(_) => Ok(Some(bytes)),
                late => refused(late, &[ShareErrorKind::Exists], "a writer in the crowd").map(|()| None),
            }
        });
    }
    let mut published: Vec<Vec<u8>> = Vec::new();
    while let Some(ended) = crowd.join_next().await {
        let result: Result<_, Violation> = ended?;
        published.extend(result?);
    }
    equal(published.len(), 1, "the number of writers that published")?;
    holds(&*share, &path, &published[0]).await?;
    comes_to_hold(&*fixture, &folder, 1).await
}

async fn begin(
    share: &dyn FileShare,
    path: &SharePath,
    bytes: &[u8],
) -> Result<Box<dyn ShareWriter>, Violation> {
    let mut writer = share.create(path, Replace::Never).await?;
    writer.write(bytes).await?;
    Ok(writer)
}

async fn an_existing_file_is_replaced_when_allowed(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    put(&*share, &path, &samples::bytes(1, 50_000)).await?;
    let mut writer = share.create(&path, Replace::Allowed).await?;
    writer.write(b"short and new").await?;
    holds(&*share, &path, &samples::bytes(1, 50_000)).await?;
    writer.publish().await?;
    holds(&*share, &path, b"short and new").await?;
    equal(fixture.files_in(&folder).await, 1, "the files in the folder")?;

    let mut writer = share.create(&path, Replace::Allowed).await?;
    writer.write(b"given up").await?;
    drop(writer);
    holds(&*share, &path, b"short and new").await?;
    comes_to_hold(&*fixture, &folder, 1).await
}

async fn a_file_is_replaced_in_one_step(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, _, path) = place(&fixture).await;
    let versions = [vec![b'a'; 300_000], vec![b'b'; 200_000]];
    put(&*share, &path, &versions[0]).await?;
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(watch(
        Arc::clone(&share),
        path.clone(),
        versions.clone(),
        Arc::clone(&done),
    ));
    let mut outcome = Ok(());
    for version in versions.iter().cycle().take(20) {
        outcome = replace(&*share, &path, version).await;
        if outcome.is_err() {
            break;
        }
    }
    done.store(true, Ordering::SeqCst);
    reader.await??;
    outcome
}

async fn replace(share: &dyn FileShare, path: &SharePath, bytes: &[u8]) -> Verdict {
    let mut writer = share.create(path, Replace::Allowed).await?;
    writer.write(bytes).await?;
    writer.publish().await?;
    Ok(())
}

async fn watch(
    share: Arc<dyn FileShare>,
    path: SharePath,
    versions: [Vec<u8>; 2],
    done: Arc<AtomicBool>,
) -> Verdict {
    let mut seen = 0;
    while !done.load(Ordering::SeqCst) || seen == 0 {
        let found = content(&*share, &path).await?;
        ensure!(
            versions.contains(&found),
            "a reader got {} bytes that are neither version",
            found.len()
        );
        seen += 1;
    }
    Ok(())
}
