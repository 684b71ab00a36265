use std::error::Error;
use std::fs;
use std::io;
use std::sync::Arc;

use keystead_application::ports::ShareErrorKind;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::HttpFailure;

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
pub(crate) fn client_config(roots: &Roots<'_>) -> Result<ClientConfig, HttpFailure> {
    let store = match roots {
        Roots::None => RootCertStore::empty(),
        Roots::System => system()?,
        Roots::File(path) => file(path).map_err(|why| {
            HttpFailure::new(
                ShareErrorKind::BadLocation,
                format!("the setting ca_file, {path}: {why}"),
            )
        })?,
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| HttpFailure::new(ShareErrorKind::Unsupported, e.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn system() -> Result<RootCertStore, HttpFailure> {
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(found.certs);
    match added {
        0 => Err(HttpFailure::new(
            ShareErrorKind::BadLocation,
            "the operating system has no certificates of authorities",
        )
        .advising("install them (package ca-certificates), or set ca_file for this share")),
        _ => Ok(store),
    }
}

fn file(path: &str) -> Result<RootCertStore, String> {
    let pem = fs::read(path).map_err(|e| e.to_string())?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|e| format!("it is no PEM file of certificates ({e})"))?;
        store
            .add(certificate)
            .map_err(|e| format!("a certificate in it cannot be used ({e})"))?;
    }
    match store.is_empty() {
        true => Err("there is no certificate in it".to_owned()),
        false => Ok(store),
    }
}

/// What went wrong with TLS, when that is why something failed.
pub(crate) fn tls_failure(error: &(dyn Error + 'static)) -> Option<HttpFailure> {
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

fn explained(error: &rustls::Error) -> HttpFailure {
    use ShareErrorKind::{Unsupported, Untrusted};
    const VERSIONS: &str = "check which versions of TLS the server takes; its log may say more";
    let (kind, what, advice) = match error {
        rustls::Error::InvalidCertificate(why) => return certificate(why),
        rustls::Error::InvalidMessage(_) => (
            Unsupported,
            "the server does not answer with TLS",
            "check the port, and whether the server speaks TLS there",
        ),
        rustls::Error::AlertReceived(_) => (Untrusted, "the server ended the TLS connection", VERSIONS),
        _ => (Untrusted, "TLS with the server did not come about", VERSIONS),
    };
    HttpFailure::new(kind, format!("{what} ({error})")).advising(advice)
}

fn certificate(error: &CertificateError) -> HttpFailure {
    use CertificateError as E;
    const OWN_AUTHORITY: &str =
        "if it is signed by an authority of your own, set ca_file to that authority's certificate";
    let (what, advice) = match error {
        E::UnknownIssuer => (
            "nobody that is trusted here signed the server's certificate",
            OWN_AUTHORITY,
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
        _ => ("the server's certificate cannot be trusted", OWN_AUTHORITY),
    };
    HttpFailure::new(ShareErrorKind::Untrusted, format!("{what} ({error})")).advising(advice)
}
