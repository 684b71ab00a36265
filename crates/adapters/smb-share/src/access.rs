use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{ShareAccess, ShareAddress, ShareError, ShareErrorKind};
use keystead_domain::SecretBytes;

use crate::name;

pub(crate) const DOMAIN: &str = "domain";
pub(crate) const ENCRYPTION: &str = "encryption";

pub(crate) const PORT: u16 = 445;

const HOW_TO_WRITE: &str = "write the host and the name of the share into the URL: smb://host/share/folder";

/// How one share is reached.
pub(crate) struct SmbAccess {
    pub(crate) address: ShareAddress,
    /// What is dialled: host and port.
    pub(crate) server: String,
    pub(crate) host: String,
    /// The name of the share.
    pub(crate) share: String,
    /// The folder on it that paths are counted from.
    pub(crate) top: Vec<String>,
    pub(crate) user: String,
    pub(crate) domain: String,
    pub(crate) password: Option<Arc<SecretBytes>>,
    pub(crate) must_encrypt: bool,
    /// How long one step may go without an answer.
    pub(crate) patience: Duration,
}

impl SmbAccess {
    pub(crate) fn of(access: &ShareAccess) -> Result<Self, ShareError> {
        let address = access.address.clone();
        let bad = |why: &str| {
            let operation = "find the share";
            ShareError::new(ShareErrorKind::BadLocation, operation, address.to_string(), why)
        };
        if address.host.is_empty() {
            return Err(bad("it names no host").advising(HOW_TO_WRITE));
        }
        let Some((share, top)) = address.names.split_first() else {
            return Err(bad("it names no share of the server").advising(HOW_TO_WRITE));
        };
        if let Some(why) = address.names.iter().find_map(|name| name::refusal(name)) {
            return Err(bad(why));
        }
        let must_encrypt = match access.setting(ENCRYPTION) {
            None | Some("when-offered") => false,
            Some("required") => true,
            Some(_) => {
                let why = "the setting \"encryption\" is something else than when-offered or required";
                return Err(bad(why).advising("set encryption of the share to when-offered or required"));
            }
        };
        let (domain, user) = match access.username.as_deref().unwrap_or_default().split_once('\\') {
            Some((domain, user)) => (Some(domain), user),
            None => (None, access.username.as_deref().unwrap_or_default()),
        };
        if domain.is_some() && access.setting(DOMAIN).is_some() {
            let why = "the user name says a domain, and the setting \"domain\" does too";
            return Err(bad(why).advising("leave one of the two out"));
        }
        let port = address.port.unwrap_or(PORT);
        let server = match address.host.contains(':') {
            true => format!("[{}]:{port}", address.host),
            false => format!("{}:{port}", address.host),
        };
        Ok(Self {
            server,
            host: address.host.clone(),
            share: share.clone(),
            top: top.to_vec(),
            user: user.to_owned(),
            domain: domain.or(access.setting(DOMAIN)).unwrap_or_default().to_owned(),
            password: access.password.clone(),
            must_encrypt,
            patience: access.patience.answer,
            address,
        })
    }

    /// Where something on the share is, for people.
    pub(crate) fn place<S: AsRef<str>>(&self, names: &[S]) -> String {
        self.address.below(names).to_string()
    }

    /// Where the share is, for people.
    pub(crate) fn whole(&self) -> String {
        self.address.to_string()
    }

    /// The user's password, which has to be there: a session without one is a guest's.
    pub(crate) fn password(&self) -> Result<&str, ShareError> {
        let refused = |why: &str| {
            let place = self.address.to_string();
            ShareError::new(ShareErrorKind::NotSignedIn, "sign in", place, why)
        };
        if self.user.is_empty() {
            let why = "there is no user name, and a guest's session is not signed";
            return Err(refused(why).advising(
                "write the user into the URL (smb://user@host/share), or as username into the share's configuration",
            ));
        }
        let password = self
            .password
            .as_ref()
            .filter(|password| !password.expose().is_empty());
        let password = password.ok_or_else(|| refused("there is no password for this user"))?;
        std::str::from_utf8(password.expose()).map_err(|_| refused("the password is not UTF-8 text"))
    }
}
