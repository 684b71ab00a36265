use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use keystead_application::Explain;
use rustls::ServerConfig;

use crate::tls::Identity;
use crate::{ListenError, TlsFiles};

/// How often somebody looks whether the files are others.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(10);

/// The certificate and private key that are in use. All clones are the same.
#[derive(Clone)]
pub struct Certificates(Arc<Inner>);

struct Inner {
    files: TlsFiles,
    in_use: RwLock<Identity>,
    /// One process reads the files at a time, and remembers which it read.
    read: Mutex<Read>,
}

/// Which files were read.
struct Read {
    in_use: Versions,
    /// Those that could not be used, so that it is said once.
    refused: Option<Versions>,
}

/// What tells files from those that stood there before: of the certificate and of the key, the device, inode, length and
/// time of the last change.
type Versions = [Option<[i64; 5]>; 2];

impl Certificates {
    pub(crate) fn read(files: TlsFiles) -> Result<Self, ListenError> {
        let versions = versions(&files);
        let identity = Identity::read(&files)?;
        Ok(Self(Arc::new(Inner {
            files,
            in_use: RwLock::new(identity),
            read: Mutex::new(Read {
                in_use: versions,
                refused: None,
            }),
        })))
    }

    /// Lower-case hex SHA-256 of the certificate's DER: what `openssl x509 -outform DER | sha256sum` prints.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let in_use = self.0.in_use.read().unwrap_or_else(PoisonError::into_inner);
        in_use.fingerprint.clone()
    }

    /// Reads the files again, and uses them from the next connection on. Says whether the certificate is another one.
    ///
    /// # Errors
    /// Why they cannot be used; then all stays as it was.
    pub async fn reload(&self) -> Result<bool, ListenError> {
        self.on_a_thread(|inner| inner.reload())
            .await
            .unwrap_or(Ok(false))
    }

    /// How the next connection is made safe.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let in_use = self.0.in_use.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_use.config)
    }

    /// Looks at the files again and again.
    pub(crate) async fn watch(self) {
        loop {
            tokio::time::sleep(LOOKED_AT_EVERY).await;
            self.look().await;
        }
    }

    /// Reads the files again when they are others. What is wrong with them is said once: then they may be half-written,
    /// and are tried again the next time.
    pub(crate) async fn look(&self) {
        self.on_a_thread(|inner| inner.look()).await;
    }

    async fn on_a_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Option<T> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner)).await.ok()
    }
}

impl Inner {
    fn reload(&self) -> Result<bool, ListenError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // First which files, then what is in them: what changes in between is seen the next time.
        let versions = versions(&self.files);
        let identity = Identity::read(&self.files)?;
        read.in_use = versions;
        read.refused = None;
        Ok(self.replace(identity))
    }

    fn look(&self) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = versions(&self.files);
        if versions == read.in_use {
            return;
        }
        match Identity::read(&self.files) {
            Ok(identity) => {
                self.replace(identity);
                read.in_use = versions;
                read.refused = None;
            }
            Err(error) if read.refused != Some(versions) => {
                let (why, fix) = (error.to_string(), error.fix());
                tracing::error!(
                    why,
                    fix,
                    "the new TLS certificate is not used; the one before stays in use"
                );
                read.refused = Some(versions);
            }
            Err(_) => {}
        }
    }

    fn replace(&self, identity: Identity) -> bool {
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let is_another = in_use.fingerprint != identity.fingerprint;
        if is_another {
            tracing::info!(
                fingerprint = identity.fingerprint,
                "a new TLS certificate is in use"
            );
        }
        // With the configuration, what was kept to resume earlier TLS sessions goes too.
        *in_use = identity;
        is_another
    }
}

fn versions(files: &TlsFiles) -> Versions {
    [version(&files.certificate), version(&files.private_key)]
}

fn version(path: &Path) -> Option<[i64; 5]> {
    let metadata = fs::metadata(path).ok()?;
    Some([
        metadata.dev().cast_signed(),
        metadata.ino().cast_signed(),
        metadata.len().cast_signed(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ])
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use keystead_domain::Timestamp;

    use super::*;
    use crate::self_signed;

    /// Puts a new pair into a folder, and gives its certificate and key.
    fn make(folder: &Path) -> TlsFiles {
        let at = |name: &str| -> PathBuf { folder.join(name) };
        let made = self_signed(&["localhost".to_owned()], Timestamp::from_micros(0).unwrap()).unwrap();
        let files = TlsFiles {
            certificate: at("certificate.pem"),
            private_key: at("private-key.pem"),
        };
        for (path, content) in [
            (&files.certificate, &made.certificate),
            (&files.private_key, &made.private_key),
        ] {
            let new = at("new");
            fs::write(&new, content).unwrap();
            fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            fs::rename(&new, path).unwrap();
        }
        files
    }

    #[tokio::test(start_paused = true)]
    async fn new_files_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let files = make(folder.path());
        let certificates = Certificates::read(files.clone()).unwrap();
        let first = certificates.fingerprint();
        let watching = tokio::spawn(certificates.clone().watch());

        // Only the certificate is new yet: it does not go with the key.
        let other = tempfile::tempdir_in(folder.path()).unwrap();
        let other = make(other.path());
        fs::rename(&other.certificate, &files.certificate).unwrap();
        // The clock stands still while a thread reads the files, and jumps when nobody has anything to do.
        tokio::time::sleep(3 * LOOKED_AT_EVERY).await;
        assert_eq!(certificates.fingerprint(), first);

        fs::rename(&other.private_key, &files.private_key).unwrap();
        tokio::time::sleep(2 * LOOKED_AT_EVERY).await;
        assert_ne!(certificates.fingerprint(), first);
        watching.abort();
    }
}
