use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use keystead_application::ports::{EntryKind, Replace, ShareError, ShareErrorKind, SharePath};

use crate::token::token;

const MAX_NAME_BYTES: usize = 255;

/// The entries of a share by their whole paths, without the slash at the beginning. The root is always there.
#[derive(Default)]
pub(super) struct Tree {
    nodes: BTreeMap<String, Node>,
}

enum Node {
    Folder,
    File(Arc<[u8]>),
    /// A file that is being written; its writer is alive as long as this can be upgraded.
    Temporary(Vec<u8>, Weak<()>),
}

impl Tree {
    pub(super) fn make_folder(&mut self, path: &SharePath) -> Result<(), ShareError> {
        const OPERATION: &str = "make the folder";
        let key = key(path, OPERATION)?;
        let ends = key.match_indices('/').map(|(end, _)| end).chain([key.len()]);
        for end in ends.filter(|end| *end > 0) {
            let node = self.nodes.entry(key[..end].to_owned()).or_insert(Node::Folder);
            if !matches!(node, Node::Folder) {
                return Err(failure(
                    ShareErrorKind::NotAFile,
                    OPERATION,
                    path,
                    "a file stands there",
                ));
            }
        }
        Ok(())
    }

    pub(super) fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        Ok(self.kind(&key(path, "look at the path")?))
    }

    pub(super) fn read(&self, path: &SharePath) -> Result<Arc<[u8]>, ShareError> {
        const OPERATION: &str = "read the file";
        let key = key(path, OPERATION)?;
        if self.kind(&key) == Some(EntryKind::Folder) || path.names_folder() {
            return Err(failure(
                ShareErrorKind::NotAFile,
                OPERATION,
                path,
                "this is a folder",
            ));
        }
        match self.nodes.get(&key) {
            Some(Node::File(bytes)) => Ok(Arc::clone(bytes)),
            Some(Node::Temporary(bytes, _)) => Ok(bytes.as_slice().into()),
            Some(Node::Folder) | None => Err(failure(
                ShareErrorKind::NotFound,
                OPERATION,
                path,
                "there is no such file",
            )),
        }
    }

    /// Begins to write under a temporary name, and returns that.
    pub(super) fn begin(
        &mut self,
        path: &SharePath,
        replace: Replace,
        writer: &Arc<()>,
    ) -> Result<String, ShareError> {
        const OPERATION: &str = "create the file";
        let key = self.check_target(path, replace, OPERATION)?;
        let digits: String = token(8).iter().map(|byte| format!("{byte:02x}")).collect();
        let temporary = in_folder(folder_of(&key), &format!(".keystead-{digits}.tmp"));
        let node = Node::Temporary(Vec::new(), Arc::downgrade(writer));
        self.nodes.insert(temporary.clone(), node);
        Ok(temporary)
    }

    pub(super) fn append(
        &mut self,
        temporary: &str,
        path: &SharePath,
        more: &[u8],
    ) -> Result<(), ShareError> {
        match self.nodes.get_mut(temporary) {
            Some(Node::Temporary(bytes, _)) => {
                bytes.extend_from_slice(more);
                Ok(())
            }
            Some(Node::Folder | Node::File(_)) | None => Err(vanished("write the file", path)),
        }
    }

    /// Moves what was written to its name.
    pub(super) fn publish(
        &mut self,
        temporary: &str,
        path: &SharePath,
        replace: Replace,
    ) -> Result<u64, ShareError> {
        const OPERATION: &str = "publish the file";
        let key = self.check_target(path, replace, OPERATION)?;
        match self.nodes.remove(temporary) {
            Some(Node::Temporary(bytes, _)) => {
                let length = bytes.len() as u64;
                self.nodes.insert(key, Node::File(bytes.into()));
                Ok(length)
            }
            Some(Node::Folder | Node::File(_)) | None => Err(vanished(OPERATION, path)),
        }
    }

    pub(super) fn forget(&mut self, temporary: &str) {
        if let Some(Node::Temporary(..)) = self.nodes.get(temporary) {
            self.nodes.remove(temporary);
        }
    }

    pub(super) fn remove(&mut self, path: &SharePath) -> Result<(), ShareError> {
        const OPERATION: &str = "remove the file";
        let key = key(path, OPERATION)?;
        if self.kind(&key) == Some(EntryKind::Folder) {
            return Err(failure(
                ShareErrorKind::NotAFile,
                OPERATION,
                path,
                "this is a folder",
            ));
        }
        self.nodes.remove(&key);
        Ok(())
    }

    pub(super) fn clean_up(&mut self, path: &SharePath) -> Result<usize, ShareError> {
        let key = key(path, "clean up the folder")?;
        let folder = folder_of(&key).to_owned();
        let before = self.nodes.len();
        self.nodes.retain(|key, node| match node {
            Node::Temporary(_, writer) => folder_of(key) != folder || writer.strong_count() > 0,
            Node::Folder | Node::File(_) => true,
        });
        Ok(before - self.nodes.len())
    }

    pub(super) fn files_in(&self, folder: &SharePath) -> usize {
        let folder = folder.as_str().trim_matches('/');
        let is_in = |key: &str| folder_of(key) == folder;
        self.nodes
            .iter()
            .filter(|(key, node)| is_in(key) && !matches!(node, Node::Folder))
            .count()
    }

    /// That a file may come to stand at a path.
    fn check_target(
        &self,
        path: &SharePath,
        replace: Replace,
        operation: &'static str,
    ) -> Result<String, ShareError> {
        let key = key(path, operation)?;
        let refused = |kind, why| Err(failure(kind, operation, path, why));
        if self.kind(folder_of(&key)) != Some(EntryKind::Folder) {
            return refused(ShareErrorKind::NoFolder, "its folder does not exist");
        }
        match self.kind(&key) {
            _ if path.names_folder() => refused(ShareErrorKind::NotAFile, "the path names a folder"),
            Some(EntryKind::Folder | EntryKind::Other) => {
                refused(ShareErrorKind::NotAFile, "this is a folder")
            }
            Some(EntryKind::File) if replace == Replace::Never => {
                refused(ShareErrorKind::Exists, "there is a file already")
            }
            Some(EntryKind::File) | None => Ok(key),
        }
    }

    fn kind(&self, key: &str) -> Option<EntryKind> {
        if key.is_empty() {
            return Some(EntryKind::Folder);
        }
        self.nodes.get(key).map(|node| match node {
            Node::Folder => EntryKind::Folder,
            Node::File(_) | Node::Temporary(..) => EntryKind::File,
        })
    }
}

fn key(path: &SharePath, operation: &'static str) -> Result<String, ShareError> {
    let key = path.as_str().trim_matches('/');
    path.names(operation)?;
    let is_bad = |name: &str| name.is_empty() || name.len() > MAX_NAME_BYTES;
    if !key.is_empty() && key.split('/').any(is_bad) {
        return Err(failure(
            ShareErrorKind::BadName,
            operation,
            path,
            "a name in the path is not allowed",
        ));
    }
    Ok(key.to_owned())
}

fn folder_of(key: &str) -> &str {
    key.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn in_folder(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

fn vanished(operation: &'static str, path: &SharePath) -> ShareError {
    failure(
        ShareErrorKind::Unavailable,
        operation,
        path,
        "the temporary file is gone",
    )
}

fn failure(kind: ShareErrorKind, operation: &'static str, path: &SharePath, why: &str) -> ShareError {
    ShareError::new(kind, operation, path.as_str(), why)
}
