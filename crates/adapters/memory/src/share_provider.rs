use async_trait::async_trait;
use keystead_application::ports::{
    FileShare, LocatedShare, Location, ShareAccess, ShareError, ShareErrorKind, SharePath, ShareProvider,
};
use keystead_domain::SecretBytes;
use std::sync::Arc;

use crate::MemoryFileShare;

const SCHEME: &str = "memory";

/// Reaches one share in memory by `memory:` URLs such as `memory:/safe/keyset.pem`, and by plain paths if it is told to.
pub struct MemoryShareProvider {
    share: MemoryFileShare,
    plain_paths: bool,
}

impl MemoryShareProvider {
    /// Answers for `memory:` URLs.
    #[must_use]
    pub fn new(share: MemoryFileShare) -> Self {
        Self {
            share,
            plain_paths: false,
        }
    }

    /// Answers for plain paths too, in the place of a local folder.
    #[must_use]
    pub fn with_plain_paths(share: MemoryFileShare) -> Self {
        Self {
            share,
            plain_paths: true,
        }
    }
}

#[async_trait]
impl ShareProvider for MemoryShareProvider {
    fn schemes(&self) -> &[&'static str] {
        &[SCHEME]
    }

    fn takes_plain_paths(&self) -> bool {
        self.plain_paths
    }

    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        match access.address.names.is_empty() && access.address.host.is_empty() {
            true => Ok(Arc::new(self.share.clone())),
            false => Err(ShareError::new(
                ShareErrorKind::BadLocation,
                "find the share",
                access.address.to_string(),
                "there is one share in memory, and its address is memory:///",
            )),
        }
    }

    async fn locate(
        &self,
        location: &Location,
        _password: Option<Arc<SecretBytes>>,
    ) -> Result<LocatedShare, ShareError> {
        let path = match &location.scheme {
            None => location.text.as_str(),
            Some(scheme) => &location.text[scheme.len() + 1..],
        };
        if path.is_empty() {
            return Err(ShareError::new(
                ShareErrorKind::BadLocation,
                "find the share",
                &location.text,
                "there is no path in it",
            ));
        }
        Ok(LocatedShare {
            share: Arc::new(self.share.clone()),
            path: SharePath::new(path),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keystead_application::ports::FileShares;

    #[tokio::test]
    async fn it_answers_for_its_scheme_and_for_plain_paths_when_told_to() {
        let located = |provider, text| async move {
            let shares = FileShares::new(vec![Arc::new(provider)]);
            shares.locate(text).await.map(|located| located.path.to_string())
        };
        let by_url = || MemoryShareProvider::new(MemoryFileShare::new());
        let by_path = || MemoryShareProvider::with_plain_paths(MemoryFileShare::new());
        assert_eq!(located(by_url(), "MEMORY:/a/b").await.unwrap(), "/a/b");
        assert!(located(by_url(), "/a/b").await.is_err());
        assert!(located(by_url(), "memory:").await.is_err());
        assert_eq!(located(by_path(), "/a/b").await.unwrap(), "/a/b");
        assert!(located(by_path(), "smb://nas/a").await.is_err());
    }
}
