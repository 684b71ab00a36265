use std::sync::Arc;
use std::time::Duration;

use russh_sftp::client::error::Error as SftpError;
use russh_sftp::protocol::{File, FileAttributes, FileType, StatusCode};

use crate::connection::Connection;
use crate::error::{Answer, answer};
use crate::open_file::OpenFile;
use crate::share::Inner;

/// Removes the temporary files of a folder that nobody writes.
pub(crate) async fn clean_up(
    inner: &Inner,
    connection: &Arc<Connection>,
    folder: &str,
) -> Result<usize, SftpError> {
    let opened = connection.sftp.opendir(folder).await?;
    let listing = OpenFile::new(Arc::clone(connection), opened.handle);
    let mut left = Vec::new();
    loop {
        let some = match connection.sftp.readdir(&*listing.handle).await {
            Ok(some) if some.files.is_empty() => break,
            Ok(some) => some.files,
            Err(SftpError::Status(status)) if status.status_code == StatusCode::Eof => {
                break;
            }
            Err(e) => return Err(e),
        };
        let is_left = |file: &File| {
            file.attrs.file_type() == FileType::File
                && inner
                    .temporaries
                    .is_leftover(&file.filename, untouched(inner, &file.attrs))
        };
        left.extend(some.into_iter().filter(is_left).map(|file| file.filename));
    }
    listing.close().await?;
    let mut removed = 0;
    for name in left {
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        match connection.sftp.remove(path).await.map_err(|e| (answer(&e), e)) {
            Ok(_) => {
                inner.temporaries.removed(&name);
                removed += 1;
            }
            Err((Answer::LinkLost(_), e)) => return Err(e),
            // Gone already, or another user's in a folder where only owners remove.
            Err(_) => {}
        }
    }
    Ok(removed)
}

/// For how long a file was not written to, by the clock of this machine.
fn untouched(inner: &Inner, found: &FileAttributes) -> Option<Duration> {
    let written = i64::from(found.mtime?).checked_mul(1_000_000)?;
    let micros = inner.clock.now().as_micros().checked_sub(written)?;
    Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}
