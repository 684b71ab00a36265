use std::fmt;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::ClientError;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Something to ask a manager.
pub struct ApiRequest {
    /// What to do.
    pub method: Method,
    /// Where, from its first slash on; what is no letter, digit or one of `-._~!$&'()*+,;=:@/` is percent-encoded.
    pub path: String,
    /// What stands behind the question mark, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// What is sent along.
    pub body: Body,
    /// The most bytes that are read of the answer's body.
    pub max_response: u64,
}

/// The body of a request.
pub enum Body {
    /// None.
    None,
    /// JSON.
    Json(Zeroizing<Vec<u8>>),
    /// Something else.
    Other {
        /// What it is, such as `application/x-pem-file`.
        content_type: String,
        /// Its bytes.
        content: Zeroizing<Vec<u8>>,
    },
}

/// A request as it is sent, once or more often.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) max_response: u64,
    /// Whether it does no harm to ask again.
    pub(crate) may_be_repeated: bool,
}

impl ApiRequest {
    /// A request without query, headers and body, whose answer has at most 16 MiB.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
            max_response: 16 << 20,
        }
    }

    /// What is sent, beside where. The credential stands above what the request says.
    pub(crate) fn prepare(self, credential: Option<&HeaderValue>) -> Result<Prepared, ClientError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|_| unusable(name))?;
            let value = HeaderValue::try_from(value).map_err(|_| unusable(&name))?;
            headers.append(name, value);
        }
        let (content_type, content) = match self.body {
            Body::None => (None, None),
            Body::Json(content) => (Some(HeaderValue::from_static("application/json")), Some(content)),
            Body::Other {
                content_type,
                content,
            } => {
                let content_type =
                    HeaderValue::try_from(content_type).map_err(|_| unusable(&CONTENT_TYPE))?;
                (Some(content_type), Some(content))
            }
        };
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if let Some(credential) = credential {
            headers.insert(reqwest::header::AUTHORIZATION, credential.clone());
        }
        let has_key = headers.get(&IDEMPOTENCY_KEY).is_some_and(|key| !key.is_empty());
        Ok(Prepared {
            may_be_repeated: self.method.is_safe() || has_key,
            method: self.method,
            headers,
            // The bytes are cleared when the last attempt is over.
            body: content.map(Bytes::from_owner),
            max_response: self.max_response,
        })
    }
}

fn unusable(header: impl fmt::Display) -> ClientError {
    ClientError::request(format!("the header {header} has characters that no header has"))
}
