use std::sync::Arc;
use std::time::Duration;

use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{File, FileType, OpenFlags, StatusCode};

use crate::connection::Connection;
use crate::error::{Answer, answer};
use crate::open_file::OpenFile;
use crate::share::Inner;
use crate::temporary::Temporary;
use crate::writer::owner_only;

/// Removes the temporary files of a folder that nobody writes.
pub(crate) async fn clean_up(
    inner: &Arc<Inner>,
    connection: &Arc<Connection>,
    folder: &str,
) -> Result<usize, SftpError> {
    let temporaries = &inner.temporaries;
    let is_left = |name: &str, untouched| temporaries.is_leftover(name, untouched);
    // Those that may be left, should they be old.
    let found = files(connection, folder, |name| is_left(name, Some(Duration::MAX))).await?;
    let (mut left, doubtful): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|file| is_left(&file.filename, None));
    if !doubtful.is_empty()
        && let Some(now) = now(inner, connection, folder).await?
    {
        let is_old = |file: &File| is_left(&file.filename, untouched(file, now));
        left.extend(doubtful.into_iter().filter(is_old));
    }
    let mut removed = 0;
    for file in left {
        let path = format!("{}/{}", folder.trim_end_matches('/'), file.filename);
        match connection.sftp.remove(path).await.map_err(|e| (answer(&e), e)) {
            Ok(_) => {
                temporaries.removed(&file.filename);
                removed += 1;
            }
            Err((Answer::LinkLost(_), e)) => return Err(e),
            // Gone already, or another user's in a folder where only owners remove.
            Err(_) => {}
        }
    }
    Ok(removed)
}

/// The files of a folder with names that are looked for.
async fn files(
    connection: &Arc<Connection>,
    folder: &str,
    is_looked_for: impl Fn(&str) -> bool,
) -> Result<Vec<File>, SftpError> {
    let opened = connection.sftp.opendir(folder).await?;
    let listing = OpenFile::new(Arc::clone(connection), opened.handle);
    let mut found = Vec::new();
    loop {
        let some = match connection.sftp.readdir(&*listing.handle).await {
            Ok(some) if some.files.is_empty() => break,
            Ok(some) => some.files,
            Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => break,
            Err(e) => return Err(e),
        };
        let some = some.into_iter();
        found.extend(
            some.filter(|file| file.attrs.file_type() == FileType::File && is_looked_for(&file.filename)),
        );
    }
    listing.close().await?;
    Ok(found)
}

/// What the clock shows that the times of files in a folder come from, in seconds: the time of a file that is made now. It
/// may be far from the clock of this machine. `None` where no file can be made.
async fn now(
    inner: &Arc<Inner>,
    connection: &Arc<Connection>,
    folder: &str,
) -> Result<Option<u32>, SftpError> {
    let Ok(name) = inner.temporaries.name() else {
        return Ok(None);
    };
    let mut temporary = Temporary::new(Arc::clone(inner), folder, name);
    let time = time_of_new(connection, &temporary).await;
    match time.map_err(|e| (answer(&e), e)) {
        Ok(time) => {
            temporary.remove().await;
            Ok(time)
        }
        Err((Answer::LinkLost(_), e)) => {
            // It may have come to be.
            inner.forget(connection).await;
            temporary.remove().await;
            Err(e)
        }
        Err(_) => {
            temporary.remove().await;
            Ok(None)
        }
    }
}

async fn time_of_new(connection: &Arc<Connection>, temporary: &Temporary) -> Result<Option<u32>, SftpError> {
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
    let path = temporary.path.as_str();
    let opened = connection.sftp.open(path, flags, owner_only()).await?;
    // Servers that pass files on to another service make it when it is closed.
    OpenFile::new(Arc::clone(connection), opened.handle)
        .close()
        .await?;
    Ok(connection.sftp.lstat(path).await?.attrs.mtime)
}

/// For how long a file was not written to.
fn untouched(file: &File, now: u32) -> Option<Duration> {
    let seconds = now.saturating_sub(file.attrs.mtime?);
    Some(Duration::from_secs(u64::from(seconds)))
}
