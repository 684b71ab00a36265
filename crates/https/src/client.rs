use std::time::Duration;

use keystead_application::ports::ShareErrorKind;

use crate::tls::client_config;
use crate::{HttpFailure, Roots};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it is still there, before it counts as dead.
const ASKED: u32 = 3;

/// A client that follows no redirect, so that credentials go to nobody else, tries nothing again, and uses the proxies of the
/// environment only when it may. `silence` is how long the other machine may leave what it was sent unacknowledged before
/// the connection counts as dead. A slow link acknowledges, so a transfer may take as long as it needs.
///
/// # Errors
/// Which certificates cannot be had.
pub fn client(roots: &Roots<'_>, proxies: bool, silence: Duration) -> Result<reqwest::Client, HttpFailure> {
    let pause = (silence / ASKED).max(Duration::from_secs(1));
    let mut http = reqwest::Client::builder()
        .user_agent(concat!("keystead/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(client_config(roots)?)
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(pause)
        .tcp_keepalive_interval(pause)
        .tcp_keepalive_retries(ASKED - 1)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    // A time limit for reading would count from the beginning of a request, and break slow uploads.
    #[cfg(target_os = "linux")]
    {
        http = http.tcp_user_timeout(silence);
    }
    if !proxies {
        http = http.no_proxy();
    }
    http.build()
        .map_err(|e| HttpFailure::new(ShareErrorKind::BadLocation, e.to_string()))
}
