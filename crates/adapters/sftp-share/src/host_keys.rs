use std::path::{Path, PathBuf};

use keystead_application::ports::ShareError;
use keystead_application::ports::ShareErrorKind::{BadLocation, Untrusted};
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use crate::error::failed;
use crate::known_hosts::{HostEntries, Meaning};

/// How the server proves that it is the one that was meant.
#[derive(Debug)]
pub(crate) enum HostKeys {
    /// By a key with one of these fingerprints.
    Pinned(Vec<Fingerprint>),
    /// By a key that these files have for it.
    KnownHosts { files: Vec<PathBuf>, given: bool },
}

/// What there is to compare the server's key with.
#[derive(Debug)]
pub(crate) enum Expected {
    Pinned(Vec<Fingerprint>),
    Known { entries: HostEntries, files: String },
}

impl HostKeys {
    /// Reads the settings.
    pub(crate) fn new(
        pinned: Option<&str>,
        known_hosts: Option<PathBuf>,
        place: &str,
    ) -> Result<Self, ShareError> {
        if let Some(pinned) = pinned {
            let each = pinned.split([',', ' ', '\t']).filter(|text| !text.is_empty());
            let fingerprints = each.map(str::parse::<Fingerprint>).collect::<Result<Vec<_>, _>>();
            return match fingerprints {
                Ok(fingerprints) if !fingerprints.is_empty() => Ok(Self::Pinned(fingerprints)),
                _ => Err(failed(
                    BadLocation,
                    "read the configuration",
                    place,
                    "host_key is no fingerprint; write it as SHA256:… as ssh-keygen -l prints it",
                )),
            };
        }
        if let Some(file) = known_hosts {
            return Ok(Self::KnownHosts {
                files: vec![file],
                given: true,
            });
        }
        let mut files: Vec<PathBuf> = std::env::home_dir()
            .map(|home| home.join(".ssh/known_hosts"))
            .into_iter()
            .collect();
        files.push(PathBuf::from("/etc/ssh/ssh_known_hosts"));
        Ok(Self::KnownHosts { files, given: false })
    }

    /// Looks up what there is on a host.
    pub(crate) fn expected(&self, host: &str, port: u16, place: &str) -> Result<Expected, ShareError> {
        let (files, given) = match self {
            Self::Pinned(fingerprints) => return Ok(Expected::Pinned(fingerprints.clone())),
            Self::KnownHosts { files, given } => (files, *given),
        };
        let mut entries = HostEntries::default();
        for file in files {
            match std::fs::read(file) {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes);
                    entries.read(&text, &file.display().to_string(), host, port);
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound && !given => {}
                Err(e) => {
                    let why = format!(
                        "the file of known host keys {} cannot be read: {e}",
                        file.display()
                    );
                    return Err(failed(Untrusted, "check the host key", place, why));
                }
            }
        }
        Ok(Expected::Known {
            entries,
            files: names(files),
        })
    }
}

impl Expected {
    /// The kinds of key to ask the server for: those first of which a key is known.
    pub(crate) fn kinds(&self) -> Vec<Algorithm> {
        let mut kinds = verifiable();
        if let Self::Known { entries, .. } = self {
            let is_key = |meaning| matches!(meaning, Meaning::Key | Meaning::KeyOfOtherPort);
            let known = |kind: &Algorithm| {
                let mut entries = entries.entries.iter();
                entries.any(|entry| is_key(entry.meaning) && entry.key.algorithm() == *kind)
            };
            kinds.sort_by_key(|kind| !known(kind));
        }
        kinds
    }

    /// Whether another key of the server, of another kind, may be the one that is meant.
    pub(crate) fn may_mean_another_kind(&self) -> bool {
        matches!(self, Self::Pinned(_))
    }

