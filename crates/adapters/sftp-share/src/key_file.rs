use std::path::{Path, PathBuf};
use std::sync::Arc;

use keystead_domain::SecretBytes;
use russh::keys::{Error, PrivateKey, decode_secret_key};
use zeroize::Zeroizing;

/// How a key begins that PKCS#8 encrypts.
const ENCRYPTED_PKCS8: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

const CHECK_PASSPHRASE: &str =
    "check the password of the share, which is the passphrase of the key file when it has one";

/// A private key to sign in with.
#[derive(Debug)]
pub(crate) struct KeyFile {
    pub(crate) key: Arc<PrivateKey>,
    pub(crate) path: PathBuf,
    /// Whether a passphrase opened it.
    pub(crate) was_encrypted: bool,
}

/// Why a file is no key to sign in with.
#[derive(Debug)]
pub(crate) enum NoKey {
    /// It is encrypted, and there is no passphrase.
    Encrypted,
    /// In words, and what to do about it.
    Because { why: String, advice: &'static str },
}

impl NoKey {
    fn because(why: impl Into<String>, advice: &'static str) -> Self {
        Self::Because {
            why: why.into(),
            advice,
        }
    }
}

/// Reads a private key: OpenSSH's format, or PEM with PKCS#8 or SEC 1.
pub(crate) async fn load(path: &Path, passphrase: Option<Arc<SecretBytes>>) -> Result<KeyFile, NoKey> {
    let path = path.to_owned();
    // A passphrase is slow to check, on purpose.
    let read = tokio::task::spawn_blocking(move || read(path, passphrase.as_deref()));
    read.await
        .unwrap_or_else(|e| Err(NoKey::because(e.to_string(), "try again")))
}

fn read(path: PathBuf, passphrase: Option<&SecretBytes>) -> Result<KeyFile, NoKey> {
    let shown = path.display();
    let text = std::fs::read(&path).map(Zeroizing::new);
    let text = text.map_err(|e| {
        NoKey::because(
            format!("the key file {shown} cannot be read: {e}"),
            "mend key_file of the share, or let this user read the file",
        )
    })?;
    let no_key = || {
        NoKey::because(
            format!("{shown} is no private key"),
            "give the private key as key_file of the share, which is the one without .pub",
        )
    };
    let text = std::str::from_utf8(&text).map_err(|_| no_key())?;
    let is_unsupported =
        |e: &Error| matches!(e, Error::UnsupportedKeyType { .. } | Error::UnknownAlgorithm(_));
    let plain = match text.contains(ENCRYPTED_PKCS8) {
        true => Err(Error::KeyIsEncrypted),
        false => decode_secret_key(text, None),
    };
    let was_encrypted = matches!(plain, Err(Error::KeyIsEncrypted));
    let key = match plain {
        Err(Error::KeyIsEncrypted) => {
            let passphrase = passphrase.ok_or(NoKey::Encrypted)?;
            let passphrase = std::str::from_utf8(passphrase.expose()).map_err(|_| {
                NoKey::because(
                    "the passphrase of the key file is not UTF-8 text",
                    CHECK_PASSPHRASE,
                )
            })?;
            decode_secret_key(text, Some(passphrase)).map_err(|e| match is_unsupported(&e) {
                true => unsupported(&path),
                false => NoKey::because(
                    format!("the share's password does not open the key file {shown}"),
                    CHECK_PASSPHRASE,
                ),
            })?
        }
        Err(e) if is_unsupported(&e) => return Err(unsupported(&path)),
        key => key.map_err(|_| no_key())?,
    };
    if key.algorithm().is_rsa() || key.algorithm().is_dsa() {
        return Err(unsupported(&path));
    }
    Ok(KeyFile {
        key: Arc::new(key),
        path,
        was_encrypted,
    })
}

fn unsupported(path: &Path) -> NoKey {
    NoKey::because(
        format!(
            "{} is a key of a kind that this program does not sign with",
            path.display()
        ),
        "make an ed25519 key for it (ssh-keygen -t ed25519), or give an RSA key to an ssh-agent (ssh-add) and set no \
         key_file",
    )
}
