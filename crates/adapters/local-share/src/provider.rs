use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{LocatedShare, Location, Randomness, ShareError, ShareProvider};

use crate::{LocalFileShare, location};

/// Answers for plain paths and for `file:` URLs.
#[derive(Clone)]
pub struct LocalShareProvider {
    share: Arc<LocalFileShare>,
}

impl LocalShareProvider {
    /// A provider whose temporary names come from this source.
    #[must_use]
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self {
            share: Arc::new(LocalFileShare::new(randomness)),
        }
    }
}

#[async_trait]
impl ShareProvider for LocalShareProvider {
    fn schemes(&self) -> &[&'static str] {
        &["file"]
    }

    fn takes_plain_paths(&self) -> bool {
        true
    }

    async fn locate(&self, location: &Location) -> Result<LocatedShare, ShareError> {
        Ok(LocatedShare {
            share: Arc::clone(&self.share) as _,
            path: location::path(location)?,
        })
    }
}
