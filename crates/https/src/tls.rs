use std::error::Error;
use std::fs;
use std::io;
use std::sync::Arc;

use keystead_application::ports::ShareErrorKind;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use crate::pinned::{OtherCertificate, Pinned};
use crate::{CertificateFingerprint, HttpFailure, TlsFault};

/// Whose certificates are believed.
pub enum Roots<'a> {
    /// Nobody's: there is no TLS.
    None,
    /// The operating system's.
    System,
    /// Those in a PEM file.
    File(&'a str),
    /// Those in a text in PEM.
    Pem(&'a str),
    /// Nobody's: this very certificate is believed.
    Fingerprint(CertificateFingerprint),
}

/// How connections are made safe.
pub(crate) fn client_config(roots: &Roots<'_>) -> Result<ClientConfig, HttpFailure> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| HttpFailure::new(ShareErrorKind::Unsupported, e.to_string()))?;
    let builder = match roots {
        Roots::None => builder.with_root_certificates(RootCertStore::empty()),
        Roots::System => builder.with_root_certificates(system()?),
        Roots::File(path) => builder.with_root_certificates(file(path).map_err(|why| {
            HttpFailure::new(
                ShareErrorKind::BadLocation,
                format!("the setting ca_file, {path}: {why}"),
            )
        })?),
        Roots::Pem(text) => builder.with_root_certificates(certificates(text.as_bytes()).map_err(|why| {
            HttpFailure::new(
                ShareErrorKind::BadLocation,
                format!("the certificates to trust: {why}"),
            )
        })?),
        Roots::Fingerprint(expected) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned::new(*expected))),
    };
    let mut config = builder.with_no_client_auth();
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
    certificates(&fs::read(path).map_err(|e| e.to_string())?)
}

fn certificates(pem: &[u8]) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
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
    let (kind, what, advice, fault) = match error {
        rustls::Error::InvalidCertificate(why) => return certificate(why),
        rustls::Error::InvalidMessage(_) => (
            Unsupported,
            "the server does not answer with TLS",
            "check the port, and whether the server speaks TLS there",
            TlsFault::NotTls,
        ),
        rustls::Error::AlertReceived(_) => (
            Untrusted,
            "the server ended the TLS connection",
            VERSIONS,
            TlsFault::Other,
        ),
        _ => (
            Untrusted,
            "TLS with the server did not come about",
            VERSIONS,
            TlsFault::Other,
        ),
    };
    HttpFailure::new(kind, format!("{what} ({error})"))
        .advising(advice)
        .by(fault)
}

fn certificate(error: &CertificateError) -> HttpFailure {
    use CertificateError as E;
    const OWN_AUTHORITY: &str =
        "if it is signed by an authority of your own, set ca_file to that authority's certificate";
    let (what, advice, fault) = match error {
        E::Other(other) if other.0.is::<OtherCertificate>() => {
            return HttpFailure::new(ShareErrorKind::Untrusted, other.0.to_string())
                .advising("if the server has a new certificate, compare its fingerprint with whoever runs it")
                .by(TlsFault::OtherCertificate);
        }
        E::UnknownIssuer => (
            "nobody that is trusted here signed the server's certificate",
            OWN_AUTHORITY,
            TlsFault::UnknownAuthority,
        ),
        E::NotValidForName | E::NotValidForNameContext { .. } => (
            "the server's certificate is for another name",
            "write the name that is in the certificate, or check that this is the right server",
            TlsFault::OtherName,
        ),
        E::Expired | E::ExpiredContext { .. } => (
            "the server's certificate has expired",
            "renew it, and check the clock of this machine",
            TlsFault::Time,
        ),
        E::NotValidYet | E::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet",
            "check the clock of this machine",
            TlsFault::Time,
        ),
        E::Revoked => (
            "the server's certificate was revoked",
            "get a new one",
            TlsFault::BadCertificate,
        ),
        _ => (
            "the server's certificate cannot be trusted",
            OWN_AUTHORITY,
            TlsFault::BadCertificate,
        ),
    };
    HttpFailure::new(ShareErrorKind::Untrusted, format!("{what} ({error})"))
        .advising(advice)
        .by(fault)
}