    /// Says why a key is not to be trusted.
    pub(crate) fn judge(&self, shown: &PublicKey) -> Result<(), String> {
        match self {
            Self::Pinned(fingerprints) => {
                if fingerprints
                    .iter()
                    .any(|pinned| shown.fingerprint(pinned.algorithm()) == *pinned)
                {
                    return Ok(());
                }
                let pinned: Vec<String> = fingerprints.iter().map(Fingerprint::to_string).collect();
                Err(format!(
                    "the host key is not the pinned one. The server showed the {}, and host_key names {}. Somebody may \
                     be in between, or the server has a new key: ask whoever runs it, and only then change host_key",
                    described(shown),
                    pinned.join(", ")
                ))
            }
            Self::Known { entries, files } => known(entries, files, shown),
        }
    }
}

fn known(HostEntries { entries }: &HostEntries, files: &str, shown: &PublicKey) -> Result<(), String> {
    let same = |meaning: Meaning| {
        let mut entries = entries.iter();
        entries.find(|entry| entry.meaning == meaning && entry.key.key_data() == shown.key_data())
    };
    let shown_key = described(shown);
    if let Some(revoked) = same(Meaning::Revoked) {
        return Err(format!(
            "the host key is revoked ({}). The server showed the {shown_key}",
            revoked.place
        ));
    }
    if same(Meaning::Key).or(same(Meaning::KeyOfOtherPort)).is_some() {
        return Ok(());
    }
    let mut others = entries.iter().filter(|entry| entry.meaning == Meaning::Key);
    let of_kind = others
        .clone()
        .find(|entry| entry.key.algorithm() == shown.algorithm());
    if let Some(old) = of_kind {
        return Err(format!(
            "the host key has changed. The server showed the {shown_key}, and {} has the {}. Somebody may be in between, \
             or the server has a new key: ask whoever runs it, and only then replace that line",
            old.place,
            described(&old.key)
        ));
    }
    if let Some(other) = others.next() {
        let why_not = if other.key.algorithm().is_rsa() {
            ", a kind that this program cannot check"
        } else {
            ", which the server did not show"
        };
        return Err(format!(
            "the host key is of another kind than the known one. The server showed the {shown_key}, and {} has the \
             {}{why_not}. Compare the shown fingerprint with the server's, {}",
            other.place,
            described(&other.key),
            how_to_pin(shown)
        ));
    }
    let authority = match entries.iter().find(|entry| entry.meaning == Meaning::Authority) {
        Some(authority) => format!(
            " (the certificate authority of {} cannot be used by this program)",
            authority.place
        ),
        None => String::new(),
    };
    Err(format!(
        "the host key is not known. The server showed the {shown_key}, and there is none for it in {files}{authority}. \
         Compare the fingerprint with the server's (on the server: ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub), {}",
        file_kind(&shown.algorithm()),
        how_to_pin(shown)
    ))
}

/// For a server whose keys are all of kinds that cannot be checked.
pub(crate) fn no_common_kind(theirs: &[String]) -> String {
    format!(
        "the server has no host key of a kind that this program can check. It offers {}; this program checks ssh-ed25519 \
         and ecdsa. Give the server an ed25519 host key (on the server: ssh-keygen -A)",
        theirs.join(", ")
    )
}

/// The kinds of host key whose signatures can be checked. RSA is not among them.
fn verifiable() -> Vec<Algorithm> {
    let curves = [EcdsaCurve::NistP256, EcdsaCurve::NistP384, EcdsaCurve::NistP521];
    let mut kinds = vec![Algorithm::Ed25519];
    kinds.extend(curves.map(|curve| Algorithm::Ecdsa { curve }));
    kinds
}

fn described(key: &PublicKey) -> String {
    format!("{} key {}", key.algorithm(), key.fingerprint(HashAlg::Sha256))
}

fn how_to_pin(key: &PublicKey) -> String {
    format!(
        "and pin it with host_key = \"{}\" in the share's configuration, or add it with ssh-keyscan to known_hosts",
        key.fingerprint(HashAlg::Sha256)
    )
}

fn file_kind(kind: &Algorithm) -> &'static str {
    match kind {
        Algorithm::Ecdsa { .. } => "ecdsa",
        Algorithm::Rsa { .. } => "rsa",
        _ => "ed25519",
    }
}

fn names<P: AsRef<Path>>(files: &[P]) -> String {
    let names: Vec<String> = files
        .iter()
        .map(|file| file.as_ref().display().to_string())
        .collect();
    names.join(" or ")
}
