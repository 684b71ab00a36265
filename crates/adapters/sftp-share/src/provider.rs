use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    FileShare, ShareAccess, ShareError, ShareProvider, ShareSetting, Temporaries,
};

use crate::SftpFileShare;
use crate::reach::{DEFAULT_PORT, Reach, SETTINGS};

/// Answers for `sftp:` URLs.
///
/// Settings of a share: `key_file`, the private key to sign in with, for which the share's password is the passphrase;
/// `known_hosts`, a file of host keys to use instead of those in the home folder and `/etc/ssh`; `host_key`, the
/// fingerprints (`SHA256:…`) of the host keys to take, whatever those files say.
#[derive(Clone)]
pub struct SftpShareProvider {
    temporaries: Temporaries,
}

impl SftpShareProvider {
    /// A provider that names its temporary files so.
    #[must_use]
    pub fn new(temporaries: Temporaries) -> Self {
        Self { temporaries }
    }
}

#[async_trait]
impl ShareProvider for SftpShareProvider {
    fn schemes(&self) -> &[&'static str] {
        &["sftp"]
    }

    fn settings(&self) -> &[ShareSetting] {
        SETTINGS
    }

    fn default_port(&self, scheme: &str) -> Option<u16> {
        self.schemes().contains(&scheme).then_some(DEFAULT_PORT)
    }

    /// Connects right away: what a server can is known only then.
    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        let reach = Reach::new(access)?;
        let share = SftpFileShare::connect(reach, self.temporaries.clone());
        Ok(Arc::new(Box::pin(share).await?))
    }
}
