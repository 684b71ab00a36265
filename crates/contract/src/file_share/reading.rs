use std::sync::Arc;

use keystead_application::ports::{EntryKind, ShareErrorKind};

use super::FileShareFixture;
use super::publishing::as_file;
use super::steps::{has_folders, holds, place, put, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn FileShareFixture>> {
    cases![
        a_missing_file_is_not_found,
        a_folder_is_not_read if has_folders,
        stat_tells_files_from_folders,
        a_removed_file_is_gone,
        two_readers_do_not_disturb_each_other,
    ]
}

async fn a_missing_file_is_not_found(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    refused(
        share.read(&path).await,
        &[ShareErrorKind::NotFound],
        "reading a file that is not there",
    )?;
    equal(
        share.stat(&path).await?,
        None,
        "what is at a path where nothing is",
    )?;
    let deeper = folder.join("no such folder").join("keyset.pem");
    let kinds = [ShareErrorKind::NotFound, ShareErrorKind::NoFolder];
    refused(
        share.read(&deeper).await,
        &kinds,
        "reading in a folder that is not there",
    )?;
    equal(
        share.stat(&deeper).await?,
        None,
        "what is at a path in a folder that is not there",
    )
}

async fn a_folder_is_not_read(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, _) = place(&fixture).await;
    refused(
        share.read(&as_file(&folder)).await,
        &[ShareErrorKind::NotAFile],
        "reading a folder",
    )
}

async fn stat_tells_files_from_folders(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    equal(
        share.stat(&path).await?,
        None,
        "what is at a path where nothing is",
    )?;
    put(&*share, &path, b"x").await?;
    equal(
        share.stat(&path).await?,
        Some(EntryKind::File),
        "what is at the path of a file",
    )?;
    if fixture.knows_folders() {
        equal(
            share.stat(&as_file(&folder)).await?,
            Some(EntryKind::Folder),
            "what is at the path of a folder",
        )?;
    }
    Ok(())
}

async fn a_removed_file_is_gone(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    let other = folder.join("other");
    put(&*share, &path, b"x").await?;
    put(&*share, &other, b"stays").await?;
    share.remove(&path).await?;
    ensure!(share.stat(&path).await?.is_none(), "the file is still there");
    share.remove(&path).await?;
    holds(&*share, &other, b"stays").await?;
    equal(fixture.files_in(&folder).await, 1, "the files in the folder")?;
    put(&*share, &path, b"y").await?;
    holds(&*share, &path, b"y").await
}

async fn two_readers_do_not_disturb_each_other(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    use tokio::io::AsyncReadExt;
    let (share, _, path) = place(&fixture).await;
    let bytes = samples::bytes(3, 200_000);
    put(&*share, &path, &bytes).await?;
    let mut first = share.read(&path).await?;
    let mut beginning = vec![0; 1_000];
    first.read_exact(&mut beginning).await?;
    holds(&*share, &path, &bytes).await?;
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).await?;
    ensure!(
        beginning == bytes[..1_000] && rest == bytes[1_000..],
        "the first reader got other bytes"
    );
    Ok(())
}
