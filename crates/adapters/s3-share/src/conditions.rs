use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use keystead_application::ports::{ShareCapabilities, ShareErrorKind, Temporaries};
use opendal::{Operator, Writer};

use crate::error::refusal;

/// How a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In one request.
    Whole,
    /// In parts.
    Parts,
}

/// What is known of a server's answer to `If-None-Match: *`, for each way by itself: there are servers that know the
/// condition for one of them only.
#[derive(Default)]
pub(crate) struct Conditions {
    whole: AtomicU8,
    parts: AtomicU8,
}

const UNKNOWN: u8 = 0;
/// It is not known, and a receipt has told so.
const DOUBTED: u8 = 1;
const KEPT: u8 = 2;
const IGNORED: u8 = 3;

/// S3 takes no smaller one but the last.
static SMALLEST_PART: [u8; 5 * 1024 * 1024] = [0; 5 * 1024 * 1024];

impl Conditions {
    /// Those of AWS, whose manual says that they are kept.
    pub(crate) fn of_aws() -> Self {
        Self {
            whole: AtomicU8::new(KEPT),
            parts: AtomicU8::new(KEPT),
        }
    }

    /// What the share promises. The best is hoped for until a file was written.
    pub(crate) fn promised(&self) -> ShareCapabilities {
        let ways = [&self.whole, &self.parts];
        let is_hoped = |known: &AtomicU8| matches!(known.load(Ordering::Relaxed), UNKNOWN | KEPT);
        ShareCapabilities {
            atomic_publish: true,
            exclusive_create: ways.into_iter().all(is_hoped),
            durable: true,
            owner_only: false,
        }
    }

    /// What was promised of a write: of the condition nothing that is not known.
    pub(crate) fn promised_of_write(&self, way: Way) -> ShareCapabilities {
        let known = self.known(way);
        let _ = known.compare_exchange(UNKNOWN, DOUBTED, Ordering::Relaxed, Ordering::Relaxed);
        self.promised()
    }

    pub(crate) fn are_ignored(&self, way: Way) -> bool {
        self.known(way).load(Ordering::Relaxed) == IGNORED
    }

    fn are_known(&self, way: Way) -> bool {
        matches!(self.known(way).load(Ordering::Relaxed), KEPT | IGNORED)
    }

    pub(crate) fn learn_that_they_are_ignored(&self, way: Way) {
        self.known(way).store(IGNORED, Ordering::Relaxed);
    }

    fn known(&self, way: Way) -> &AtomicU8 {
        match way {
            Way::Whole => &self.whole,
            Way::Parts => &self.parts,
        }
    }
}

/// An object of its own that shows whether a server keeps to the condition: nobody's file can be replaced by it. It is
/// removed when that was shown, or when nobody waits for it any more.
pub(crate) struct Trial {
    operator: Operator,
    temporaries: Temporaries,
    patience: Duration,
    /// The name of the object, and that with its folder.
    name: String,
    key: String,
    /// A second upload of it that was begun.
    upload: Option<Writer>,
    may_be_there: bool,
}

impl Trial {
    pub(crate) fn new(
        operator: Operator,
        temporaries: Temporaries,
        patience: Duration,
        name: String,
        key: String,
    ) -> Self {
        Self {
            operator,
            temporaries,
            patience,
            name,
            key,
            upload: None,
            may_be_there: false,
        }
    }

    /// Finds out what is not known yet. When the server does not show it, it stays unknown.
    pub(crate) async fn find_out(mut self, conditions: &Arc<Conditions>, way: Way) {
        if conditions.are_known(way) {
            return;
        }
        if let Some(known) = self.shown(way).await {
            conditions.known(way).store(known, Ordering::Relaxed);
        }
        self.remove().await;
    }

    async fn shown(&mut self, way: Way) -> Option<u8> {
        self.may_be_there = true;
        if let Err(error) = self.operator.write(&self.key, "trial").await {
            self.may_be_there = refusal(&error).is_none();
            return None;
        }
        let again = match way {
            Way::Whole => {
                let again = self.operator.write_with(&self.key, "trial");
                again.if_not_exists(true).await.map(drop)
            }
            Way::Parts => self.upload_again().await,
        };
        let error = match again {
            Ok(()) => return Some(IGNORED),
            Err(error) => error,
        };
        let refusal = refusal(&error)?;
        match refusal.meaning().kind {
            _ if refusal.knows_no_conditions() => Some(IGNORED),
            ShareErrorKind::Exists => Some(KEPT),
            _ => None,
        }
    }

    /// In two parts: the library sends one alone as a whole file.
    async fn upload_again(&mut self) -> opendal::Result<()> {
        let upload = self.operator.writer_with(&self.key).if_not_exists(true).await?;
        let upload = self.upload.insert(upload);
        upload.write(Bytes::from_static(&SMALLEST_PART)).await?;
        upload.write("trial").await?;
        upload.close().await?;
        self.upload = None;
        Ok(())
    }

    async fn remove(&mut self) {
        if let Some(upload) = &mut self.upload
            && upload.abort().await.is_ok()
        {
            self.upload = None;
        }
        if self.may_be_there && self.operator.delete(&self.key).await.is_ok() {
            self.may_be_there = false;
        }
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !self.may_be_there && self.upload.is_none() {
            return;
        }
        let (operator, key, upload) = (self.operator.clone(), self.key.clone(), self.upload.take());
        let patience = self.patience;
        self.temporaries.remove_later(self.name.clone(), async move {
            let removal = async {
                let aborted = match upload {
                    Some(mut upload) => upload.abort().await.is_ok(),
                    None => true,
                };
                operator.delete(&key).await.is_ok() && aborted
            };
            tokio::time::timeout(patience, removal).await.unwrap_or(false)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_promises_only_what_is_known() {
        let conditions = Conditions::default();
        assert!(conditions.promised().exclusive_create);
        assert!(!conditions.promised_of_write(Way::Whole).exclusive_create);
        assert!(!conditions.promised().exclusive_create);
        let aws = Conditions::of_aws();
        assert!(aws.promised_of_write(Way::Whole).exclusive_create);
        assert!(aws.promised_of_write(Way::Parts).exclusive_create);
        aws.learn_that_they_are_ignored(Way::Parts);
        assert!(!aws.promised_of_write(Way::Parts).exclusive_create);
    }
}
