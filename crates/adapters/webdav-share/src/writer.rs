use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{
    RandomnessError, Replace, ShareCapabilities, ShareError, ShareErrorKind, ShareWriter, Temporaries,
    WriteReceipt,
};
use keystead_domain::make_room;
use keystead_https::secret_body;
use reqwest::{Body, StatusCode};
use zeroize::Zeroizing;

use crate::client::{Client, Marks, Target};
use crate::error::Step;
use crate::upload::Upload;

/// A file up to this size is sent when it is complete, with its size: some servers want to know it in advance.
const WHOLE: usize = 8 * 1024 * 1024;
/// The pieces in which larger ones are sent.
const PIECE: usize = 256 * 1024;
/// Longer names are taken by next to no server, and servers do not agree on how to say so.
const USUAL_NAME: usize = 255;

const WRITE: &str = "write the temporary file";
const PUBLISH: &str = "put the file under its name";
const FORGET: &str = "remove the temporary file";

/// Writes one file.
pub(crate) struct WebDavWriter {
    client: Arc<Client>,
    temporaries: Temporaries,
    patience: Duration,
    replace: Replace,
    folder: Target,
    target: Target,
    target_name: usize,
    temporary: Target,
    temporary_name: String,
    /// What was not sent yet.
    buffer: Zeroizing<Vec<u8>>,
    upload: Option<Upload>,
    stage: Stage,
    /// Whether the temporary file may appear after it was removed: the server may find out late that the connection broke.
    may_come_late: bool,
    /// Whether a piece may be missing.
    is_broken: bool,
    bytes: u64,
}

/// The temporary file and what stood under the name, before the one was to take the place of the other.
struct Before {
    temporary: Option<Marks>,
    target: Option<Marks>,
}

impl Before {
    /// Whether what stands under the name now can only be the temporary file.
    fn is_followed_by(&self, now: &Marks, bytes: u64) -> bool {
        let is_new = self.target.as_ref().is_none_or(|old| now.differ_from(old));
        if !is_new || now.length.is_some_and(|length| length != bytes) {
            return false;
        }
        let is_temporary = self.temporary.as_ref().is_some_and(|temporary| {
            let same_etag = now.etag.is_some() && temporary.etag == now.etag;
            let same_time = now.modified.is_some() && temporary.modified == now.modified;
            same_etag || (same_time && temporary.length == now.length)
        });
        is_temporary || now.length == Some(bytes)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The server knows nothing of it.
    Collected,
    /// There may be a temporary file.
    Sent,
    /// There is none any more.
    Over,
}

impl WebDavWriter {
    /// A writer of the file that these names lead to; there is at least one.
    pub(crate) fn new(
        client: &Arc<Client>,
        temporaries: &Temporaries,
        patience: Duration,
        names: &[&str],
        replace: Replace,
    ) -> Result<Self, RandomnessError> {
        let (name, folder) = names.split_last().unwrap_or((&"", &[]));
        let temporary_name = temporaries.name()?;
        Ok(Self {
            client: Arc::clone(client),
            temporaries: temporaries.clone(),
            patience,
            replace,
            folder: client.target(folder),
            target: client.target(names),
            target_name: name.len(),
            temporary: client.target(&[folder, &[temporary_name.as_str()]].concat()),
            temporary_name,
            buffer: Zeroizing::new(Vec::new()),
            upload: None,
            stage: Stage::Collected,
            may_come_late: false,
            is_broken: false,
            bytes: 0,
        })
    }

