//! What the tests of this crate have in common.

#![allow(dead_code, unreachable_pub, reason = "not every test needs all of it")]

use std::sync::Arc;

use keystead_application::ports::{
    FileShare, Replace, ShareAccess, ShareAddress, ShareError, ShareErrorKind, SharePath, ShareProvider,
    Temporaries, WriteReceipt,
};
use keystead_domain::SecretBytes;
use keystead_memory::{MemoryProcesses, MemoryRandomness};
use keystead_test_servers::{PASSWORD, ScriptedServer, USER};
use keystead_webdav_share::WebDavShareProvider;
use tokio::io::AsyncReadExt;

pub fn temporaries() -> Temporaries {
    Temporaries::new(Arc::new(MemoryRandomness::default()), Arc::new(MemoryProcesses))
}

/// How the server at a URL is reached with the right password.
pub fn access(url: &str) -> ShareAccess {
    ShareAccess {
        username: Some(USER.to_owned()),
        password: Some(Arc::new(SecretBytes::new(PASSWORD.as_bytes().to_vec()))),
        ..ShareAccess::to(ShareAddress::parse(url).unwrap())
    }
}

pub async fn connect(access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
    WebDavShareProvider::new(temporaries()).connect(access).await
}

pub async fn share_at(url: &str) -> Arc<dyn FileShare> {
    connect(&access(url)).await.unwrap()
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

/// The kind of a failure, whose text must not hold the password.
pub fn kind<T>(result: Result<T, ShareError>) -> ShareErrorKind {
    let Err(error) = result else {
        panic!("it succeeded")
    };
    assert!(!error.to_string().contains(PASSWORD), "{error}");
    error.kind
}

/// An answer to PROPFIND that says that there is a file, or a folder.
pub fn found(resource_type: &str) -> String {
    let body = format!(
        "<D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>/x</D:href><D:propstat><D:prop><D:resourcetype>\
         {resource_type}</D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\
         </D:multistatus>"
    );
    ScriptedServer::answer("207 Multi-Status", &body)
}

/// A share whose server answers with what is made up.
pub async fn share_of(server: &ScriptedServer) -> Arc<dyn FileShare> {
    share_at(&format!("webdav://127.0.0.1:{}", server.port())).await
}
