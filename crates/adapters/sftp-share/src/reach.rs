use std::path::PathBuf;

use keystead_application::ports::{ShareAccess, ShareError, ShareErrorKind, ShareSetting};

use crate::error::failed;
use crate::host_keys::HostKeys;

/// The settings of a share over SFTP.
pub(crate) const SETTINGS: &[ShareSetting] = &[
    ShareSetting::path(KEY_FILE),
    ShareSetting::path(KNOWN_HOSTS),
    ShareSetting::text(HOST_KEY),
];
/// The port of SSH.
pub(crate) const DEFAULT_PORT: u16 = 22;
const KEY_FILE: &str = "key_file";
const KNOWN_HOSTS: &str = "known_hosts";
const HOST_KEY: &str = "host_key";
const HOW_TO_WRITE: &str = "write sftp://user@host/folder";

/// How a server is reached and what is said to it.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) access: ShareAccess,
    pub(crate) user: String,
    pub(crate) port: u16,
    pub(crate) host_keys: HostKeys,
    /// The private key that the configuration names.
    pub(crate) key_file: Option<PathBuf>,
}

impl Reach {
    /// Reads an address and its settings.
    pub(crate) fn new(access: &ShareAccess) -> Result<Self, ShareError> {
        let place = access.address.to_string();
        let bad = |why: String| {
            failed(
                ShareErrorKind::BadLocation,
                "understand the location",
                &place,
                why,
            )
        };
        if access.address.host.is_empty() {
            return Err(bad("it names no host".to_owned()).advising(HOW_TO_WRITE));
        }
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let mut set = access.settings.keys();
        if let Some(unknown) = set.find(|name| !known.contains(&name.as_str())) {
            return Err(bad(format!(
                "there is no setting \"{unknown}\" for sftp: shares; there are: {}",
                known.join(", ")
            )));
        }
        let user = access.username.clone().or_else(|| access.address.user.clone());
        let Some(user) = user.or_else(user_of_this_machine) else {
            return Err(bad("it names no user".to_owned()).advising(HOW_TO_WRITE));
        };
        let file = |name: &str| access.setting(name).map(in_home);
        Ok(Self {
            host_keys: HostKeys::new(access.setting(HOST_KEY), file(KNOWN_HOSTS), &place)?,
            key_file: file(KEY_FILE),
            access: access.clone(),
            user,
            port: access.address.port.unwrap_or(DEFAULT_PORT),
        })
    }

    /// The URL of the share.
    pub(crate) fn place(&self) -> String {
        self.access.address.to_string()
    }
}

/// A file of a setting; `~/` is the home folder of who runs this.
fn in_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The name of who runs this, from the environment or the list of users.
fn user_of_this_machine() -> Option<String> {
    let named = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    named.into_iter().find(|name| !name.is_empty()).or_else(|| {
        let id = rustix::process::getuid().as_raw().to_string();
        let users = std::fs::read_to_string("/etc/passwd").ok()?;
        let mut users = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let user = users.find(|fields| fields.get(2) == Some(&id.as_str()))?;
        user.first().map(|name| (*name).to_owned())
    })
}
