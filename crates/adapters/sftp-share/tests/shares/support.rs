//! What the tests have in common.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keystead_application::ports::{
    FileShare, Replace, ShareAccess, ShareAddress, ShareError, SharePath, ShareProvider, Temporaries,
    WriteReceipt,
};
use keystead_domain::SecretBytes;
use keystead_memory::{MemoryProcesses, MemoryRandomness};
use keystead_sftp_share::SftpShareProvider;
use keystead_test_servers::{RcloneSftpServer, SshServer, USER};
use tokio::io::AsyncReadExt;

pub(crate) type Shared = Arc<dyn FileShare>;

pub(crate) fn temporaries() -> Temporaries {
    static SEED: AtomicU32 = AtomicU32::new(1);
    let chance = MemoryRandomness::seeded(SEED.fetch_add(1, Ordering::Relaxed));
    Temporaries::new(Arc::new(chance), Arc::new(MemoryProcesses))
}

pub(crate) fn provider() -> SftpShareProvider {
    provider_with(temporaries())
}

pub(crate) fn provider_with(temporaries: Temporaries) -> SftpShareProvider {
    SftpShareProvider::new(temporaries)
}

/// Access to a URL with nothing but these settings.
pub(crate) fn access(url: &str, settings: &[(&str, &str)]) -> ShareAccess {
    let set = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ShareAccess {
        settings: set.collect::<BTreeMap<_, _>>(),
        ..ShareAccess::to(ShareAddress::parse(url).unwrap())
    }
}

/// Access to a server as its user, by its key file.
pub(crate) fn access_to(server: &SshServer, path: &Path) -> ShareAccess {
    let (key, known) = (server.client_key(), server.known_hosts());
    let settings = [
        ("key_file", key.to_str().unwrap()),
        ("known_hosts", known.to_str().unwrap()),
    ];
    access(&server.url_of(path), &settings)
}

pub(crate) fn access_to_rclone(server: &RcloneSftpServer, password: &str) -> ShareAccess {
    ShareAccess {
        username: Some(USER.to_owned()),
        password: Some(secret(password)),
        ..access(&server.url(), &[("host_key", &server.fingerprint())])
    }
}

pub(crate) fn secret(text: &str) -> Arc<SecretBytes> {
    Arc::new(SecretBytes::new(text.as_bytes().to_vec()))
}

pub(crate) async fn share_of(server: &SshServer, path: &Path) -> Shared {
    provider().connect(&access_to(server, path)).await.unwrap()
}

pub(crate) async fn refused(access: &ShareAccess) -> ShareError {
    match provider().connect(access).await {
        Ok(_) => panic!("it was let in"),
        Err(error) => error,
    }
}

pub(crate) async fn put(
    share: &Shared,
    path: &str,
    bytes: &[u8],
    replace: Replace,
) -> Result<WriteReceipt, ShareError> {
    let mut writer = share.create(&SharePath::new(path), replace).await?;
    if let Err(error) = writer.write(bytes).await {
        writer.discard().await;
        return Err(error);
    }
    writer.publish().await
}

pub(crate) async fn content(share: &Shared, path: &str) -> Result<Vec<u8>, ShareError> {
    let mut bytes = Vec::new();
    let mut file = share.read(&SharePath::new(path)).await?;
    file.read_to_end(&mut bytes).await.unwrap();
    Ok(bytes)
}

pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
