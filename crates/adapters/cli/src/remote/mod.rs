//! The command line at a distance: commands that do their work over the API of a manager.

mod address;
mod answers;
mod backup_server;
mod commands;
mod jobs;
mod lists;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::RandomnessExt;
use keystead_application::{Status, Tools};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

pub(crate) use address::{Credential, address, given};
pub(crate) use answers::{Answer, Refusal};
pub(crate) use backup_server::{own_manager, remembered_address, remembered_manager};
pub(crate) use commands::check_is_possible;
pub(crate) use jobs::wait_for;
pub(crate) use lists::{audit, keysets, recoveries};
pub use transport::{
    ApiMethod, ApiRequest, ApiResponse, ApiStream, ServerAddress, ServerCertificate, Transport,
    TransportFailure,
};

use crate::Failure;

/// Longer than any answer but exports of the audit trail: 10,000 files of a recovery request, or a response with their keys.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Activating, exporting and testing shares take their time.
const PATIENCE: Duration = Duration::from_secs(120);
const JSON: &str = "application/json";

/// The API of one manager.
pub(crate) struct Remote {
    transport: Arc<dyn Transport>,
    credential: Credential,
}

/// A request that is being put together.
pub(crate) struct Call {
    request: ApiRequest,
}

impl Call {
    pub(crate) fn new(method: ApiMethod, path: impl Into<String>) -> Self {
        Self {
            request: ApiRequest {
                method,
                path: path.into(),
                bearer: None,
                accept: JSON,
                if_match: None,
                idempotency_key: None,
                body: None,
                max_answer: MAX_ANSWER,
                patience: PATIENCE,
            },
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Get, path)
    }

    pub(crate) fn post(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Post, path)
    }

    pub(crate) fn patch(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Patch, path)
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self::new(ApiMethod::Delete, path)
    }

    /// With a body.
    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, Failure> {
        // Room from the start: a vector that grows leaves copies of secrets behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * 1024 * 1024));
        serde_json::to_writer(&mut *bytes, body).map_err(|error| {
            Failure::new(
                Status::Refused,
                "the request could not be written",
                error.to_string(),
                "report it as a bug",
            )
        })?;
        self.request.body = Some(bytes);
        Ok(self)
    }

    pub(crate) fn accepting(mut self, kind: &'static str) -> Self {
        self.request.accept = kind;
        self
    }

    /// Only when what is there is still of this version.
    pub(crate) fn if_match(mut self, version: Option<String>) -> Self {
        self.request.if_match = version;
        self
    }

    pub(crate) fn patience(mut self, patience: Duration) -> Self {
        self.request.patience = patience;
        self
    }

    /// Makes a request that can be repeated without being carried out twice.
    pub(crate) fn once(mut self, tools: &Tools) -> Result<Self, Failure> {
        let random: [u8; 16] = tools.randomness.bytes().map_err(|error| {
            Failure::new(
                Status::Refused,
                "the request was not made",
                error.to_string(),
                "check the operating system's random device",
            )
        })?;
        let key: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        self.request.idempotency_key = Some(key);
        Ok(self)
    }
}

impl Remote {
    pub(crate) fn new(transport: Arc<dyn Transport>, credential: Credential) -> Self {
        Self {
            transport,
            credential,
        }
    }

    /// Sends a request.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, Refusal> {
        let mut request = call.request;
        request.bearer = self.credential.bearer().await?;
        let response = self.transport.send(request).await.map_err(Refusal::Lost)?;
        Answer::of(response)
    }

    /// Sends a request whose answer is too long to be kept in memory.
    pub(crate) async fn stream(&self, call: Call) -> Result<ApiStream, Refusal> {
        use tokio::io::AsyncReadExt;
        let mut request = call.request;
        request.bearer = self.credential.bearer().await?;
        let stream = self.transport.stream(request).await.map_err(Refusal::Lost)?;
        if (200..300).contains(&stream.status) {
            return Ok(stream);
        }
        const MAX_PROBLEM: u64 = 1024 * 1024;
        let mut body = Vec::new();
        // What comes of it is a refusal in any case.
        let _ = stream.body.take(MAX_PROBLEM).read_to_end(&mut body).await;
        Err(answers::refusal(
            stream.status,
            stream.content_type.as_deref(),
            &body,
        ))
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: impl Into<String>) -> Result<T, Failure> {
        Ok(self.call(Call::get(path)).await?.json()?)
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        Ok(self.call(Call::post(path).json(body)?).await?.json()?)
    }

    pub(crate) async fn patch<T: DeserializeOwned>(
        &self,
        path: impl Into<String>,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        Ok(self.call(Call::patch(path).json(body)?).await?.json()?)
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: impl Into<String>) -> Result<T, Failure> {
        Ok(self.call(Call::delete(path)).await?.json()?)
    }
}
