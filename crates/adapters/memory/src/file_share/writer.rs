use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{Replace, ShareError, SharePath, ShareWriter, WriteReceipt};

use super::CAPABILITIES;
use super::tree::Tree;
use crate::token::lock;

/// A file that is being written, under a temporary name until it is published.
pub(super) struct MemoryShareWriter {
    tree: Arc<Mutex<Tree>>,
    path: SharePath,
    replace: Replace,
    temporary: String,
    // The tree knows by this that the writer is alive.
    _alive: Arc<()>,
}

impl MemoryShareWriter {
    pub(super) fn begin(
        tree: Arc<Mutex<Tree>>,
        path: &SharePath,
        replace: Replace,
    ) -> Result<Self, ShareError> {
        let alive = Arc::new(());
        let temporary = lock(&tree).begin(path, replace, &alive)?;
        Ok(Self {
            tree,
            path: path.clone(),
            replace,
            temporary,
            _alive: alive,
        })
    }
}

#[async_trait]
impl ShareWriter for MemoryShareWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        lock(&self.tree).append(&self.temporary, &self.path, bytes)
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        let bytes = lock(&self.tree).publish(&self.temporary, &self.path, self.replace)?;
        Ok(WriteReceipt {
            place: self.path.to_string(),
            bytes,
            promised: CAPABILITIES,
        })
    }

    async fn discard(self: Box<Self>) {}
}

impl Drop for MemoryShareWriter {
    fn drop(&mut self) {
        lock(&self.tree).forget(&self.temporary);
    }
}
