use std::error::Error;
use std::fs;
use std::io;
use std::sync::Arc;

use keystead_application::ports::ShareErrorKind;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Whose certificates are believed.
pub enum Roots<'a> {
    /// Nobody's: there is no TLS.
    None,
    /// The operating system's.
    System,
    /// Those in a PEM file.
    File(&'a str),
}

/// How connections are made safe.
///
/// # Errors
/// A text for people: which certificates cannot be had.
pub fn client_config(roots: &Roots<'_>) -> Result<ClientConfig, String> {
    let store = match roots {
        Roots::None => RootCertStore::empty(),
        Roots::System => system()?,
        Roots::File(path) => file(path)?,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(found.certs);
    match added {
        0 => Err(
            "the operating system has no certificates of authorities; install them (package \
                  ca-certificates), or set ca_file"
                .to_owned(),
        ),
        _ => Ok(store),
    }
}

fn file(path: &str) -> Result<RootCertStore, String> {
    let refused = |why: String| format!("the setting ca_file, {path}: {why}");
    let pem = fs::read(path).map_err(|e| refused(e.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate =
            certificate.map_err(|e| refused(format!("it is no PEM file of certificates ({e})")))?;
        store
            .add(certificate)
            .map_err(|e| refused(format!("a certificate in it cannot be used ({e})")))?;
    }
    match store.is_empty() {
        true => Err(refused("there is no certificate in it".to_owned())),
        false => Ok(store),
    }
}

/// What went wrong with TLS, when that is why something failed.
#[must_use]
pub fn tls_failure(error: &(dyn Error + 'static)) -> Option<(ShareErrorKind, String)> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(explained(tls));
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            // Such an error wraps another one without giving it as its source.
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn explained(error: &rustls::Error) -> (ShareErrorKind, String) {
    let what = match error {
        rustls::Error::InvalidCertificate(why) => return (ShareErrorKind::Untrusted, certificate(why)),
        rustls::Error::InvalidMessage(_) => {
            let why =
                "the server does not answer with TLS; check the port, and whether it is a server without TLS";
            return (ShareErrorKind::Unsupported, format!("{why} ({error})"));
        }
        rustls::Error::AlertReceived(_) => "the server ended the TLS connection",
        _ => "TLS with the server did not come about",
    };
    (ShareErrorKind::Untrusted, format!("{what} ({error})"))
}

fn certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    let (what, advice) = match error {
        E::UnknownIssuer => (
            "nobody that is trusted here signed the server's certificate",
            "if it is signed by an authority of your own, set ca_file to that authority's certificate",
        ),
        E::NotValidForName | E::NotValidForNameContext { .. } => (
            "the server's certificate is for another name",
            "write the name that is in the certificate, or check that this is the right server",
        ),
        E::Expired | E::ExpiredContext { .. } => (
            "the server's certificate has expired",
            "renew it, and check the clock of this machine",
        ),
        E::NotValidYet | E::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet",
            "check the clock of this machine",
        ),
        E::Revoked => ("the server's certificate was revoked", "get a new one"),
        _ => (
            "the server's certificate cannot be trusted",
            "if it is signed by an authority of your own, set ca_file to that authority's certificate",
        ),
    };
    format!("{what}; {advice} ({error})")
}
