use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{
    FileShare, ShareAccess, ShareAddress, ShareError, ShareErrorKind, ShareProvider, ShareSetting,
    Temporaries,
};
use keystead_https::{Roots, client, is_loopback};
use reqwest::Url;

use crate::WebDavFileShare;
use crate::client::{Client, User};

const CA_FILE: &str = "ca_file";
const INSECURE: &str = "insecure";
const SETTINGS: &[ShareSetting] = &[ShareSetting::path(CA_FILE), ShareSetting::text(INSECURE)];
const OPERATION: &str = "find the share";

/// Answers for `webdav:` and `webdavs:` URLs.
///
/// Settings of a share:
/// - `ca_file`: a PEM file with the certificates of the authorities to believe, instead of the operating system's.
/// - `insecure`: `allow` lets `webdav:` go to another machine, where everybody on the way can read the password and
///   the files, and can change them.
#[derive(Clone)]
pub struct WebDavShareProvider {
    temporaries: Temporaries,
}

impl WebDavShareProvider {
    /// A provider whose temporary files have these names.
    #[must_use]
    pub fn new(temporaries: Temporaries) -> Self {
        Self { temporaries }
    }
}

#[async_trait]
impl ShareProvider for WebDavShareProvider {
    fn schemes(&self) -> &[&'static str] {
        &["webdavs", "webdav"]
    }

    fn settings(&self) -> &[ShareSetting] {
        SETTINGS
    }

    fn default_port(&self, scheme: &str) -> Option<u16> {
        match scheme {
            "webdavs" => Some(443),
            "webdav" => Some(80),
            _ => None,
        }
    }

    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        let address = &access.address;
        let with_tls = address.scheme == "webdavs";
        if !with_tls && !is_loopback(&address.host) {
            may_be_read_on_the_way(access)?;
        }
        let roots = match (with_tls, access.setting(CA_FILE)) {
            (false, _) => Roots::None,
            (true, None) => Roots::System,
            (true, Some(path)) => Roots::File(path),
        };
        let origin = origin(address, with_tls)?;
        let user = user(access)?;
        let proxies = with_tls && !is_loopback(&address.host);
        let http = client(&roots, proxies, access.patience.answer);
        let http = http.map_err(|failure| failure.of_share(OPERATION, address.to_string()))?;
        Ok(Arc::new(WebDavFileShare::new(
            Client::new(origin, address.clone(), user, http),
            self.temporaries.clone(),
            access.patience.answer,
        )))
    }
}

/// That the user said so.
fn may_be_read_on_the_way(access: &ShareAccess) -> Result<(), ShareError> {
    match access.setting(INSECURE) {
        Some("allow") => Ok(()),
        None => {
            let why = "without TLS, the password and the files could be read and changed on the way";
            Err(bad(&access.address, why)
                .advising("write webdavs:, or set insecure = \"allow\" for this share"))
        }
        Some(_) => Err(bad(
            &access.address,
            "the setting insecure is neither \"allow\" nor unset",
        )),
    }
}

fn origin(address: &ShareAddress, with_tls: bool) -> Result<Url, ShareError> {
    let ShareAddress { host, port, .. } = address;
    if host.is_empty() {
        let error = bad(address, "there is no server in it");
        return Err(error.advising("write webdavs://server/folder"));
    }
    let scheme = if with_tls { "https" } else { "http" };
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.clone(),
    };
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    Url::parse(&format!("{scheme}://{host}{port}/")).map_err(|e| bad(address, &e.to_string()))
}

fn bad(address: &ShareAddress, why: &str) -> ShareError {
    ShareError::new(ShareErrorKind::BadLocation, OPERATION, address.to_string(), why)
}

fn user(access: &ShareAccess) -> Result<Option<User>, ShareError> {
    access.password_text()?;
    match &access.username {
        None => Ok(None),
        // RFC 7617, section 2: the server could not tell where the password begins.
        Some(name) if name.contains(':') => Err(ShareError::new(
            ShareErrorKind::NotSignedIn,
            "sign in",
            access.address.to_string(),
            "a user name with a colon in it cannot sign in to a WebDAV server",
        )),
        Some(name) => Ok(Some(User {
            name: name.clone(),
            password: access.password.clone(),
        })),
    }
}
