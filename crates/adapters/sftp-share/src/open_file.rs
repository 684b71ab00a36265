use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use russh_sftp::client::error::Error as SftpError;

use crate::connection::Connection;

/// A file that is open at the server. Dropping it closes it.
pub(crate) struct OpenFile {
    pub(crate) connection: Arc<Connection>,
    pub(crate) handle: Arc<str>,
    is_open: bool,
}

impl OpenFile {
    pub(crate) fn new(connection: Arc<Connection>, handle: String) -> Self {
        Self {
            connection,
            handle: handle.into(),
            is_open: true,
        }
    }

    /// Closes it. Some servers only now say that what was written did not fit.
    pub(crate) async fn close(mut self) -> Result<(), SftpError> {
        self.is_open = false;
        self.connection.sftp.close(&*self.handle).await.map(|_| ())
    }
}

/// Sends a request now; its answer comes by the future. Servers that pass writes on to another service want them in
/// order, and tasks do not begin in the order in which they are spawned.
pub(crate) fn sent<T: Send + 'static>(
    request: impl Future<Output = T> + Send + 'static,
) -> Pin<Box<dyn Future<Output = T> + Send>> {
    let mut request = Box::pin(request);
    match request.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => request,
        Poll::Ready(answer) => Box::pin(std::future::ready(answer)),
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        // Without a runtime the connection ends too, and the server closes what was open on it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (connection, handle) = (Arc::clone(&self.connection), Arc::clone(&self.handle));
            runtime.spawn(async move { connection.sftp.close(&*handle).await });
        }
    }
}
