//! How the API is served.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use super::absolute;
use super::wire::ServeWire;

/// More than one process has use for.
const MAX_CONNECTIONS: u32 = 100_000;
/// The folder of the self-signed certificate, in the data folder.
const TLS_FOLDER: &str = "tls";

/// How the API is served.
pub(crate) struct ServeSettings {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: TlsSettings,
    /// Whether it may be served without TLS to other machines.
    pub(crate) insecure: bool,
    pub(crate) behind_https: bool,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: Option<usize>,
    pub(crate) deadline: Duration,
    pub(crate) long_deadline: Duration,
    pub(crate) stop: Duration,
    pub(crate) log: LogForm,
}

/// Whether and how the service speaks TLS.
pub(crate) enum TlsSettings {
    Off,
    /// With these files.
    Files {
        certificate: PathBuf,
        private_key: PathBuf,
    },
    /// With a certificate that is made in this folder.
    SelfSigned {
        folder: PathBuf,
        names: Vec<String>,
    },
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogForm {
    Text,
    Json,
}

impl ServeWire {
    pub(super) fn settle(self, data_dir: &Path) -> anyhow::Result<ServeSettings> {
        let in_range = |name: &str, least: u64, value: u64, most: u64| match (least..=most).contains(&value) {
            true => Ok(value),
            false => bail!("serve.{name} is {value}; {least} to {most} is accepted"),
        };
        let seconds = |name: &str, value: u64| in_range(name, 1, value, 3600).map(Duration::from_secs);
        let connections = |name: &str, least: u64, value: u32| {
            let value = in_range(name, least, value.into(), MAX_CONNECTIONS.into())?;
            usize::try_from(value).context("this machine counts no further")
        };
        let per_address = connections("max_connections_per_address", 0, self.max_connections_per_address)?;
        let trusted_proxies = listed(&self.trusted_proxies).map(|text| {
            text.parse()
                .with_context(|| format!("serve.trusted_proxies: \"{text}\" is no IP address"))
        });
        Ok(ServeSettings {
            listen: address(&self.listen).with_context(|| format!("serve.listen: \"{}\"", self.listen))?,
            insecure: is_word("insecure", &self.insecure, "allow")?,
            behind_https: is_word("behind_https", &self.behind_https, "yes")?,
            trusted_proxies: trusted_proxies.collect::<anyhow::Result<_>>()?,
            max_connections: connections("max_connections", 1, self.max_connections)?,
            max_connections_per_address: (per_address > 0).then_some(per_address),
            deadline: seconds("deadline_seconds", self.deadline_seconds)?,
            long_deadline: seconds("long_deadline_seconds", self.long_deadline_seconds)?,
            stop: Duration::from_secs(in_range("stop_seconds", 0, self.stop_seconds, 3600)?),
            log: match self.log.as_str() {
                "text" => LogForm::Text,
                "json" => LogForm::Json,
                other => bail!("serve.log is \"{other}\"; \"text\" and \"json\" are known"),
            },
            tls: self.tls(data_dir)?,
        })
    }

    fn tls(&self, data_dir: &Path) -> anyhow::Result<TlsSettings> {
        let (certificate, private_key) = (&self.certificate_file, &self.private_key_file);
        match (self.tls.as_str(), certificate.is_empty(), private_key.is_empty()) {
            ("off", _, _) => Ok(TlsSettings::Off),
            ("on", true, true) => Ok(TlsSettings::SelfSigned {
                folder: data_dir.join(TLS_FOLDER),
                names: listed(&self.names).map(str::to_owned).collect(),
            }),
            ("on", false, false) => Ok(TlsSettings::Files {
                certificate: absolute(certificate.into())?,
                private_key: absolute(private_key.into())?,
            }),
            ("on", _, _) => {
                bail!(
                    "serve.certificate_file and serve.private_key_file belong together; one of them is not set"
                )
            }
            (other, _, _) => bail!("serve.tls is \"{other}\"; \"on\" and \"off\" are known"),
        }
    }
}

/// An address and a port; the name localhost is this machine.
pub(crate) fn address(text: &str) -> anyhow::Result<SocketAddr> {
    let text = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    text.parse()
        .context("an address and a port are expected, such as 127.0.0.1:8420 or [::]:8420")
}

fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn is_word(name: &str, value: &str, word: &str) -> anyhow::Result<bool> {
    match value {
        "" => Ok(false),
        value if value == word => Ok(true),
        other => bail!("serve.{name} is \"{other}\"; \"{word}\" is known, and nothing"),
    }
}
