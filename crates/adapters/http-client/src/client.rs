use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keystead_application::ports::Randomness;
use keystead_https::{CertificateFingerprint, Roots, client, http_failure};
use reqwest::Url;
use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::patience::{Patience, asked_for};
use crate::request::Prepared;
use crate::response::Incoming;
use crate::{ApiRequest, ApiResponse, ClientError, ClientOptions, Credential, StreamedResponse, Trust};

/// One manager, reached by HTTP.
pub struct HttpClient {
    http: reqwest::Client,
    address: Address,
    timeout: Duration,
    patience: Duration,
    credential: Option<HeaderValue>,
    randomness: Arc<dyn Randomness>,
}

impl HttpClient {
    /// Prepares to ask a manager. Nothing is sent yet. The randomness makes pauses between attempts uneven.
    ///
    /// # Errors
    /// [`ClientErrorKind::Options`](crate::ClientErrorKind::Options) when the address, the credential or what is trusted cannot be used.
    pub fn new(options: ClientOptions, randomness: Arc<dyn Randomness>) -> Result<Self, ClientError> {
        let address = Address::read(&options.base, options.allow_plain)?;
        let proxies = !address.is_plain && !address.is_here;
        let path;
        let roots = match &options.trust {
            _ if address.is_plain => Roots::None,
            Trust::System => Roots::System,
            Trust::File(file) => {
                path = file.to_str().ok_or_else(|| {
                    ClientError::options(
                        format!("the name of {} is not UTF-8", file.display()),
                        "give the file of certificates another name",
                    )
                })?;
                Roots::File(path)
            }
            Trust::Pem(text) => Roots::Pem(text),
            Trust::Fingerprint(text) => Roots::Fingerprint(fingerprint(text)?),
        };
        let http = client(&roots, proxies, options.timeout).map_err(ClientError::of_options)?;
        Ok(Self {
            http,
            address,
            timeout: options.timeout,
            patience: options.patience,
            credential: options.credential.as_ref().map(header).transpose()?,
            randomness,
        })
    }

    /// Asks, and gives the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer.
    pub async fn send(&self, request: ApiRequest) -> Result<ApiResponse, ClientError> {
        self.patiently(request, Incoming::whole).await
    }

    /// Asks, and gives the answer as soon as it begins. It is not asked again after that.
    ///
    /// # Errors
    /// [`ClientError`] when there is no answer.
    pub async fn send_streaming(&self, request: ApiRequest) -> Result<StreamedResponse, ClientError> {
        self.patiently(request, async |incoming| Ok(incoming.streamed()))
            .await
    }

    async fn patiently<T>(
        &self,
        request: ApiRequest,
        read: impl AsyncFn(Incoming) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let url = self.address.of(&request.path, &request.query)?;
        let request = request.prepare(self.credential.as_ref())?;
        let patience = if request.may_be_repeated {
            self.patience
        } else {
            Duration::ZERO
        };
        let mut patience = Patience::new(patience, Arc::clone(&self.randomness));
        loop {
            let error = match self.attempt(&url, &request).await {
                Ok(incoming) => {
                    let asked_for = asked_for(incoming.headers());
                    let is_unready = matches!(incoming.status(), 502..=504);
                    let why = "it is not ready";
                    if is_unready && patience.pause(why, asked_for).await {
                        continue;
                    }
                    match read(incoming).await {
                        Ok(answer) => return Ok(answer),
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            if !(error.is_passing() && patience.pause(&error.to_string(), None).await) {
                return Err(match patience.note() {
                    Some(note) => error.add(&note),
                    None => error,
                });
            }
        }
    }

    async fn attempt(&self, url: &Url, request: &Prepared) -> Result<Incoming, ClientError> {
        let manager = self.address.to_string();
        let mut sent = self
            .http
            .request(request.method.clone(), url.clone())
            .headers(request.headers.clone());
        if let Some(body) = &request.body {
            sent = sent.body(body.clone());
        }
        let response = tokio::time::timeout(self.timeout, sent.send())
            .await
            .map_err(|_| ClientError::silent(&manager, self.timeout))?
            .map_err(|e| ClientError::of(&manager, http_failure(&e), !e.is_connect()))?;
        Ok(Incoming {
            manager,
            response,
            timeout: self.timeout,
            max: request.max_response,
        })
    }
}

fn fingerprint(text: &str) -> Result<CertificateFingerprint, ClientError> {
    text.trim().parse().map_err(|e| {
        ClientError::options(
            format!("{e}"),
            "ask whoever runs the manager for the fingerprint of its certificate",
        )
    })
}

/// A header that is in no log, and whose bytes are cleared when it is dropped.
fn header(credential: &Credential) -> Result<HeaderValue, ClientError> {
    let Credential::Bearer(token) = credential;
    let bytes = Zeroizing::new([b"Bearer ", token.expose()].concat());
    // HeaderValue would take blanks and more; a token has none (RFC 6750, section 2.1).
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    let header = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes));
    match header {
        Ok(mut header) if !token.expose().is_empty() && token.expose().iter().all(is_token) => {
            header.set_sensitive(true);
            Ok(header)
        }
        _ => Err(ClientError::options(
            "the token has characters that no token has",
            "check where it was copied from",
        )),
    }
}
