//! Recovery requests, as the backup server that makes them sees them.

use keystead_application::use_cases::{ListedRequest, MadeRequest, Progressed, TakenResponse};
use keystead_domain::RequestId;
use keystead_wire::UnopenedJson;
use serde::Serialize;

/// A request that a backup server made.
#[derive(Serialize)]
pub(crate) struct RequestMadeJson<'a> {
    id: String,
    digest: String,
    expires_at: String,
    file_count: usize,
    keysets: Vec<String>,
    place: Option<&'a str>,
    text: Option<&'a str>,
    /// Whether the manager has it; absent when it was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<bool>,
}

impl<'a> RequestMadeJson<'a> {
    /// One that the manager has.
    pub(crate) fn sent(made: &MadeRequest, place: Option<&'a str>) -> Self {
        Self {
            sent: Some(true),
            ..Self::new(made, place, None)
        }
    }

    pub(crate) fn new(made: &MadeRequest, place: Option<&'a str>, text: Option<&'a str>) -> Self {
        Self {
            id: made.id.to_string(),
            digest: made.digest.to_string(),
            expires_at: made.expires_at.to_string(),
            file_count: made.files,
            keysets: made.keysets.keys().map(ToString::to_string).collect(),
            place,
            text,
            sent: None,
        }
    }
}

/// The requests of a backup server.
#[derive(Serialize)]
pub(crate) struct OwnRequestsJson {
    requests: Vec<OwnRequestJson>,
}

#[derive(Serialize)]
struct OwnRequestJson {
    id: String,
    state: &'static str,
    digest: String,
    created_at: String,
    expires_at: String,
    files: Vec<Option<String>>,
}

impl OwnRequestsJson {
    pub(crate) fn new(list: &[ListedRequest]) -> Self {
        let request = |listed: &ListedRequest| OwnRequestJson {
            id: listed.request.id.to_string(),
            state: match listed.progressed {
                Progressed::Waiting => "waiting",
                Progressed::Keys => "keys",
                Progressed::Finished => "finished",
                Progressed::Over => "over",
            },
            digest: listed.request.digest.to_string(),
            created_at: listed.request.validity.created_at.to_string(),
            expires_at: listed.request.validity.expires_at.to_string(),
            files: listed
                .request
                .files
                .iter()
                .map(|file| file.place.clone())
                .collect(),
        };
        Self {
            requests: list.iter().map(request).collect(),
        }
    }
}

/// A response that was applied.
#[derive(Serialize)]
pub(crate) struct AppliedJson<'a> {
    request: String,
    /// Until when the keys can be used; absent when no response was read by this command.
    keys_until: Option<String>,
    unopened: Vec<UnopenedJson>,
    opened: Vec<RestoredJson<'a>>,
    opened_before: usize,
    failed: Vec<FailedJson<'a>>,
    /// Whether everything is open, and the keys are destroyed.
    finished: bool,
}

/// A file that was opened.
#[derive(Serialize)]
pub(crate) struct RestoredJson<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
}

#[derive(Serialize)]
pub(crate) struct FailedJson<'a> {
    pub(crate) file: &'a str,
    pub(crate) why: &'a str,
}

impl<'a> AppliedJson<'a> {
    pub(crate) fn new(
        request: RequestId,
        taken: Option<&TakenResponse>,
        opened: Vec<RestoredJson<'a>>,
        opened_before: usize,
        failed: Vec<FailedJson<'a>>,
        finished: bool,
    ) -> Self {
        Self {
            request: request.to_string(),
            keys_until: taken.map(|taken| taken.until.to_string()),
            unopened: taken.map_or_else(Vec::new, |taken| {
                taken.unopened.iter().map(UnopenedJson::from).collect()
            }),
            opened,
            opened_before,
            failed,
            finished,
        }
    }
}
