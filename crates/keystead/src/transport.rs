//! The way to the API of a manager.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::Randomness;
use keystead_cli::{
    ApiMethod, ApiRequest, ApiResponse, ApiStream, Failure, ServerAddress, ServerCertificate, Transport,
    TransportFailure,
};
use keystead_domain::SecretBytes;
use keystead_http_client::{
    ApiRequest as Sent, Body, ClientError, ClientErrorKind, ClientOptions, Credential, Headers, HttpClient,
    Method, Trust,
};

/// How long a request that can be repeated is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// A manager that is reached over HTTP. Each request has a client of its own, because each may bring another token.
struct HttpTransport {
    address: ServerAddress,
    randomness: Arc<dyn Randomness>,
}

/// The way to a manager.
///
/// # Errors
/// When the address or the certificate is none.
pub(crate) fn to(
    address: &ServerAddress,
    randomness: &Arc<dyn Randomness>,
) -> Result<Arc<dyn Transport>, Failure> {
    let transport = HttpTransport {
        address: address.clone(),
        randomness: Arc::clone(randomness),
    };
    transport.client(None, RETRY)?;
    Ok(Arc::new(transport))
}

impl HttpTransport {
    fn client(&self, bearer: Option<&str>, timeout: Duration) -> Result<HttpClient, ClientError> {
        let options = ClientOptions {
            base: self.address.url.clone(),
            trust: match &self.address.certificate {
                None => Trust::System,
                Some(ServerCertificate::Fingerprint(text)) => Trust::Fingerprint(text.clone()),
                Some(ServerCertificate::Pem(text)) => Trust::Pem(text.clone()),
            },
            timeout,
            patience: RETRY,
            allow_plain: false,
            credential: bearer.map(|text| Credential::Bearer(SecretBytes::new(text.as_bytes().to_vec()))),
        };
        HttpClient::new(options, Arc::clone(&self.randomness))
    }

    fn prepared(&self, request: ApiRequest) -> Result<(HttpClient, Sent), TransportFailure> {
        let ApiRequest {
            method,
            path,
            bearer,
            accept,
            if_match,
            idempotency_key,
            body,
            max_answer,
            patience,
        } = request;
        let client = self
            .client(bearer.as_ref().map(|text| text.as_str()), patience)
            .map_err(failed)?;
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path.to_owned(), pairs(query)),
            None => (path, Vec::new()),
        };
        let mut sent = Sent::new(word(method), path);
        sent.query = query;
        sent.max_response = max_answer as u64;
        sent.headers.push(("accept".to_owned(), accept.to_owned()));
        for (name, value) in [("if-match", if_match), ("idempotency-key", idempotency_key)] {
            sent.headers.extend(value.map(|value| (name.to_owned(), value)));
        }
        sent.body = body.map_or(Body::None, Body::Json);
        Ok((client, sent))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: ApiRequest) -> Result<ApiResponse, TransportFailure> {
        let (client, sent) = self.prepared(request)?;
        let answer = client.send(sent).await.map_err(failed)?;
        Ok(ApiResponse {
            status: answer.status,
            content_type: text(&answer.headers, "content-type"),
            etag: text(&answer.headers, "etag"),
            body: answer.body,
        })
    }

    async fn stream(&self, request: ApiRequest) -> Result<ApiStream, TransportFailure> {
        let (client, sent) = self.prepared(request)?;
        let answer = client.send_streaming(sent).await.map_err(failed)?;
        Ok(ApiStream {
            status: answer.status,
            content_type: text(&answer.headers, "content-type"),
            body: Box::new(answer),
        })
    }
}

fn failed(error: ClientError) -> TransportFailure {
    TransportFailure {
        may_pass: matches!(error.kind, ClientErrorKind::Unreachable | ClientErrorKind::Broken),
        failure: error.into(),
    }
}

fn text(headers: &Headers, name: &str) -> Option<String> {
    headers.find(name).map(str::to_owned)
}

fn word(method: ApiMethod) -> Method {
    match method {
        ApiMethod::Get => Method::GET,
        ApiMethod::Post => Method::POST,
        ApiMethod::Put => Method::PUT,
        ApiMethod::Patch => Method::PATCH,
        ApiMethod::Delete => Method::DELETE,
    }
}

/// The parameters of a query, decoded: the client encodes them again.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}
