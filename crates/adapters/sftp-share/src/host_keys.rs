use std::path::{Path, PathBuf};

use keystead_application::ports::ShareError;
use keystead_application::ports::ShareErrorKind::{BadLocation, Untrusted};
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};

use crate::error::failed;
use crate::known_hosts::{HostEntries, HostEntry, Meaning};

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

/// Why a server is not to be trusted, and what to do about it.
#[derive(Debug)]
pub(crate) struct Distrust {
    pub(crate) why: String,
    pub(crate) advice: String,
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
                _ => {
                    let why = "host_key is no fingerprint";
                    let refused = failed(BadLocation, "read the configuration", place, why);
                    Err(refused.advising("write host_key as SHA256:…, as ssh-keygen -l prints it"))
                }
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
                    return Err(failed(Untrusted, "check the host key", place, why)
                        .advising("mend known_hosts of the share, or let this user read the file"));
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
            let known = |kind: &Algorithm| entries.keys().any(|entry| entry.key.algorithm() == *kind);
            kinds.sort_by_key(|kind| !known(kind));
        }
        kinds
    }

    /// Whether another key of the server, of another kind, may be the one that is meant.
    pub(crate) fn may_mean_another_kind(&self) -> bool {
        matches!(self, Self::Pinned(_))
    }

    /// Says why a key is not to be trusted.
    pub(crate) fn judge(&self, shown: &PublicKey) -> Result<(), Distrust> {
        match self {
            Self::Pinned(fingerprints) => {
                if fingerprints
                    .iter()
                    .any(|pinned| shown.fingerprint(pinned.algorithm()) == *pinned)
                {
                    return Ok(());
                }
                let pinned: Vec<String> = fingerprints.iter().map(Fingerprint::to_string).collect();
                Err(Distrust {
                    why: format!(
                        "the host key is not the pinned one: the server showed the {}, and host_key names {}",
                        described(shown),
                        pinned.join(", ")
                    ),
                    advice: format!(
                        "somebody may be in between, or the server has a new key: {}, and only then change host_key to \
                         \"{}\"",
                        how_to_compare(shown),
                        shown.fingerprint(HashAlg::Sha256)
                    ),
                })
            }
            Self::Known { entries, files } => known(entries, files, shown),
        }
    }
}

fn known(known: &HostEntries, files: &str, shown: &PublicKey) -> Result<(), Distrust> {
    let HostEntries { entries } = known;
    let is_shown = |entry: &&HostEntry| entry.key.key_data() == shown.key_data();
    let shown_key = described(shown);
    let mut revoked = entries.iter().filter(|entry| entry.meaning == Meaning::Revoked);
    if let Some(revoked) = revoked.find(is_shown) {
        return Err(Distrust {
            why: format!(
                "the host key is revoked: the server showed the {shown_key}, and {} forbids it",
                revoked.place
            ),
            advice: "do not use this server until whoever runs it has given it another host key".to_owned(),
        });
    }
    if known.keys().any(|entry| is_shown(&entry)) {
        return Ok(());
    }
    let mut others = entries.iter().filter(|entry| entry.meaning == Meaning::Key);
    let of_kind = others
        .clone()
        .find(|entry| entry.key.algorithm() == shown.algorithm());
    if let Some(old) = of_kind {
        return Err(Distrust {
            why: format!(
                "the host key has changed: the server showed the {shown_key}, and {} has the {}",
                old.place,
                described(&old.key)
            ),
            advice: format!(
                "somebody may be in between, or the server has a new key: {}, and only then replace that line",
                how_to_compare(shown)
            ),
        });
    }
    if let Some(other) = others.next() {
        let why_not = if other.key.algorithm().is_rsa() {
            ", a kind that this program cannot check"
        } else {
            ", which the server did not show"
        };
        return Err(Distrust {
            why: format!(
                "the host key is of another kind than the known one: the server showed the {shown_key}, and {} has the \
                 {}{why_not}",
                other.place,
                described(&other.key)
            ),
            advice: how_to_trust(shown),
        });
    }
    let authority = match entries.iter().find(|entry| entry.meaning == Meaning::Authority) {
        Some(authority) => format!(
            " (the certificate authority of {} cannot be used by this program)",
            authority.place
        ),
        None => String::new(),
    };
    Err(Distrust {
        why: format!(
            "the host key is not known: the server showed the {shown_key}, and there is none for it in \
             {files}{authority}"
        ),
        advice: how_to_trust(shown),
    })
}

/// For a server whose keys are all of kinds that cannot be checked.
pub(crate) fn no_common_kind(theirs: &[String]) -> Distrust {
    Distrust {
        why: format!(
            "the server has no host key of a kind that this program can check: it offers {}, and this program checks \
             ssh-ed25519 and ecdsa",
            theirs.join(", ")
        ),
        advice: "give the server an ed25519 host key (on the server: ssh-keygen -A)".to_owned(),
    }
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

fn how_to_trust(shown: &PublicKey) -> String {
    format!(
        "{}, then set host_key = \"{}\" in the share's configuration, or add the key to known_hosts with ssh-keyscan",
        how_to_compare(shown),
        shown.fingerprint(HashAlg::Sha256)
    )
}

fn how_to_compare(shown: &PublicKey) -> String {
    format!(
        "compare the shown fingerprint with the server's (on the server: ssh-keygen -lf /etc/ssh/ssh_host_{}_key.pub)",
        file_kind(&shown.algorithm())
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
