use std::sync::Arc;

use keystead_application::ports::{ShareError, ShareErrorKind};

use crate::connection::Connection;
use crate::error::{Answer, answer, failed, link_lost, plainly};
use crate::inside::no_share;
use crate::share::{Inner, Spot};

/// The longest name of nearly all file systems, where the server does not tell.
const NAME_MAX: u64 = 255;
/// The flag of a file system that is mounted read-only (PROTOCOL of OpenSSH, section 4.4).
const READ_ONLY: u64 = 1;

/// Says why a file could not be written. Servers answer most failures with one code that means nothing, so the truth is
/// looked for: in the name, the file system and the folder.
pub(crate) async fn why_not_written(
    inner: &Inner,
    connection: &Arc<Connection>,
    operation: &'static str,
    spot: &Spot,
    told: &Answer,
) -> ShareError {
    if let Answer::LinkLost(why) = told {
        inner.forget(connection).await;
        return link_lost(operation, &spot.url, why);
    }
    let folder = spot.folder(inner, connection);
    let room = match connection.can.tell_room {
        true => connection.sftp.statvfs(folder.as_str()).await.ok(),
        false => None,
    };
    let longest = room.as_ref().map_or(NAME_MAX, |room| room.name_max);
    if let Some(name) = spot.names.iter().find(|name| name.len() as u64 > longest) {
        let why = format!(
            "the name is too long: it has {} bytes, and names on this share have up to {longest}",
            name.len()
        );
        return failed(ShareErrorKind::BadName, operation, &spot.url, why);
    }
    let folder_is_missing = |e| answer(&e) == Answer::Missing;
    if connection
        .sftp
        .stat(folder.as_str())
        .await
        .is_err_and(folder_is_missing)
    {
        return match spot.names.len() {
            // The folder is the top.
            0 | 1 if !inner.reach.access.address.names.is_empty() => {
                no_share(operation, &inner.reach.place())
            }
            _ => no_folder(operation, &spot.url),
        };
    }
    if let Some(room) = room {
        if room.flags & READ_ONLY != 0 {
            let why = "the file system of the server is mounted read-only";
            return failed(ShareErrorKind::ReadOnly, operation, &spot.url, why);
        }
        let free = room.blocks_avail.saturating_mul(room.fragment_size);
        let no_files_left = room.inodes > 0 && room.inodes_avail == 0;
        if !matches!(told, Answer::Denied | Answer::Missing)
            && (free < connection.can.write as u64 || no_files_left)
        {
            let why =
                format!("there is no room left on the file system of the server ({free} bytes are free)");
            return failed(ShareErrorKind::NoSpace, operation, &spot.url, why);
        }
    }
    match told {
        Answer::Missing => vanished(operation, &spot.url),
        told => plainly(operation, &spot.url, told),
    }
}

/// For a temporary file that is no longer there.
fn vanished(operation: &'static str, place: &str) -> ShareError {
    let why = "somebody removed the temporary file while it was written";
    failed(ShareErrorKind::Unavailable, operation, place, why)
        .advising("try again, and look for what removes files called .keystead-*.tmp from the folder")
}

pub(crate) fn no_folder(operation: &'static str, place: &str) -> ShareError {
    let why = "its folder does not exist";
    failed(ShareErrorKind::NoFolder, operation, place, why)
}

pub(crate) fn exists(operation: &'static str, place: &str) -> ShareError {
    failed(
        ShareErrorKind::Exists,
        operation,
        place,
        "there is a file already",
    )
}

pub(crate) fn not_a_file(operation: &'static str, place: &str) -> ShareError {
    let why = "it is a folder or a device, and a file is needed";
    failed(ShareErrorKind::NotAFile, operation, place, why)
}
