//! Files that commands read and write: a location, or standard input and output.

use keystead_application::Status;
use keystead_application::ports::{EntryKind, LocatedShare, Replace, ShareWriter};
use keystead_application::use_cases::{
    BackupError, ComparedFile, KeysetError, MAX_EXPORT_FILE, load_export_file,
};
use keystead_domain::SecretBytes;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use zeroize::Zeroizing;

use crate::Failure;
use crate::context::Context;
use crate::stdio::StdoutWriter;

/// What a command reads.
pub(crate) struct Input {
    pub(crate) bytes: Box<dyn AsyncRead + Send + Unpin>,
    /// How long it is, where that is known.
    pub(crate) length: Option<u64>,
}

impl Input {
    fn endless(bytes: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Self {
            bytes: Box::new(bytes),
            length: None,
        }
    }
}

/// Opens what a command reads.
pub(crate) async fn open_input(context: &Context<'_>, location: Option<&str>) -> Result<Input, Failure> {
    match location {
        None | Some("-") => Ok(Input::endless(in_records(tokio::io::stdin()))),
        Some(location) => {
            if let Some(device) = open_device(location).await {
                return device.map(Input::endless);
            }
            let located = context.tools().shares.locate(location).await;
            let LocatedShare { share, path } = located.map_err(BackupError::from)?;
            let bytes = share.read(&path).await.map_err(BackupError::from)?;
            Ok(Input {
                bytes,
                // A length that cannot be had is a progress bar less, and no more.
                length: share.length(&path).await.unwrap_or(None),
            })
        }
    }
}

/// Reads a device in pieces that are longer than any record of a tape: a tape drive gives a whole record or an error.
fn in_records<R: AsyncRead>(device: R) -> BufReader<R> {
    BufReader::with_capacity(RECORD, device)
}

/// Longer than the records that backup programs write, in bytes.
const RECORD: usize = 2 * 1024 * 1024;

/// A tape or a named pipe, which is read as standard input is; `None` for everything that is a file.
async fn open_device(path: &str) -> Option<Result<Box<dyn AsyncRead + Send + Unpin>, Failure>> {
    let found = tokio::fs::metadata(path).await.ok()?;
    if found.is_file() || found.is_dir() {
        return None;
    }
    match tokio::fs::File::open(path).await {
        Ok(device) => Some(Ok(Box::new(in_records(device)))),
        Err(error) => Some(Err(Failure::stdio("the input could not be opened", &error))),
    }
}

/// What a command writes.
pub(crate) struct Output {
    pub(crate) writer: Box<dyn ShareWriter>,
    /// Whether it is read back and compared when it is published.
    pub(crate) is_compared: bool,
}

/// Begins what a command writes. It appears under its name when it is published. On a share beyond a network it is read
/// back then and compared, unless somebody does not want to wait for that.
pub(crate) async fn open_output(
    context: &Context<'_>,
    location: Option<&str>,
    overwrite: bool,
    read_back: bool,
) -> Result<Output, Failure> {
    match location {
        None | Some("-") => Ok(Output {
            writer: Box::new(StdoutWriter::new().map_err(BackupError::from)?),
            is_compared: false,
        }),
        Some(location) => {
            let located = context
                .tools()
                .shares
                .locate(location)
                .await
                .map_err(BackupError::from)?;
            let found = located
                .share
                .stat(&located.path)
                .await
                .map_err(BackupError::from)?;
            if let Some(EntryKind::Other | EntryKind::Folder) = found {
                return Err(Failure::usage(
                    format!("{location} is not a file"),
                    "give the name of a file; for a device or a pipe, leave -o away and redirect standard output to it",
                ));
            }
            // A leftover that cannot be taken away is no reason not to write.
            if let Err(error) = located.share.clean_up(&located.path).await {
                tracing::warn!(%error, "temporary files of broken writes could not be removed");
            }
            let replace = if overwrite {
                Replace::Allowed
            } else {
                Replace::Never
            };
            let is_compared = read_back && !located.share.is_on_this_machine();
            let writer: Box<dyn ShareWriter> = match is_compared {
                true => {
                    let compared = ComparedFile::create(&located, replace).await;
                    Box::new(compared.map_err(BackupError::from)?)
                }
                false => {
                    let writer = located.share.create(&located.path, replace).await;
                    writer.map_err(BackupError::from)?
                }
            };
            Ok(Output { writer, is_compared })
        }
    }
}

/// Reads an export whole. What comes through a pipe, such as from a program that decrypts it, is read like standard input.
pub(crate) async fn read_export(context: &Context<'_>, location: &str) -> Result<SecretBytes, Failure> {
    let stream: Box<dyn AsyncRead + Send + Unpin> = match (location, open_device(location).await) {
        ("-", _) => Box::new(tokio::io::stdin()),
        (_, Some(device)) => device?,
        (_, None) => return Ok(load_export_file(&context.tools().shares, location).await?),
    };
    let mut file = Zeroizing::new(Vec::with_capacity(1024 * 1024));
    let read = stream.take(MAX_EXPORT_FILE + 1).read_to_end(&mut file).await;
    read.map_err(|error| Failure::stdio("the export could not be read", &error))?;
    if file.len() as u64 > MAX_EXPORT_FILE {
        return Err(KeysetError::FileTooLong(MAX_EXPORT_FILE).into());
    }
    Ok(SecretBytes::from_zeroizing(file))
}

/// Refuses what would be sent to a terminal as raw bytes.
pub(crate) fn refuse_terminal(location: Option<&str>, what: &str) -> Result<(), Failure> {
    if matches!(location, None | Some("-")) && StdoutWriter::is_terminal() {
        return Err(Failure::new(
            Status::Usage,
            format!("{what} was not written"),
            "standard output is a terminal",
            "give a file with -o OUT, or redirect standard output",
        ));
    }
    Ok(())
}
