use std::sync::Arc;

use keystead_application::ports::Replace;

use super::FileShareFixture;
use super::steps::{breaks_writes, holds, place, put};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn FileShareFixture>> {
    cases![
        cleaning_up_leaves_the_files_of_others,
        cleaning_up_leaves_a_file_that_is_being_written,
        cleaning_up_takes_broken_writes_away if breaks_writes,
    ]
}

async fn cleaning_up_leaves_the_files_of_others(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    let names = [
        "keyset-0123456789abcdef.pem",
        "notes.tmp",
        ".hidden",
        "backup.part",
        "old.pem~",
        "tmp",
        ".tmp.pem",
    ];
    for name in names {
        put(&*share, &folder.join(name), name.as_bytes()).await?;
    }
    equal(share.clean_up(&path).await?, 0, "the files that were cleaned up")?;
    for name in names {
        holds(&*share, &folder.join(name), name.as_bytes()).await?;
    }
    equal(
        fixture.files_in(&folder).await,
        names.len(),
        "the files in the folder",
    )
}

async fn cleaning_up_leaves_a_file_that_is_being_written(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    let mut writer = share.create(&path, Replace::Never).await?;
    writer.write(b"first ").await?;
    equal(share.clean_up(&path).await?, 0, "the files that were cleaned up")?;
    equal(
        share.clean_up(&folder.join("another.pem")).await?,
        0,
        "the files that were cleaned up",
    )?;
    writer.write(b"second").await?;
    writer.publish().await?;
    holds(&*share, &path, b"first second").await?;
    equal(fixture.files_in(&folder).await, 1, "the files in the folder")
}

async fn cleaning_up_takes_broken_writes_away(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    put(&*share, &path, b"stays").await?;
    fixture.leave_broken_write(&folder).await;
    fixture.leave_broken_write(&folder).await;
    ensure!(
        fixture.files_in(&folder).await > 1,
        "the fixture left no broken write behind"
    );
    equal(share.clean_up(&path).await?, 2, "the files that were cleaned up")?;
    equal(fixture.files_in(&folder).await, 1, "the files in the folder")?;
    equal(
        share.clean_up(&path).await?,
        0,
        "the files that were cleaned up the second time",
    )?;
    holds(&*share, &path, b"stays").await
}
