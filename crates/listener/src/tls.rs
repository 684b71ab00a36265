use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{ListenError, TlsFiles};

/// No chain and no key is longer.
const MAX_FILE_LEN: u64 = 1024 * 1024;
/// The bits of a mode that let somebody else than the owner read a file, or another than the owner write it. The group may
/// read it: that is how a key is given to a service that is not its owner.
const TOO_OPEN: u32 = 0o037;

/// What is said at the beginning of TLS.
pub(crate) struct Identity {
    /// How connections are made safe.
    pub(crate) config: Arc<ServerConfig>,
    /// Lower-case hex SHA-256 of the certificate's DER.
    pub(crate) fingerprint: String,
}

impl Identity {
    /// Reads the files.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, ListenError> {
        let chain = chain(&files.certificate)?;
        let key = private_key(&files.private_key)?;
        let fingerprint = chain.first().map(|leaf| fingerprint(leaf)).unwrap_or_default();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|e| refused(files, &e))?;
        Ok(Self {
            config: Arc::new(with_protocols(config)),
            fingerprint,
        })
    }
}

fn with_protocols(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// What `openssl x509 -outform DER | sha256sum` prints.
pub(crate) fn fingerprint(certificate: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(certificate))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ListenError> {
    const FIX: &str =
        "give a PEM file with the server's certificate, and after it those between it and the root";
    let (_, pem) = content(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(ListenError::file(path, "there is no certificate in it", FIX)),
        Ok(chain) => Ok(chain),
        Err(e) => Err(ListenError::file(
            path,
            format!("it is no PEM file of certificates ({e})"),
            FIX,
        )),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, ListenError> {
    let (mode, pem) = content(path)?;
    if mode & TOO_OPEN != 0 {
        let why = format!(
            "others than its owner may read or write it (mode {:04o})",
            mode & 0o7777
        );
        return Err(ListenError::file(
            path,
            why,
            format!("chmod 600 {}", path.display()),
        ));
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|e| {
        let is_encrypted =
            pem.windows(11).any(|part| part == b" ENCRYPTED ") || contains(&pem, b"Proc-Type: 4,ENCRYPTED");
        let why = match e {
            _ if is_encrypted => "the private key in it is protected by a passphrase".to_owned(),
            pem::Error::NoItemsFound => "there is no private key in it".to_owned(),
            e => format!("it is no PEM file of a private key ({e})"),
        };
        let fix = match is_encrypted {
            true => {
                "take the protection off with openssl pkey -in FILE -out NEW, and keep NEW with mode 0600"
            }
            false => "give a PEM file with the private key of the certificate: PKCS#8, PKCS#1 or SEC1",
        };
        ListenError::file(path, why, fix)
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The mode of a file, and what is in it.
fn content(path: &Path) -> Result<(u32, Zeroizing<Vec<u8>>), ListenError> {
    let unreadable = |e: std::io::Error| {
        ListenError::file(
            path,
            format!("it cannot be read ({e})"),
            "check that it is there, and that this process may read it",
        )
    };
    let no_file = |why: &str| ListenError::file(path, why, "give the path of a PEM file");
    let named = path.metadata().map_err(unreadable)?;
    if !named.is_file() {
        return Err(no_file("it is not a file"));
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let mut content = Zeroizing::new(Vec::with_capacity(16 * 1024));
    file.take(MAX_FILE_LEN + 1)
        .read_to_end(&mut content)
        .map_err(unreadable)?;
    match content.len() as u64 > MAX_FILE_LEN {
        true => Err(no_file("it is longer than 1 MiB")),
        false => Ok((metadata.mode(), content)),
    }
}

fn refused(files: &TlsFiles, error: &rustls::Error) -> ListenError {
    match error {
        rustls::Error::InconsistentKeys(_) => ListenError::file(
            &files.private_key,
            format!(
                "it is not the key of the certificate in {}",
                files.certificate.display()
            ),
            "give the certificate and the private key that belong together",
        ),
        rustls::Error::InvalidCertificate(_) => ListenError::file(
            &files.certificate,
            format!("the first certificate in it cannot be used ({error})"),
            "give an X.509 certificate of version 3",
        ),
        _ => ListenError::file(
            &files.private_key,
            format!("the private key in it cannot be used ({error})"),
            "give a key of RSA (2048 bits or more), ECDSA (P-256, P-384) or Ed25519",
        ),
    }
}
