use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keystead_application::ports::{Clock, RandomnessExt, Schema, Store};
use keystead_application::use_cases::{AccessError, FirstAdmin, MadeCode, RecordAccess, SignIn};
use keystead_application::{Foundation, Tools};
use tokio::sync::{Notify, Semaphore};

use crate::metrics::Metrics;
use crate::problem::ApiProblem;
use crate::view::{View, Views};

/// How many requests with large bodies are worked on at once; each may take tens of megabytes.
const LARGE_AT_ONCE: usize = 2;
/// How many sign-ins may wait for their passwords to be compared.
const SIGN_INS_AT_ONCE: usize = 16;
/// How many times at once the whole trail is read.
const WHOLE_TRAILS_AT_ONCE: usize = 1;

/// What is set up about the service.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// Whether browsers reach it by HTTPS, here or at a proxy: then cookies are sent by HTTPS alone.
    pub secure_cookies: bool,
    /// Addresses of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a request may take.
    pub deadline: Duration,
    /// How long an export or import, or reading the whole trail, may take.
    pub long_deadline: Duration,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            secure_cookies: true,
            trusted_proxies: Vec::new(),
            deadline: Duration::from_secs(30),
            long_deadline: Duration::from_secs(300),
        }
    }
}

/// The service: what every request works with.
pub struct Service {
    pub(crate) tools: Arc<Tools>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) schema: Arc<dyn Schema>,
    pub(crate) options: ServiceOptions,
    pub(crate) views: Views,
    pub(crate) metrics: Metrics,
    /// Wakes the runner of this process when a job was asked for here. Others look for themselves.
    pub(crate) new_job: Notify,
    /// Names this process among all that serve the same installation.
    pub(crate) runner: String,
    pub(crate) large: Arc<Semaphore>,
    pub(crate) sign_ins: Semaphore,
    pub(crate) whole_trails: Semaphore,
    requests: AtomicU64,
}

impl Service {
    /// A service over what an installation stands on.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(
        tools: Arc<Tools>,
        foundation: Foundation,
        schema: Arc<dyn Schema>,
        options: ServiceOptions,
    ) -> Result<Self, AccessError> {
        let Foundation {
            store,
            master_keys,
            place: _,
        } = foundation;
        let random: [u8; 8] = tools.randomness.bytes()?;
        Ok(Self {
            views: Views::new(Arc::clone(&store), master_keys),
            runner: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            tools,
            store,
            schema,
            options,
            metrics: Metrics::new(),
            new_job: Notify::new(),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            sign_ins: Semaphore::new(SIGN_INS_AT_ONCE),
            whole_trails: Semaphore::new(WHOLE_TRAILS_AT_ONCE),
            requests: AtomicU64::new(1),
        })
    }

    /// Makes the code for the first admin, when there is no user yet. It is for the eyes of who runs the service.
    ///
    /// # Errors
    /// When the installation cannot be used.
    pub async fn first_admin_code(&self) -> Result<Option<MadeCode>, StartError> {
        let view = self.views.now().await.map_err(StartError)?;
        let first = FirstAdmin {
            records: self.records(&view),
            passwords: self.tools.passwords.as_ref(),
            randomness: self.tools.randomness.as_ref(),
        };
        first
            .code_if_needed()
            .await
            .map_err(|error| StartError(ApiProblem::from(error)))
    }

    pub(crate) fn records<'a>(&'a self, view: &'a View) -> RecordAccess<'a> {
        RecordAccess {
            store: self.store.as_ref(),
            installation: &view.installation,
            master_key: view.master_key.as_ref(),
            signing: self.tools.signing.as_ref(),
            clock: self.tools.clock.as_ref(),
        }
    }

    /// Compares passwords.
    pub(crate) fn sign_in<'a>(&'a self, view: &'a View) -> SignIn<'a> {
        SignIn {
            records: self.records(view),
            passwords: self.tools.passwords.as_ref(),
            randomness: self.tools.randomness.as_ref(),
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.tools.clock.as_ref()
    }

    /// Names a request in the log and to who made it.
    pub(crate) fn request_id(&self) -> String {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.runner)
    }
}

/// The service cannot work with this installation.
#[derive(Debug)]
pub struct StartError(ApiProblem);

impl keystead_application::Explain for StartError {
    fn what(&self) -> String {
        self.0.problem.title.clone()
    }

    fn why(&self) -> String {
        self.0.problem.detail.clone()
    }

    fn fix(&self) -> String {
        let problem = &self.0.problem;
        problem.cli_fix.clone().unwrap_or_else(|| problem.fix.clone())
    }

    fn status(&self) -> keystead_application::Status {
        keystead_application::Status::Refused
    }
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.problem.detail)
    }
}

impl std::error::Error for StartError {}