    async fn take(&mut self, mut bytes: &[u8]) -> Result<(), ShareError> {
        if self.is_broken || self.stage == Stage::Over {
            let step = self.target.step(WRITE);
            return Err(step.error(ShareErrorKind::Unavailable, "an earlier write failed"));
        }
        while !bytes.is_empty() {
            let room = if self.upload.is_some() { PIECE } else { WHOLE };
            if self.buffer.len() >= room {
                self.send_piece().await?;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(room - self.buffer.len()));
            make_room(&mut self.buffer, now.len(), room);
            self.buffer.extend_from_slice(now);
            self.bytes += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    /// Sends what was collected as a piece of a file whose end is not known yet.
    async fn send_piece(&mut self) -> Result<(), ShareError> {
        self.stage = Stage::Sent;
        // Whoever stops waiting in between leaves a hole.
        self.is_broken = true;
        let step = self.target.step(WRITE);
        let upload = self
            .upload
            .get_or_insert_with(|| Upload::begin(Arc::clone(&self.client), self.temporary.clone(), step));
        if upload.send(secret_body(&mut self.buffer)).await {
            self.is_broken = false;
            return Ok(());
        }
        // The server has answered before the end.
        match upload.finish().await {
            Ok(status) if status.is_success() => {
                let step = self.target.step(WRITE);
                Err(step.error(
                    ShareErrorKind::Unavailable,
                    "the server stopped before the end of the file",
                ))
            }
            Ok(status) => Err(self.not_stored(status).await),
            Err(error) => Err(error),
        }
    }

    /// Brings everything to the server.
    async fn store(&mut self) -> Result<(), ShareError> {
        if self.upload.is_some() && !self.buffer.is_empty() {
            self.send_piece().await?;
        }
        self.stage = Stage::Sent;
        let status = match &mut self.upload {
            Some(upload) => upload.finish().await?,
            None => {
                let whole = Body::from(secret_body(&mut self.buffer));
                let step = self.target.step(WRITE);
                self.may_come_late = true;
                let status = self.client.put(&self.temporary, whole, &step).await?;
                self.may_come_late = false;
                status
            }
        };
        match status.is_success() {
            true => Ok(()),
            false => Err(self.not_stored(status).await),
        }
    }

    /// Why the server did not store the file. Few have the status for a full disk; some of the others tell how much room
    /// there is.
    async fn not_stored(&self, status: StatusCode) -> ShareError {
        let step = self.target.step(WRITE);
        if status == StatusCode::NOT_FOUND {
            // It was asked to make a file, not to find one.
            return match self.client.has_folder(&self.folder, &step).await {
                Ok(true) => step.error(
                    ShareErrorKind::Denied,
                    format!("the server could not make a file in the folder; it may lack the permission (HTTP {status})"),
                ),
                _ => step.refused(StatusCode::CONFLICT),
            };
        }
        let vague = [StatusCode::METHOD_NOT_ALLOWED, StatusCode::INTERNAL_SERVER_ERROR];
        if vague.contains(&status) {
            if self
                .client
                .room(&self.folder, &step)
                .await
                .is_some_and(|room| room < self.bytes)
            {
                return step.error(
                    ShareErrorKind::NoSpace,
                    format!("there is no room left for the file on the server (HTTP {status})"),
                );
            }
            if status == StatusCode::METHOD_NOT_ALLOWED {
                let why = "the server did not store the file: it has no room left, takes no files here, or must not \
                           write to its folder";
                let error = step.error(ShareErrorKind::Unsupported, format!("{why} (HTTP {status})"));
                return error.advising("look into the server's log");
            }
        }
        step.refused(status)
    }

    /// Gives the file its name. When the answer to that is lost, what is there now answers.
    async fn publish_stored(&self) -> Result<(), ShareError> {
        let step = self.target.step(PUBLISH);
        let before = Before {
            temporary: self.client.marks(&self.temporary, &step).await?,
            target: self.client.marks(&self.target, &step).await?,
        };
        let replace = self.replace == Replace::Allowed;
        let answer = self
            .client
            .rename(&self.temporary, &self.target, replace, &step)
            .await;
        let lost = match answer {
            Err(error) => error,
            Ok(status) => {
                self.check_renamed(status, &step)?;
                match self.check_name(&step).await {
                    // It has its name; whether it is the one that was meant was not told.
                    Err(error) if error.kind == ShareErrorKind::Unavailable => error,
                    checked => return checked,
                }
            }
        };
        match lost.kind == ShareErrorKind::Unavailable && self.has_arrived(&before, &step).await {
            true => Ok(()),
            false => Err(lost),
        }
    }

    /// Whether the temporary file has its name already. That it is gone is no proof: somebody may have removed it while
    /// the old file stands there still.
    async fn has_arrived(&self, before: &Before, step: &Step) -> bool {
        if !matches!(self.client.look(&self.temporary, step).await, Ok(None)) {
            return false;
        }
        match self.client.marks(&self.target, step).await {
            Ok(Some(now)) => before.is_followed_by(&now, self.bytes),
            Ok(None) | Err(_) => false,
        }
    }

    /// What the server answered to the new name.
    fn check_renamed(&self, status: StatusCode, step: &Step) -> Result<(), ShareError> {
        match status {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => Ok(()),
            StatusCode::INSUFFICIENT_STORAGE => Err(step.refused(status)),
            // No file of such a name can have been in the way, and a file could be made in this folder.
            _ if self.target_name > USUAL_NAME => {
                let why = format!(
                    "the name is too long for the server: {} bytes (HTTP {status})",
                    self.target_name
                );
                Err(step.error(ShareErrorKind::BadName, why))
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                let why = "somebody removed the temporary file while it was written";
                Err(step.error(ShareErrorKind::Unavailable, why))
            }
            StatusCode::MULTI_STATUS => {
                let why = "the server could not give the file its name";
                Err(step.error(ShareErrorKind::Unsupported, why))
            }
            status => Err(step.refused(status)),
        }
    }

    /// That the file stands where the server says: there are servers that cut off a name at a character that they read
    /// as the end of a URL's path.
    async fn check_name(&self, step: &Step) -> Result<(), ShareError> {
        match self.client.look(&self.target, step).await? {
            Some(_) => Ok(()),
            None => {
                let why = "the server says that the file has its name now, and has no file of this name: it has put it \
                           under another one";
                let error = step.error(ShareErrorKind::BadName, why);
                Err(error.advising("use a name with letters and digits alone"))
            }
        }
    }

    /// Removes the temporary file, if there may be one.
    async fn forget(&mut self) {
        if self.stage == Stage::Sent {
            let gone = is_removed(&self.client, &self.temporary, self.upload.take()).await;
            match gone && !self.may_come_late {
                true => self.temporaries.removed(&self.temporary_name),
                false => self.temporaries.abandon(&self.temporary_name),
            }
        }
        self.stage = Stage::Over;
    }
}

#[async_trait]
impl ShareWriter for WebDavWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        let taken = self.take(bytes).await;
        if taken.is_err() {
            self.forget().await;
        }
        taken
    }

