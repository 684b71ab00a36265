use std::path::PathBuf;
use std::time::Duration;

use keystead_domain::SecretBytes;

/// Which manager, and how it is reached.
pub struct ClientOptions {
    /// The address of the manager, such as `https://manager.example.org:8443`. `http:` is for this machine, unless
    /// `allow_plain`.
    pub base: String,
    /// Which certificate is believed.
    pub trust: Trust,
    /// How long the manager may be silent: before it answers, and between two parts of an answer.
    pub timeout: Duration,
    /// How long after the first failure something is asked for the last time. Zero is never again.
    pub patience: Duration,
    /// Whether to speak to other machines without TLS, so that everybody on the way can read and change everything.
    pub allow_plain: bool,
    /// Who is asking.
    pub credential: Option<Credential>,
}

/// Which certificate of a manager is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One that an authority signed which the operating system believes.
    System,
    /// One that an authority in this PEM file signed, or one that is itself in it.
    File(PathBuf),
    /// The same, of certificates in PEM.
    Pem(String),
    /// The one with this fingerprint: SHA-256 of its DER, in hexadecimal digits, as
    /// `openssl x509 -outform DER | sha256sum` prints it, or with colons. Its names and dates do not matter then.
    Fingerprint(String),
}

/// What proves who is asking.
pub enum Credential {
    /// A token for the header `Authorization: Bearer`.
    Bearer(SecretBytes),
}
