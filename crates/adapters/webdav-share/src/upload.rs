//! A file on its way to the server, whose end nobody knows yet.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use keystead_application::ports::{ShareError, ShareErrorKind};
use reqwest::{Body, StatusCode};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::client::{Client, Target};
use crate::error::Step;

/// How many pieces wait to be sent.
const WAITING: usize = 2;

type Outcome = Result<StatusCode, ShareError>;

/// A request whose body comes piece by piece.
pub(crate) struct Upload {
    pieces: Option<mpsc::Sender<Bytes>>,
    request: Option<JoinHandle<Outcome>>,
    outcome: Option<Outcome>,
    step: Step,
}

impl Upload {
    pub(crate) fn begin(client: Arc<Client>, at: Target, step: Step) -> Self {
        let (pieces, waiting) = mpsc::channel(WAITING);
        let body = stream::unfold(waiting, |mut waiting| async move {
            let piece: Bytes = waiting.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(piece), waiting))
        });
        let request = tokio::spawn({
            let step = step.clone();
            async move { client.put(&at, Body::wrap_stream(body), &step).await }
        });
        Self {
            pieces: Some(pieces),
            request: Some(request),
            outcome: None,
            step,
        }
    }

    /// Sends a piece. Whether the server goes on taking them shows here; `false` when it has stopped.
    pub(crate) async fn send(&self, piece: Bytes) -> bool {
        match &self.pieces {
            Some(pieces) => pieces.send(piece).await.is_ok(),
            None => false,
        }
    }

    /// Ends the file where it is and waits for what the server says. A request that is broken off leaves on some servers
    /// a file that appears after it was removed; one that has ended does not.
    pub(crate) async fn finish(&mut self) -> Outcome {
        self.pieces = None;
        if let Some(request) = &mut self.request {
            let outcome = match request.await {
                Ok(outcome) => outcome,
                Err(e) => Err(self.step.error(ShareErrorKind::Unavailable, e.to_string())),
            };
            self.request = None;
            self.outcome = Some(outcome);
        }
        match self.outcome.take() {
            Some(outcome) => outcome,
            None => Err(self
                .step
                .error(ShareErrorKind::Unavailable, "an earlier write failed")),
        }
    }
}
