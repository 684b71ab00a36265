use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use keystead_application::ports::{
    Replace, ShareError, ShareErrorKind, ShareWriter, Temporaries, WriteReceipt,
};
use keystead_domain::make_room;
use keystead_https::secret_body;
use opendal::{Buffer, Operator, Writer};
use zeroize::Zeroizing;

use crate::conditions::{Conditions, Trial, Way};
use crate::error::refusal;
use crate::key::Key;
use crate::part::{MOST_PARTS, part_after};

/// The metadata of an object that tells which write it comes from.
const WRITTEN_BY: &str = "keystead-write";

const WRITE: &str = "write the file";
const PUBLISH: &str = "put the file under its name";

/// Writes one object.
pub(crate) struct S3Writer {
    operator: Operator,
    key: Key,
    replace: Replace,
    conditions: Arc<Conditions>,
    temporaries: Temporaries,
    /// What this write is known by: the object has it in its metadata.
    token: String,
    patience: Duration,
    /// What was not sent yet.
    buffer: Zeroizing<Vec<u8>>,
    /// The upload in parts, once there is one.
    parts: Option<Writer>,
    sent_parts: u32,
    is_broken: bool,
    bytes: u64,
}

impl S3Writer {
    pub(crate) fn new(
        operator: Operator,
        key: Key,
        replace: Replace,
        conditions: Arc<Conditions>,
        (temporaries, token): (Temporaries, String),
        patience: Duration,
    ) -> Self {
        Self {
            operator,
            key,
            replace,
            conditions,
            temporaries,
            token,
            patience,
            buffer: Zeroizing::new(Vec::new()),
            parts: None,
            sent_parts: 0,
            is_broken: false,
            bytes: 0,
        }
    }

    /// Whether the server is asked to keep an object that is there.
    fn is_conditional(&self, way: Way) -> bool {
        self.replace == Replace::Never && !self.conditions.are_ignored(way)
    }

    fn way(&self) -> Way {
        match self.sent_parts {
            0 => Way::Whole,
            _ => Way::Parts,
        }
    }

