use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keystead_application::ports::FolderErrorKind;
use tokio::task::JoinSet;

use super::{ServerFolderFixture, content, holds, name, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn ServerFolderFixture>> {
    cases![
        a_lock_is_there_again_when_it_was_dropped,
        a_lock_that_is_kept_is_reported,
        one_at_a_time_has_the_lock,
        reading_needs_no_lock,
        whoever_has_the_lock_writes,
    ]
}

async fn a_lock_is_there_again_when_it_was_dropped(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    for handle in [&folder, &other, &folder, &folder] {
        drop(handle.lock().await?);
    }
    Ok(())
}

async fn a_lock_that_is_kept_is_reported(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let lock = folder.lock().await?;
    refused(
        other.lock().await,
        FolderErrorKind::Busy,
        "a lock that others keep",
    )?;
    refused(
        folder.lock().await,
        FolderErrorKind::Busy,
        "a lock that the same handle keeps",
    )?;
    drop(lock);
    drop(other.lock().await?);
    Ok(())
}

/// The tasks take turns quickly enough that none waits for long.
async fn one_at_a_time_has_the_lock(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let handles = fixture.folder().await;
    let inside = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..4_usize {
        let (folder, inside) = (Arc::clone(&handles[n % 2]), Arc::clone(&inside));
        tasks.spawn(async move {
            let mut most = 0;
            let mut turns = 0;
            while turns < 5 {
                match folder.lock().await {
                    Ok(lock) => {
                        most = most.max(inside.fetch_add(1, Ordering::SeqCst) + 1);
                        tokio::task::yield_now().await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                        turns += 1;
                    }
                    // On a busy machine somebody may wait for longer than a moment.
                    Err(error) if error.kind == FolderErrorKind::Busy => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(most)
        });
    }
    while let Some(task) = tasks.join_next().await {
        equal(task??, 1, "how many have the lock at the same time")?;
    }
    Ok(())
}

async fn reading_needs_no_lock(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let name = name("identity/current")?;
    folder.create(&name, &content(1, 100)).await?;
    let _lock = folder.lock().await?;
    holds(&*other, &name, content(1, 100).expose()).await?;
    let names = other.names("identity").await?;
    ensure!(names == [name], "the names are {names:?}");
    Ok(())
}

async fn whoever_has_the_lock_writes(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let name = name("requests/one")?;
    for (n, handle) in (1..).zip([&folder, &other]) {
        let lock = handle.lock().await?;
        handle.replace(&name, &content(n, 100)).await?;
        holds(&**handle, &name, content(n, 100).expose()).await?;
        handle.append(&name, &content(n, 1)).await?;
        handle.destroy(&name).await?;
        handle.create(&name, &content(n, 10)).await?;
        drop(lock);
    }
    holds(&*folder, &name, content(2, 10).expose()).await
}
