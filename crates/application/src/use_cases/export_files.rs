//! The files of an export: which keyset goes where, and whether what was written is what is there.

use keystead_domain::Keyset;
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use super::{ExportDestination, KeysetError};
use crate::ports::{
    EntryKind, FileShare, LocatedShare, Replace, ShareError, ShareErrorKind, SharePath, WriteReceipt,
};

/// A file, and the keysets that go into it. Without a path it goes back to the caller.
pub(super) struct PlannedFile {
    pub(super) keysets: Vec<Keyset>,
    pub(super) path: Option<SharePath>,
}

/// Decides which keyset goes into which file: into a folder, one file each; into a file, all of them.
pub(super) async fn plan_files(
    destination: &ExportDestination,
    keysets: Vec<Keyset>,
) -> Result<Vec<PlannedFile>, KeysetError> {
    if keysets.is_empty() {
        return Err(KeysetError::Destination(
            "there is no keyset to export".to_owned(),
        ));
    }
    let ExportDestination::Share { located, replace } = destination else {
        return Ok(vec![PlannedFile { keysets, path: None }]);
    };
    let LocatedShare { share, path } = located;
    let found = share.stat(path).await?;
    let files: Vec<PlannedFile> = match found {
        Some(EntryKind::Folder) => {
            let name = |keyset: &Keyset| format!("keyset-{}.pem", keyset.fingerprint().short());
            let file = |k: Keyset| PlannedFile {
                path: Some(path.join(&name(&k))),
                keysets: vec![k],
            };
            keysets.into_iter().map(file).collect()
        }
        None | Some(EntryKind::File) if !path.names_folder() => {
            vec![PlannedFile {
                keysets,
                path: Some(path.clone()),
            }]
        }
        // The share says in its own words what is wrong with it.
        None | Some(EntryKind::File | EntryKind::Other) => {
            share.create(path, *replace).await?.discard().await;
            return Err(no_place(share.as_ref(), path));
        }
    };
    // Everything that the share would refuse is found out before any private key is touched, the first file tells it for the
    // folder; the write itself looks again.
    for (number, path) in files.iter().filter_map(|file| file.path.as_ref()).enumerate() {
        if number == 0 {
            share.create(path, *replace).await?.discard().await;
        } else if *replace == Replace::Never && share.stat(path).await?.is_some() {
            // Creating refuses what is there.
            share.create(path, *replace).await?.discard().await;
        }
    }
    Ok(files)
}

/// Writes a file, reads it back and compares.
pub(super) async fn publish_and_compare(
    share: &dyn FileShare,
    path: &SharePath,
    replace: Replace,
    content: &[u8],
) -> Result<WriteReceipt, KeysetError> {
    // A leftover that cannot be taken away is no reason not to write.
    if let Err(error) = share.clean_up(path).await {
        tracing::warn!(%error, "temporary files of broken writes could not be removed");
    }
    let mut writer = share.create(path, replace).await?;
    if let Err(error) = writer.write(content).await {
        writer.discard().await;
        return Err(error.into());
    }
    let receipt = writer.publish().await?;
    let Err(why) = read_back(share, path, content).await else {
        return Ok(receipt);
    };
    // It is left alone: since it was published, somebody else may have put a file of theirs there.
    Err(KeysetError::ReadBack {
        place: receipt.place,
        why,
    })
}

/// Checks that an export could be written there, by beginning a file and discarding it.
///
/// # Errors
/// When it could not: no such folder, no permission, or a file in the way.
pub async fn check_destination(located: &LocatedShare, replace: Replace) -> Result<(), KeysetError> {
    let LocatedShare { share, path } = located;
    let probe = match share.stat(path).await? {
        Some(EntryKind::Folder) => path.join("keyset.pem"),
        None | Some(EntryKind::File | EntryKind::Other) => path.clone(),
    };
    let replace = if &probe == path { replace } else { Replace::Allowed };
    share.create(&probe, replace).await?.discard().await;
    Ok(())
}

/// Reads a file again and compares it.
///
/// # Errors
/// In words: why it is not known to be what was written.
async fn read_back(share: &dyn FileShare, path: &SharePath, content: &[u8]) -> Result<(), String> {
    let unread = |error: &dyn std::fmt::Display| format!("it could not be read back: {error}");
    let reader = share.read(path).await.map_err(|error| unread(&error))?;
    let mut back = Zeroizing::new(Vec::with_capacity(content.len() + 1));
    let mut reader = reader.take(content.len() as u64 + 1);
    reader
        .read_to_end(&mut back)
        .await
        .map_err(|error| unread(&error))?;
    match back.as_slice() == content {
        true => Ok(()),
        false => Err("what was read back is not what was written".to_owned()),
    }
}

fn no_place(share: &dyn FileShare, path: &SharePath) -> KeysetError {
    let message = "this is neither a file nor a folder";
    ShareError::new(
        ShareErrorKind::NotAFile,
        "find the place",
        share.place(path),
        message,
    )
    .into()
}
