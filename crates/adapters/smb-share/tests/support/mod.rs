//! A server for all tests of a file, and shares on it.

#![allow(dead_code, reason = "each file of tests uses its own part")]

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keystead_application::ports::{
    FileShare, Replace, ShareAccess, ShareAddress, ShareError, SharePath, SharePatience, ShareProvider,
    Temporaries, WriteReceipt,
};
use keystead_domain::SecretBytes;
use keystead_memory::{MemoryProcesses, MemoryRandomness};
use keystead_smb_share::SmbShareProvider;
use keystead_test_servers::{PASSWORD, SambaServer, USER};
use tokio::io::AsyncReadExt;

pub(crate) fn server() -> Option<&'static SambaServer> {
    static SERVER: OnceLock<Option<SambaServer>> = OnceLock::new();
    SERVER.get_or_init(SambaServer::start).as_ref()
}

pub(crate) fn temporaries() -> Temporaries {
    static SEED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    let seed = SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    Temporaries::new(
        Arc::new(MemoryRandomness::seeded(seed)),
        Arc::new(MemoryProcesses),
    )
}

/// How [`USER`] reaches a share.
pub(crate) fn access(url: &str) -> ShareAccess {
    ShareAccess {
        username: Some(USER.to_owned()),
        password: Some(password(PASSWORD)),
        patience: SharePatience {
            answer: Duration::from_secs(10),
            ..SharePatience::default()
        },
        settings: BTreeMap::new(),
        ..ShareAccess::to(ShareAddress::parse(url).unwrap())
    }
}

pub(crate) fn password(text: &str) -> Arc<SecretBytes> {
    Arc::new(SecretBytes::new(text.as_bytes().to_vec()))
}

pub(crate) async fn connect(access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
    SmbShareProvider::new(temporaries()).connect(access).await
}

/// A share of the server, as [`USER`].
pub(crate) async fn share(server: &SambaServer, name: &str) -> Arc<dyn FileShare> {
    connect(&access(&server.url(name))).await.unwrap()
}

pub(crate) fn at(path: &str) -> SharePath {
    SharePath::new(path)
}

pub(crate) async fn put(
    share: &dyn FileShare,
    path: &str,
    bytes: &[u8],
    replace: Replace,
) -> Result<WriteReceipt, ShareError> {
    let mut writer = share.create(&at(path), replace).await?;
    writer.write(bytes).await?;
    writer.publish().await
}

pub(crate) async fn content(share: &dyn FileShare, path: &str) -> Result<Vec<u8>, ShareError> {
    let mut bytes = Vec::new();
    share
        .read(&at(path))
        .await?
        .read_to_end(&mut bytes)
        .await
        .unwrap();
    Ok(bytes)
}
