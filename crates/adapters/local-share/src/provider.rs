use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    FileShare, LocatedShare, Location, Randomness, ShareAccess, ShareAddress, ShareError, ShareErrorKind,
    ShareProvider,
};
use keystead_domain::SecretBytes;

use crate::{LocalFileShare, location};

/// Answers for plain paths and for `file:` URLs.
#[derive(Clone)]
pub struct LocalShareProvider {
    randomness: Arc<dyn Randomness>,
}

impl LocalShareProvider {
    /// A provider whose temporary names come from this source.
    #[must_use]
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self { randomness }
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

    /// A configured share is a folder of this machine, such as one that the operating system mounts.
    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        let ShareAddress { host, names, .. } = &access.address;
        if !host.is_empty() && host != "localhost" {
            return Err(ShareError::new(
                ShareErrorKind::BadLocation,
                "find the share",
                access.address.to_string(),
                "it names another host; write file:///folder for a folder of this machine",
            ));
        }
        let top = names
            .iter()
            .fold(PathBuf::from("/"), |path, name| path.join(name));
        Ok(Arc::new(LocalFileShare::within(
            Arc::clone(&self.randomness),
            top,
        )))
    }

    async fn locate(
        &self,
        location: &Location,
        _password: Option<Arc<SecretBytes>>,
    ) -> Result<LocatedShare, ShareError> {
        Ok(LocatedShare {
            share: Arc::new(LocalFileShare::new(Arc::clone(&self.randomness))),
            path: location::path(location)?,
        })
    }
}
