use keystead_application::ports::ExportCodecError;

/// The label of this program's own metadata block.
pub(crate) const KEYSET: &str = "KEYSTEAD KEYSET";
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";
pub(crate) const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";
pub(crate) const PUBLIC_KEY: &str = "PUBLIC KEY";
const RSA_PRIVATE_KEY: &str = "RSA PRIVATE KEY";
const RSA_PUBLIC_KEY: &str = "RSA PUBLIC KEY";

/// What a block is, by its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label<'a> {
    PrivateKey,
    EncryptedPrivateKey,
    RsaPrivateKey,
    PublicKey,
    RsaPublicKey,
    Keyset,
    /// Holds a private key of a kind that is not read.
    Refused(Refusal),
    /// Cannot hold a private key that could be read here; what is inside does not matter.
    Other(&'a [u8]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Ec,
    Dsa,
    OpenSsh,
    Pgp,
    Ssh2,
}

impl<'a> Label<'a> {
    pub(crate) fn of(text: &'a [u8]) -> Self {
        match std::str::from_utf8(text).unwrap_or_default() {
            PRIVATE_KEY => Self::PrivateKey,
            ENCRYPTED_PRIVATE_KEY => Self::EncryptedPrivateKey,
            RSA_PRIVATE_KEY => Self::RsaPrivateKey,
            PUBLIC_KEY => Self::PublicKey,
            RSA_PUBLIC_KEY => Self::RsaPublicKey,
            KEYSET => Self::Keyset,
            "EC PRIVATE KEY" => Self::Refused(Refusal::Ec),
            "DSA PRIVATE KEY" => Self::Refused(Refusal::Dsa),
            "OPENSSH PRIVATE KEY" => Self::Refused(Refusal::OpenSsh),
            "PGP PRIVATE KEY BLOCK" => Self::Refused(Refusal::Pgp),
            "SSH2 ENCRYPTED PRIVATE KEY" => Self::Refused(Refusal::Ssh2),
            _ => Self::Other(text),
        }
    }

    /// The label as messages show it. Of a label from the file only what is harmless on a terminal is left.
    pub(crate) fn text(&self) -> String {
        let known = match self {
            Self::PrivateKey => PRIVATE_KEY,
            Self::EncryptedPrivateKey => ENCRYPTED_PRIVATE_KEY,
            Self::RsaPrivateKey => RSA_PRIVATE_KEY,
            Self::PublicKey => PUBLIC_KEY,
            Self::RsaPublicKey => RSA_PUBLIC_KEY,
            Self::Keyset => KEYSET,
            Self::Refused(refusal) => refusal.name(),
            Self::Other(text) => {
                let printable = text.iter().filter(|b| b.is_ascii_graphic() || **b == b' ');
                return printable.take(40).map(|b| char::from(*b)).collect();
            }
        };
        known.to_owned()
    }

    /// Whether such a block belongs to a keyset, so that a broken one cannot be passed over.
    pub(crate) fn matters(&self) -> bool {
        match self {
            Self::PrivateKey
            | Self::EncryptedPrivateKey
            | Self::RsaPrivateKey
            | Self::PublicKey
            | Self::RsaPublicKey
            | Self::Keyset => true,
            Self::Refused(_) | Self::Other(_) => false,
        }
    }

    pub(crate) fn damaged(&self, why: impl Into<String>) -> ExportCodecError {
        ExportCodecError::Damaged {
            block: self.text(),
            why: why.into(),
        }
    }
}

impl Refusal {
    fn name(self) -> &'static str {
        match self {
            Self::Ec => "EC PRIVATE KEY",
            Self::Dsa => "DSA PRIVATE KEY",
            Self::OpenSsh => "OPENSSH PRIVATE KEY",
            Self::Pgp => "PGP PRIVATE KEY BLOCK",
            Self::Ssh2 => "SSH2 ENCRYPTED PRIVATE KEY",
        }
    }

    pub(crate) fn error(self) -> ExportCodecError {
        let (kind, fix) = match self {
            Self::Ec => ("an elliptic-curve (EC) private key", NO_RSA),
            Self::Dsa => ("a DSA private key", NO_RSA),
            Self::OpenSsh => (
                "a private key in OpenSSH's own format",
                "if it is an RSA key, convert a copy with `ssh-keygen -p -m PKCS8 -f COPY` and import the copy",
            ),
            Self::Pgp => ("an OpenPGP private key", NO_RSA),
            Self::Ssh2 => (
                "a private key in the SSH2 format",
                "if it is an RSA key, convert it with its own program to an OpenSSH key, and a copy of that with \
                 `ssh-keygen -p -m PKCS8 -f COPY`",
            ),
        };
        ExportCodecError::NotAccepted {
            found: format!("the file holds {kind} ({})", self.name()),
            fix: fix.to_owned(),
        }
    }
}

const NO_RSA: &str = "import a file that holds nothing but RSA keys in PKCS#8 or PKCS#1";
