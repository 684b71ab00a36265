use std::sync::Arc;

use crate::error::{Answer, answer};
use crate::open_file::OpenFile;
use crate::share::Inner;

/// A file under a temporary name. Unless it is published it goes away.
pub(crate) struct Temporary {
    inner: Arc<Inner>,
    pub(crate) name: String,
    /// As the server writes it.
    pub(crate) path: String,
    pub(crate) file: Option<OpenFile>,
    is_settled: bool,
}

impl Temporary {
    /// Takes care of a file that may come to be.
    pub(crate) fn new(inner: Arc<Inner>, folder: &str, name: String) -> Self {
        Self {
            inner,
            path: format!("{}/{name}", folder.trim_end_matches('/')),
            name,
            file: None,
            is_settled: false,
        }
    }

    /// There is no such file: it never came to be, or it has another name now.
    pub(crate) fn is_gone(&mut self) {
        self.is_settled = true;
    }

    /// Removes it now.
    pub(crate) async fn remove(&mut self) {
        if self.is_settled {
            return;
        }
        let gone = remove(&self.inner, &self.path, self.file.take()).await;
        let temporaries = &self.inner.temporaries;
        if gone {
            temporaries.removed(&self.name);
        } else {
            temporaries.abandon(&self.name);
        }
        self.is_settled = true;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        let (inner, path, file) = (Arc::clone(&self.inner), self.path.clone(), self.file.take());
        let removal = async move { remove(&inner, &path, file).await };
        self.inner.temporaries.remove_later(self.name.clone(), removal);
    }
}

/// Whether the file is gone. When the link broke, a new one is tried once.
async fn remove(inner: &Inner, path: &str, file: Option<OpenFile>) -> bool {
    if let Some(file) = file {
        // Some servers do not remove what is open. Whether it was closed well does not matter any more.
        let _ = file.close().await;
    }
    for _ in 0..2 {
        let Ok(connection) = inner.connection().await else {
            return false;
        };
        match connection.sftp.remove(path).await.map_err(|e| answer(&e)) {
            Ok(_) | Err(Answer::Missing) => return true,
            Err(Answer::LinkLost(_)) => inner.forget(&connection).await,
            Err(_) => return false,
        }
    }
    false
}
