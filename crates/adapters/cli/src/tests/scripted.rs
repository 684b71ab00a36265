//! A way to a manager that answers what a test says.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{ApiMethod, ApiRequest, ApiResponse, ApiStream, Failure, Transport, TransportFailure};

/// What comes back for the requests of a command, in their order.
#[derive(Default)]
pub(super) struct Script(Vec<Reply>);

pub(super) enum Reply {
    Answer(ApiResponse),
    /// The connection breaks.
    Lost,
    /// Nothing comes.
    Nothing,
}

/// A request that was made.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    /// Method and path.
    pub(super) what: String,
    pub(super) bearer: Option<String>,
    pub(super) if_match: Option<String>,
    pub(super) idempotency_key: Option<String>,
    /// `null` when there is none.
    pub(super) body: Value,
}

impl Script {
    pub(super) fn of(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self(replies.into_iter().collect())
    }
}

/// An answer in JSON.
pub(super) fn answer(body: &impl Serialize) -> Reply {
    body_of(
        "application/json",
        serde_json::to_string(body).unwrap().as_bytes(),
    )
}

/// A job, as far as it is; with what came of it when it is done.
pub(super) fn job(state: &str, result: &Value) -> Reply {
    answer(&serde_json::json!({
        "id": JOB,
        "kind": "create-keyset",
        "state": state,
        "done": 0,
        "total": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "finished_at": null,
        "result": result,
        "problem": null,
    }))
}

pub(super) const JOB: &str = "77777777-7777-4777-8777-777777777777";

/// An answer in JSON that is there as text.
pub(super) fn json(text: &str) -> Reply {
    body_of("application/json", text.as_bytes())
}

/// Another answer.
pub(super) fn body_of(content_type: &str, body: &[u8]) -> Reply {
    Reply::Answer(ApiResponse {
        status: 200,
        content_type: Some(content_type.to_owned()),
        etag: Some("\"7\"".to_owned()),
        body: Zeroizing::new(body.to_vec()),
    })
}

/// A refusal.
pub(super) fn problem(code: &str, status: u16, exit_status: u8) -> Reply {
    let problem = serde_json::json!({
        "type": format!("urn:keystead:problem:{code}"),
        "title": format!("what of {code}"),
        "status": status,
        "detail": format!("why of {code}"),
        "fix": "not this one",
        "cli_fix": format!("fix of {code}"),
        "code": code,
        "exit_status": exit_status,
        "request_id": "r-1",
        "from_a_newer_manager": true,
    });
    Reply::Answer(ApiResponse {
        status,
        content_type: Some("application/problem+json; charset=utf-8".to_owned()),
        etag: None,
        body: Zeroizing::new(problem.to_string().into_bytes()),
    })
}

/// Plays a script.
pub(super) struct ScriptedTransport {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
}

impl ScriptedTransport {
    pub(super) fn new(script: Script) -> Self {
        Self {
            replies: Mutex::new(script.0.into()),
            asked: Mutex::default(),
        }
    }

    /// What was asked; everything that the script has must have been.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let left = self.replies.lock().unwrap().len();
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        assert_eq!(left, 0, "not asked for: {left} answers, after {asked:#?}");
        asked
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: ApiRequest) -> Result<ApiResponse, TransportFailure> {
        let method = match request.method {
            ApiMethod::Get => "GET",
            ApiMethod::Post => "POST",
            ApiMethod::Put => "PUT",
            ApiMethod::Patch => "PATCH",
            ApiMethod::Delete => "DELETE",
        };
        let what = format!("{method} {}", request.path);
        let body = request.body.as_deref();
        self.asked.lock().unwrap().push(Asked {
            what: what.clone(),
            bearer: request.bearer.as_deref().cloned(),
            if_match: request.if_match,
            idempotency_key: request.idempotency_key,
            body: body.map_or(Value::Null, |body| serde_json::from_slice(body).unwrap()),
        });
        let reply = self.replies.lock().unwrap().pop_front();
        match reply {
            Some(Reply::Nothing) => std::future::pending().await,
            Some(Reply::Answer(response)) => Ok(response),
            Some(Reply::Lost) => Err(TransportFailure {
                failure: Failure::new(
                    keystead_application::Status::Refused,
                    "the manager did not answer",
                    "the connection broke",
                    "check the network",
                ),
                may_pass: true,
            }),
            None => panic!("the script has no answer for {what}"),
        }
    }

    async fn stream(&self, request: ApiRequest) -> Result<ApiStream, TransportFailure> {
        let ApiResponse {
            status,
            content_type,
            etag: _,
            body,
        } = self.send(request).await?;
        Ok(ApiStream {
            status,
            content_type,
            body: Box::new(std::io::Cursor::new(body.to_vec())),
        })
    }
}
