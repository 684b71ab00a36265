use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_domain::SecretBytes;
use tokio::io::AsyncRead;

use super::{
    EntryKind, FileShare, LocatedShare, Location, Replace, ShareAccess, ShareAddress, ShareCapabilities,
    ShareError, ShareErrorKind, SharePath, SharePatience, ShareProvider, ShareWriter, harmless_location,
    is_temporary_name,
};

/// The scheme of configured shares: `share:NAME/path`.
const CONFIGURED: &str = "share";

/// A share that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredShare {
    /// Its name.
    pub name: String,
    /// Where it is, with the folder that is its top.
    pub address: ShareAddress,
    /// Who signs in.
    pub username: Option<String>,
    /// Whether nothing may be written there.
    pub read_only: bool,
    /// How long it is waited for.
    pub patience: SharePatience,
    /// The settings of its kind.
    pub settings: BTreeMap<String, String>,
}

/// Gives the passwords of shares when they are needed, and not before.
#[async_trait]
pub trait ShareSecrets: Send + Sync {
    /// The password of a configured share, or the one for locations that no configured share has.
    ///
    /// # Errors
    /// [`ShareErrorKind::NotSignedIn`] when the place that should hold it cannot be read.
    async fn password(&self, share: Option<&str>) -> Result<Option<Arc<SecretBytes>>, ShareError>;
}

/// Every share that this program can reach.
#[derive(Clone, Default)]
pub struct FileShares {
    providers: Vec<Arc<dyn ShareProvider>>,
    configured: Vec<ConfiguredShare>,
    secrets: Option<Arc<dyn ShareSecrets>>,
}

impl FileShares {
    /// Takes the providers.
    #[must_use]
    pub fn new(providers: Vec<Arc<dyn ShareProvider>>) -> Self {
        Self {
            providers,
            configured: Vec::new(),
            secrets: None,
        }
    }