    async fn take(&mut self, mut bytes: &[u8]) -> Result<(), ShareError> {
        if self.is_broken {
            let step = self.key.step(WRITE);
            return Err(step.error(ShareErrorKind::Unavailable, "an earlier write failed"));
        }
        while !bytes.is_empty() {
            let part = part_after(self.bytes);
            if self.buffer.len() >= part {
                self.send_part().await?;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(part - self.buffer.len()));
            make_room(&mut self.buffer, now.len(), part);
            self.buffer.extend_from_slice(now);
            self.bytes += now.len() as u64;
            bytes = later;
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), ShareError> {
        let step = self.key.step(WRITE);
        // Whoever stops waiting in between leaves a hole.
        self.is_broken = true;
        if self.sent_parts == MOST_PARTS {
            let why = "the file is larger than the 10,000 parts that S3 takes of one, which is about 2 TB";
            let error = step.error(ShareErrorKind::Unsupported, why);
            return Err(error.advising("divide it, and store the pieces"));
        }
        self.sent_parts += 1;
        let sent = match &mut self.parts {
            Some(parts) => parts.write(secret_body(&mut self.buffer)).await,
            None => {
                self.find_out(Way::Parts).await;
                let parts = self.operator.writer_with(&self.key.text);
                let parts = parts.user_metadata(self.metadata());
                let parts = parts.if_not_exists(self.is_conditional(Way::Parts)).await;
                let parts = self.parts.insert(parts.map_err(|e| step.failed(&e))?);
                parts.write(secret_body(&mut self.buffer)).await
            }
        };
        sent.map_err(|e| step.failed(&e))?;
        self.is_broken = false;
        Ok(())
    }

    /// Ends an upload in parts.
    async fn complete(&mut self) -> Result<(), ShareError> {
        if !self.buffer.is_empty() {
            self.send_part().await?;
        }
        self.is_broken = true;
        self.look_where_nothing_is_promised(Way::Parts).await?;
        let step = self.key.step(PUBLISH);
        if let Some(parts) = &mut self.parts {
            parts.close().await.map_err(|e| {
                if refusal(&e).is_some_and(|refusal| refusal.knows_no_conditions()) {
                    self.conditions.learn_that_they_are_ignored(Way::Parts);
                }
                step.failed(&e)
            })?;
        }
        self.parts = None;
        Ok(())
    }

    /// Sends all of it in one request.
    async fn send_whole(&mut self) -> Result<(), ShareError> {
        self.is_broken = true;
        self.find_out(Way::Whole).await;
        let whole: Bytes = secret_body(&mut self.buffer);
        let step = self.key.step(PUBLISH);
        if self.is_conditional(Way::Whole) {
            match self.put(&whole, true).await {
                Ok(()) => return Ok(()),
                Err(e) if refusal(&e).is_some_and(|refusal| refusal.knows_no_conditions()) => {
                    self.conditions.learn_that_they_are_ignored(Way::Whole);
                }
                Err(e) => return Err(step.failed(&e)),
            }
        }
        self.look_where_nothing_is_promised(Way::Whole).await?;
        self.put(&whole, false).await.map_err(|e| step.failed(&e))
    }

    async fn put(&self, whole: &Bytes, conditional: bool) -> opendal::Result<()> {
        let put = self
            .operator
            .write_with(&self.key.text, Buffer::from(whole.clone()));
        let put = put.user_metadata(self.metadata());
        put.if_not_exists(conditional).await.map(drop)
    }

    fn metadata(&self) -> [(String, String); 1] {
        [(WRITTEN_BY.to_owned(), self.write_id().to_owned())]
    }

    /// The number in the token. The rest tells of this machine, and nobody need know that.
    fn write_id(&self) -> &str {
        self.token.split('-').nth(1).unwrap_or_default()
    }

    /// Whether the object that is there now comes from this write.
    async fn has_arrived(&self) -> bool {
        let found = self.operator.stat(&self.key.text).await;
        let metadata = found.as_ref().ok().and_then(|found| found.user_metadata());
        metadata.and_then(|metadata| metadata.get(WRITTEN_BY)) == Some(self.write_id())
    }

    /// Whether the server keeps to the condition is found out before it is relied on.
    async fn find_out(&self, way: Way) {
        if self.replace == Replace::Allowed {
            return;
        }
        // Without chance nothing is found out, and nothing is promised.
        let Ok(name) = self.temporaries.name() else { return };
        let key = self.key.beside(&name);
        let (operator, temporaries) = (self.operator.clone(), self.temporaries.clone());
        let trial = Trial::new(operator, temporaries, self.patience, name, key);
        trial.find_out(&self.conditions, way).await;
    }

    /// The next best, for servers that know no conditions: another writer at the same moment is not noticed.
    async fn look_where_nothing_is_promised(&self, way: Way) -> Result<(), ShareError> {
        if self.replace == Replace::Allowed || self.is_conditional(way) {
            return Ok(());
        }
        let step = self.key.step(PUBLISH);
        match self.operator.exists(&self.key.text).await {
            Ok(false) => Ok(()),
            Ok(true) => Err(step.error(ShareErrorKind::Exists, "there is a file already")),
            Err(e) => Err(step.failed(&e)),
        }
    }

    /// Removes the parts on the server, if there are any.
    async fn forget(&mut self) {
        self.is_broken = true;
        if let Some(parts) = &mut self.parts
            && parts.abort().await.is_ok()
        {
            self.parts = None;
        }
    }
}

#[async_trait]
impl ShareWriter for S3Writer {
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
            published = match self.parts.is_some() {
                true => self.complete().await,
                false => self.send_whole().await,
            };
        }
        if let Err(error) = published {
            // When the answer is lost, what is there now answers.
            if error.kind != ShareErrorKind::Unavailable || !self.has_arrived().await {
                self.forget().await;
                return Err(error);
            }
            self.parts = None;
        }
        Ok(WriteReceipt {
            place: self.key.shown.clone(),
            bytes: self.bytes,
            promised: self.conditions.promised_of_write(self.way()),
        })
    }

    async fn discard(mut self: Box<Self>) {
        self.forget().await;
    }
}

impl Drop for S3Writer {
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else {
            return;
        };
        let patience = self.patience;
        self.temporaries.remove_later(self.token.clone(), async move {
            tokio::time::timeout(patience, parts.abort())
                .await
                .is_ok_and(|aborted| aborted.is_ok())
        });
    }
}
