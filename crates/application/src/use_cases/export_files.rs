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
        None => return Err(no_folder(path)),
        Some(EntryKind::File | EntryKind::Other) => return Err(no_place(path)),
    };
    // Looked at before any private key is touched; the write itself looks again.
    if *replace == Replace::Never {
        for path in files.iter().filter_map(|file| file.path.as_ref()) {
            if share.stat(path).await?.is_some() {
                let message = "there is a file already";
                return Err(ShareError::new(
                    ShareErrorKind::Exists,
                    "write the export",
                    path.as_str(),
                    message,
                )
                .into());
            }
        }
    }
    Ok(files)
}

/// Writes a file and reads it back. What is there and is not what was written is taken away, if the name was free.
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
    let consequence = match replace {
        // The name was free before, so nothing of anybody's is lost by taking the bad file away.
        Replace::Never if share.remove(path).await.is_ok() => {
            "the bad file was removed; use another disk or share"
        }
        Replace::Never | Replace::Allowed => "do not rely on that file; use another disk or share",
    };
    Err(KeysetError::ReadBack {
        place: receipt.place,
        why,
        consequence,
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
        None if path.names_folder() => return Err(no_folder(path)),
        Some(EntryKind::Other) => return Err(no_place(path)),
        None | Some(EntryKind::File) => path.clone(),
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

fn no_folder(path: &SharePath) -> KeysetError {
    let message = "the folder does not exist";
    ShareError::new(
        ShareErrorKind::NoFolder,
        "find the folder",
        path.as_str(),
        message,
    )
    .into()
}

fn no_place(path: &SharePath) -> KeysetError {
    let message = "this is neither a file nor a folder";
    ShareError::new(ShareErrorKind::NotAFile, "find the place", path.as_str(), message).into()
}
