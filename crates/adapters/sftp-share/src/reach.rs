use std::path::PathBuf;

use keystead_application::ports::{ShareAccess, ShareError, ShareErrorKind};

use crate::error::failed;
use crate::host_keys::HostKeys;

/// The settings of a share over SFTP.
pub(crate) const SETTINGS: [&str; 3] = [KEY_FILE, KNOWN_HOSTS, HOST_KEY];
const KEY_FILE: &str = "key_file";
const KNOWN_HOSTS: &str = "known_hosts";
const HOST_KEY: &str = "host_key";

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
            return Err(bad("it names no host; write sftp://user@host/folder".to_owned()));
        }
        if let Some(unknown) = access
            .settings
            .keys()
            .find(|name| !SETTINGS.contains(&name.as_str()))
        {
            return Err(bad(format!(
                "there is no setting \"{unknown}\" for sftp: shares; there are: {}",
                SETTINGS.join(", ")
            )));
        }
        let user = access.username.clone().or_else(|| access.address.user.clone());
        let Some(user) = user.or_else(user_of_this_machine) else {
            return Err(bad("it names no user; write sftp://user@host/folder".to_owned()));
        };
        let file = |name: &str| access.setting(name).map(in_home);
        Ok(Self {
            host_keys: HostKeys::new(access.setting(HOST_KEY), file(KNOWN_HOSTS), &place)?,
            key_file: file(KEY_FILE),
            access: access.clone(),
            user,
            port: access.address.port.unwrap_or(22),
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
