use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{ShareAccess, ShareAddress, ShareError, ShareErrorKind};
use keystead_domain::SecretBytes;

use crate::name;

pub(crate) const DOMAIN: &str = "domain";
pub(crate) const ENCRYPTION: &str = "encryption";

const PORT: u16 = 445;

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
            return Err(bad("there is no host in it; write smb://host/share/folder"));
        }
        let Some((share, top)) = address.names.split_first() else {
            return Err(bad("there is no share in it; write smb://host/share/folder"));
        };
        if let Some(why) = address.names.iter().find_map(|name| name::refusal(name)) {
            return Err(bad(why));
        }
        let must_encrypt = match access.setting(ENCRYPTION) {
            None | Some("when-offered") => false,
            Some("required") => true,
            Some(_) => {
                return Err(bad(
                    "the setting \"encryption\" is either when-offered or required",
                ));
            }
        };
        let (domain, user) = match access.username.as_deref().unwrap_or_default().split_once('\\') {
            Some((domain, user)) => (Some(domain), user),
            None => (None, access.username.as_deref().unwrap_or_default()),
        };
        if domain.is_some() && access.setting(DOMAIN).is_some() {
            return Err(bad(
                "the user name says a domain, and the setting \"domain\" does too; leave one of them out",
            ));
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
            return Err(refused(
                "there is no user name; write it into the URL (smb://user@host/share) or the share's configuration, \
                 because a guest's session is not signed",
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
