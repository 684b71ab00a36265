//! What the tests of this crate have in common.

#![allow(dead_code, unreachable_pub, reason = "not every test needs all of it")]

use std::sync::{Arc, OnceLock};

use keystead_application::ports::{
    FileShare, Replace, ShareAccess, ShareAddress, ShareError, ShareErrorKind, SharePath, ShareProvider,
    Temporaries, WriteReceipt,
};
use keystead_domain::SecretBytes;
use keystead_memory::{MemoryProcesses, MemoryRandomness};
use keystead_s3_share::S3ShareProvider;
use keystead_test_servers::{S3Server, S3Settings};
use tokio::io::AsyncReadExt;

pub fn temporaries() -> Temporaries {
    Temporaries::new(Arc::new(MemoryRandomness::default()), Arc::new(MemoryProcesses))
}

/// How a place on the server is reached with the right key.
pub fn access(url: &str, endpoint: &str) -> ShareAccess {
    let mut access = ShareAccess {
        username: Some(S3Server::ACCESS_KEY_ID.to_owned()),
        password: Some(Arc::new(SecretBytes::new(S3Server::SECRET.as_bytes().to_vec()))),
        ..ShareAccess::to(ShareAddress::parse(url).unwrap())
    };
    access.settings.insert("endpoint".to_owned(), endpoint.to_owned());
    access
}

pub async fn connect(access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
    S3ShareProvider::new(temporaries()).connect(access).await
}

/// A server for all tests of a binary that do not stop it. Each of them has a folder of its own there.
pub fn server() -> Option<&'static S3Server> {
    static SERVER: OnceLock<Option<S3Server>> = OnceLock::new();
    let start = || S3Server::start(S3Settings::default());
    SERVER.get_or_init(start).as_ref()
}

/// How a folder of the bucket is reached with the right key.
pub fn folder_on(server: &S3Server, name: &str) -> ShareAccess {
    access(&format!("{}/{name}", server.url()), &server.endpoint())
}

pub async fn put(
    share: &dyn FileShare,
    path: &str,
    bytes: &[u8],
    replace: Replace,
) -> Result<WriteReceipt, ShareError> {
    let mut writer = share.create(&SharePath::new(path), replace).await?;
    writer.write(bytes).await?;
    writer.publish().await
}

pub async fn content(share: &dyn FileShare, path: &str) -> Result<Vec<u8>, ShareError> {
    let mut bytes = Vec::new();
    let mut file = share.read(&SharePath::new(path)).await?;
    file.read_to_end(&mut bytes).await.unwrap();
    Ok(bytes)
}

/// The kind of a failure, whose text must not hold the secret.
pub fn kind<T>(result: Result<T, ShareError>) -> ShareErrorKind {
    let Err(error) = result else {
        panic!("it succeeded")
    };
    assert!(!error.to_string().contains(S3Server::SECRET), "{error}");
    error.kind
}

/// Bytes in which every piece differs.
pub fn bytes(count: usize) -> Vec<u8> {
    let numbers = (0..count as u64).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    numbers.take(count).collect()
}