    /// Takes the configured shares too, and where their passwords are.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadLocation`] when no provider answers for the scheme of one, or it does not have a setting that
    /// is set.
    pub fn with_configured(
        mut self,
        configured: Vec<ConfiguredShare>,
        secrets: Arc<dyn ShareSecrets>,
    ) -> Result<Self, ShareError> {
        for share in &configured {
            let refused = |why: String| {
                let place = format!("shares.{}", share.name);
                ShareError::new(ShareErrorKind::BadLocation, "read the configuration", place, why)
            };
            let provider = self.provider(Some(&share.address.scheme)).ok_or_else(|| {
                refused(format!(
                    "this program has no share for {}: locations; it has {}",
                    share.address.scheme,
                    self.schemes().join(", ")
                ))
            })?;
            let known: Vec<&str> = provider.settings().iter().map(|setting| setting.name).collect();
            if let Some(unknown) = share.settings.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(refused(format!(
                    "there is no setting \"{unknown}\" for {}: shares; beside those that every share has there are: {}",
                    share.address.scheme,
                    if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    }
                )));
            }
        }
        self.configured = configured;
        self.secrets = Some(secrets);
        Ok(self)
    }

    /// The configured shares, in the order of their names.
    #[must_use]
    pub fn configured(&self) -> &[ConfiguredShare] {
        &self.configured
    }

    /// The schemes that are answered for.
    #[must_use]
    pub fn schemes(&self) -> Vec<&'static str> {
        self.providers
            .iter()
            .flat_map(|provider| provider.schemes())
            .copied()
            .collect()
    }

    /// Reaches the share that a text names: a path, a URL, or `share:NAME/path`. A URL of a place on a configured share
    /// means that share.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadLocation`] when no provider answers for its scheme, [`ShareErrorKind::NoShare`] when no share
    /// of that name is configured.
    pub async fn locate(&self, text: &str) -> Result<LocatedShare, ShareError> {
        let located = self.find(text).await?;
        let last = located.path.as_str().rsplit('/').next().unwrap_or_default();
        if is_temporary_name(last) {
            let why = "files of this name are temporary ones, and are removed when their writer has ended";
            let place = located.share.place(&located.path);
            return Err(
                ShareError::new(ShareErrorKind::BadName, "find the share", place, why)
                    .advising("choose another name"),
            );
        }
        Ok(located)
    }

    async fn find(&self, text: &str) -> Result<LocatedShare, ShareError> {
        let location = Location::parse(text);
        if location.scheme.as_deref() == Some(CONFIGURED) {
            let (share, path) = self.named(text)?;
            return self.reach(share, path).await;
        }
        let Some(provider) = self.provider(location.scheme.as_deref()) else {
            return Err(no_such_share(harmless_location(text)));
        };
        if location.scheme.is_some()
            && let Ok(address) = ShareAddress::parse(text)
            && let Some((share, path)) = self.holding(&address)?
        {
            return self.reach(share, path).await;
        }
        if location.scheme.is_none() && text.starts_with("//") && may_hold_password(text) {
            let why =
                "it looks like a share with a user and a password, and a path would be recorded as it is";
            let place = harmless_location(text);
            return Err(
                ShareError::new(ShareErrorKind::BadLocation, "find the share", place, why)
                    .advising("configure a share; or write / once, when a folder of this machine is meant"),
            );
        }
        // A folder of this machine needs none.
        let password = match provider.takes_plain_paths() {
            true => None,
            false => self.password(None).await?,
        };
        provider.locate(&location, password).await
    }

    fn provider(&self, scheme: Option<&str>) -> Option<&Arc<dyn ShareProvider>> {
        self.providers.iter().find(|provider| match scheme {
            None => provider.takes_plain_paths(),
            Some(scheme) => provider.schemes().contains(&scheme),
        })
    }

    /// What follows `share:` is a name, and after a slash the path.
    fn named(&self, text: &str) -> Result<(&ConfiguredShare, SharePath), ShareError> {
        let rest = text.get(CONFIGURED.len() + 1..).unwrap_or_default();
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        let found = self.configured.iter().find(|share| share.name == name);
        let path = if path.is_empty() { "/" } else { path };
        found.map(|share| (share, SharePath::new(path))).ok_or_else(|| {
            let known: Vec<&str> = self.configured.iter().map(|share| share.name.as_str()).collect();
            let why = match known.is_empty() {
                true => "no share is configured".to_owned(),
                false => format!(
                    "no share of this name is configured; there are: {}",
                    known.join(", ")
                ),
            };
            ShareError::new(
                ShareErrorKind::NoShare,
                "find the share",
                text.escape_debug().to_string(),
                why,
            )
        })
    }

    /// The configured share that an address is a place on: the one with the longest path.
    fn holding(&self, address: &ShareAddress) -> Result<Option<(&ConfiguredShare, SharePath)>, ShareError> {
        let address = self.with_port(address);
        let on = |share: &'_ ConfiguredShare| self.address_of(share).path_of(&address);
        let all = self
            .configured
            .iter()
            .filter_map(|share| Some((share, on(share)?)));
        let all: Vec<(&ConfiguredShare, SharePath)> = all.collect();
        let longest = all.iter().map(|(share, _)| share.address.names.len()).max();
        let is_best = |(share, _): &(&ConfiguredShare, SharePath)| Some(share.address.names.len()) == longest;
        let mut best = all.into_iter().filter(is_best);
        let (first, second) = (best.next(), best.next());
        let (Some((one, _)), Some((other, _))) = (&first, second) else {
            return Ok(first);
        };
        let why = format!("it is on the share {} and on the share {}", one.name, other.name);
        let place = address.to_string();
        let refused = ShareError::new(ShareErrorKind::BadLocation, "find the share", place, why);
        Err(refused.advising("write share:NAME/path, to say which is meant"))
    }

    /// The address of a share, with its user and its port said.
    fn address_of(&self, share: &ConfiguredShare) -> ShareAddress {
        let address = self.with_port(&share.address);
        ShareAddress {
            user: share.username.clone().or(address.user),
            ..address
        }
    }

    /// The same address with its port said.
    fn with_port(&self, address: &ShareAddress) -> ShareAddress {
        let usual = self.provider(Some(&address.scheme));
        let usual = usual.and_then(|provider| provider.default_port(&address.scheme));
        ShareAddress {
            port: address.port.or(usual),
            ..address.clone()
        }
    }

    async fn reach(&self, share: &ConfiguredShare, path: SharePath) -> Result<LocatedShare, ShareError> {
        let name = &share.name;
        let named = |error: ShareError| with_name(name, error);
        // What is wrong with the path needs no connection to be told.
        path.names("understand the location").map_err(named)?;
        let Some(provider) = self.provider(Some(&share.address.scheme)) else {
            return Err(no_such_share(share.address.to_string()));
        };
        let access = ShareAccess {
            address: share.address.clone(),
            username: share.username.clone().or_else(|| share.address.user.clone()),
            password: self.password(Some(name)).await.map_err(named)?,
            patience: share.patience,
            settings: share.settings.clone(),
        };
        let reached = NamedShare {
            share: provider
                .connect(&access)
                .await
                .map_err(|error| mend(name, named(error)))?,
            name: name.clone(),
            read_only: share.read_only,
        };
        Ok(LocatedShare {
            share: Arc::new(reached),
            path,
        })
    }

    async fn password(&self, share: Option<&str>) -> Result<Option<Arc<SecretBytes>>, ShareError> {
        match &self.secrets {
            Some(secrets) => secrets.password(share).await,
            None => Ok(None),
        }
    }
}