    async fn publish(mut self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        let mut published = self.take(&[]).await;
        if published.is_ok() {
            published = self.store().await;
        }
        if published.is_ok() {
            published = self.publish_stored().await;
        }
        if let Err(error) = published {
            self.forget().await;
            return Err(error);
        }
        self.stage = Stage::Over;
        Ok(WriteReceipt {
            place: self.target.shown.clone(),
            bytes: self.bytes,
            promised: ShareCapabilities::NONE,
        })
    }

    async fn discard(mut self: Box<Self>) {
        self.forget().await;
    }
}

impl Drop for WebDavWriter {
    fn drop(&mut self) {
        if self.stage != Stage::Sent {
            return;
        }
        let (client, temporary, upload) = (
            Arc::clone(&self.client),
            self.temporary.clone(),
            self.upload.take(),
        );
        let (patience, may_come_late) = (self.patience, self.may_come_late);
        self.temporaries
            .remove_later(self.temporary_name.clone(), async move {
                let removal = is_removed(&client, &temporary, upload);
                let removed = tokio::time::timeout(patience, removal).await;
                removed.unwrap_or(false) && !may_come_late
            });
    }
}

/// Whether there is no temporary file any more, and none can come.
async fn is_removed(client: &Client, temporary: &Target, upload: Option<Upload>) -> bool {
    let has_ended = match upload {
        Some(mut upload) => upload.finish().await.is_ok(),
        None => true,
    };
    let removed = client.delete(temporary, &temporary.step(FORGET)).await;
    has_ended && removed.is_ok()
}
