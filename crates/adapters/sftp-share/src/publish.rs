use std::sync::Arc;

use keystead_application::ports::{Replace, ShareCapabilities, ShareError};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{FileAttributes, OpenFlags};

use crate::connection::{Connection, posix_rename};
use crate::error::{Answer, answer};
use crate::explain::{exists, why_not_written};
use crate::open_file::OpenFile;
use crate::share::{Inner, Spot};
use crate::temporary::Temporary;

const OPERATION: &str = "put the file under its name";

/// Puts a finished and closed file under its name, and takes back promises that cannot be kept.
pub(crate) async fn put_under_name(
    inner: &Arc<Inner>,
    connection: &Arc<Connection>,
    temporary: &mut Temporary,
    spot: &Spot,
    replace: Replace,
    size: u64,
    promised: &mut ShareCapabilities,
) -> Result<(), ShareError> {
    let to = spot.path(inner, connection);
    let moved = match replace {
        Replace::Allowed => replacing(connection, &temporary.path, &to).await,
        Replace::Never => to_free_name(connection, &temporary.path, &to, promised).await,
    };
    match moved.map_err(|e| answer(&e)) {
        Ok(Moved::Renamed) => temporary.is_gone(),
        // The temporary name is one too many now.
        Ok(Moved::Linked) => temporary.remove().await,
        Err(Answer::LinkLost(why)) => {
            inner.forget(connection).await;
            if !happened(inner, temporary, &to, size).await {
                return Err(
                    why_not_written(inner, connection, OPERATION, spot, &Answer::LinkLost(why)).await,
                );
            }
            temporary.remove().await;
        }
        Err(told) => {
            let taken = replace == Replace::Never && connection.sftp.lstat(to).await.is_ok();
            if taken {
                return Err(exists(OPERATION, &spot.url));
            }
            // Not every server says of which name it speaks, or that one is missing.
            let ours = connection.sftp.lstat(temporary.path.as_str()).await;
            let told = match ours.map_err(|e| answer(&e)) {
                Err(Answer::Missing) => Answer::Missing,
                _ => told,
            };
            return Err(why_not_written(inner, connection, OPERATION, spot, &told).await);
        }
    }
    Ok(())
}

/// Makes the name last: that a file is called so is flushed with the file once it is.
pub(crate) async fn flush_name(connection: &Arc<Connection>, path: &str) -> Result<(), SftpError> {
    let opened = connection
        .sftp
        .open(path, OpenFlags::READ, FileAttributes::empty())
        .await?;
    let file = OpenFile::new(Arc::clone(connection), opened.handle);
    connection.sftp.fsync(&*file.handle).await?;
    file.close().await
}

enum Moved {
    Renamed,
    Linked,
}

async fn replacing(connection: &Connection, from: &str, to: &str) -> Result<Moved, SftpError> {
    if connection.can.replacing_rename {
        posix_rename(&connection.sftp, from, to).await?;
        return Ok(Moved::Renamed);
    }
    // A rename of the original protocol does not replace. For a moment there is no file: not without one to come.
    connection.sftp.lstat(from).await?;
    match connection.sftp.remove(to).await.map_err(|e| (answer(&e), e)) {
        Ok(_) | Err((Answer::Missing, _)) => {}
        Err((_, e)) => return Err(e),
    }
    connection.sftp.rename(from, to).await.map(|_| Moved::Renamed)
}

/// A second name for a file never replaces one, whoever took it and when.
async fn to_free_name(
    connection: &Connection,
    from: &str,
    to: &str,
    promised: &mut ShareCapabilities,
) -> Result<Moved, SftpError> {
    if connection.can.hard_link {
        let linked = connection.sftp.hardlink(from, to).await;
        let is_there = connection.sftp.lstat(to).await.is_ok();
        match linked {
            // A server that says yes to everything is not taken at its word.
            Ok(_) if is_there => return Ok(Moved::Linked),
            Err(error) if is_there || matches!(answer(&error), Answer::LinkLost(_)) => return Err(error),
            _ => {}
        }
    }
    // The file system may know no hard links. A plain rename may replace what comes between the look and it.
    promised.exclusive_create = false;
    match connection.sftp.lstat(to).await.map_err(|e| (answer(&e), e)) {
        Err((Answer::Missing, _)) => connection.sftp.rename(from, to).await.map(|_| Moved::Renamed),
        Err((_, e)) => Err(e),
        Ok(_) => Err(taken()),
    }
}

fn taken() -> SftpError {
    SftpError::Limited("the name is taken".to_owned())
}

/// Whether the file was put under its name although the answer got lost with the link.
async fn happened(inner: &Inner, temporary: &Temporary, to: &str, size: u64) -> bool {
    let Ok(connection) = inner.connection().await else {
        return false;
    };
    let sftp = &connection.sftp;
    let Ok(target) = sftp.lstat(to).await else {
        return false;
    };
    if target.attrs.size != Some(size) {
        return false;
    }
    match sftp.lstat(temporary.path.as_str()).await {
        // Only the rename takes the temporary name away.
        Err(e) => answer(&e) == Answer::Missing,
        Ok(ours) => is_same_file(&connection, (&temporary.path, &ours.attrs), (to, &target.attrs)).await,
    }
}

/// Whether two names are of one file: a time that is set on one shows on the other.
async fn is_same_file(
    connection: &Connection,
    (ours, times): (&str, &FileAttributes),
    (other, found): (&str, &FileAttributes),
) -> bool {
    let Some(changed) = found.mtime.map(|time| time ^ 1) else {
        return false;
    };
    let set = |mtime: Option<u32>| {
        let attributes = FileAttributes {
            atime: times.atime,
            mtime,
            ..FileAttributes::empty()
        };
        connection.sftp.setstat(ours, attributes)
    };
    let is_same = set(Some(changed)).await.is_ok()
        && connection
            .sftp
            .lstat(other)
            .await
            .is_ok_and(|now| now.attrs.mtime == Some(changed));
    // The time is of no importance to anybody; when it cannot be set back, it is wrong by a second.
    let _ = set(times.mtime).await;
    is_same
}
