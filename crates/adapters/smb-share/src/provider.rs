use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    FileShare, ShareAccess, ShareError, ShareProvider, ShareSetting, Temporaries,
};

use crate::SmbFileShare;
use crate::access::{self, SmbAccess};

const SETTINGS: &[ShareSetting] = &[
    ShareSetting::text(access::DOMAIN),
    ShareSetting::text(access::ENCRYPTION),
];

/// Answers for `smb:` URLs: `smb://user@host:port/share/folder`. The port is 445 when none is said.
///
/// Settings: `domain`, the domain of the user where the user name does not say it (`DOMAIN\user` or `user@domain`);
/// `encryption`, which is `when-offered` or `required`.
#[derive(Clone)]
pub struct SmbShareProvider {
    temporaries: Temporaries,
}

impl SmbShareProvider {
    /// A provider whose temporary files are these.
    #[must_use]
    pub fn new(temporaries: Temporaries) -> Self {
        Self { temporaries }
    }
}

#[async_trait]
impl ShareProvider for SmbShareProvider {
    fn schemes(&self) -> &[&'static str] {
        &["smb"]
    }

    fn settings(&self) -> &[ShareSetting] {
        SETTINGS
    }

    fn default_port(&self, _scheme: &str) -> Option<u16> {
        Some(access::PORT)
    }

    fn names_of_share(&self) -> usize {
        1
    }

    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        let access = SmbAccess::of(access)?;
        Ok(Arc::new(SmbFileShare::new(access, self.temporaries.clone())))
    }
}