/// A configured share: it keeps to what the configuration says, and its errors say its name.
struct NamedShare {
    share: Arc<dyn FileShare>,
    name: String,
    read_only: bool,
}

impl NamedShare {
    fn may_write(&self, operation: &'static str, path: &SharePath) -> Result<(), ShareError> {
        if !self.read_only {
            return Ok(());
        }
        let why = "the configuration says that this share is only read from";
        let refused = ShareError::new(ShareErrorKind::ReadOnly, operation, self.place(path), why);
        Err(with_name(&self.name, refused))
    }
}

fn with_name(name: &str, mut error: ShareError) -> ShareError {
    error.place = format!("share {name}, {}", error.place);
    error
}

/// What cannot be understood of a configured share is in its configuration.
fn mend(name: &str, error: ShareError) -> ShareError {
    match error.kind {
        ShareErrorKind::BadLocation if error.advice.is_none() => {
            error.advising(format!("mend shares.{name} in the configuration"))
        }
        _ => error,
    }
}

fn may_hold_password(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn no_such_share(place: String) -> ShareError {
    let why = "this program has no share for such a location";
    ShareError::new(ShareErrorKind::BadLocation, "find the share", place, why)
}

#[async_trait]
impl FileShare for NamedShare {
    fn is_on_this_machine(&self) -> bool {
        self.share.is_on_this_machine()
    }

    fn capabilities(&self) -> ShareCapabilities {
        self.share.capabilities()
    }

    fn place(&self, path: &SharePath) -> String {
        self.share.place(path)
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        self.share.stat(path).await.map_err(|e| with_name(&self.name, e))
    }

    async fn length(&self, path: &SharePath) -> Result<Option<u64>, ShareError> {
        self.share
            .length(path)
            .await
            .map_err(|e| with_name(&self.name, e))
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        self.share.read(path).await.map_err(|e| with_name(&self.name, e))
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        self.may_write("create the file", path)?;
        let writer = self.share.create(path, replace).await;
        let writer = writer.map_err(|e| with_name(&self.name, e))?;
        let name = self.name.clone();
        Ok(Box::new(NamedWriter { writer, name }))
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        self.may_write("remove the file", path)?;
        self.share
            .remove(path)
            .await
            .map_err(|e| with_name(&self.name, e))
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        if self.read_only {
            return Ok(0);
        }
        self.share
            .clean_up(path)
            .await
            .map_err(|e| with_name(&self.name, e))
    }
}

struct NamedWriter {
    writer: Box<dyn ShareWriter>,
    name: String,
}

#[async_trait]
impl ShareWriter for NamedWriter {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        self.writer
            .write(bytes)
            .await
            .map_err(|e| with_name(&self.name, e))
    }

    async fn publish(self: Box<Self>) -> Result<super::WriteReceipt, ShareError> {
        let Self { writer, name } = *self;
        writer.publish().await.map_err(|e| with_name(&name, e))
    }

    async fn discard(self: Box<Self>) {
        self.writer.discard().await;
    }
}
