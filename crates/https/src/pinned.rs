use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a certificate's DER: what `openssl x509 -outform DER | sha256sum` prints.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CertificateFingerprint([u8; 32]);

/// A text that is no fingerprint of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the fingerprint of a certificate has 64 hexadecimal digits (SHA-256), with or without colons")]
pub struct InvalidCertificateFingerprint;

impl CertificateFingerprint {
    /// The fingerprint of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl FromStr for CertificateFingerprint {
    type Err = InvalidCertificateFingerprint;

    /// Also takes what `openssl x509 -fingerprint -sha256` prints behind the equals sign.
    fn from_str(text: &str) -> Result<Self, InvalidCertificateFingerprint> {
        let digits: String = match text.contains(':') {
            true if text.len() == 95 && text.split(':').all(|byte| byte.len() == 2) => text.replace(':', ""),
            _ => text.to_owned(),
        };
        let mut bytes = [0; 32];
        match base16ct::mixed::decode(&digits, &mut bytes) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(bytes)),
            _ => Err(InvalidCertificateFingerprint),
        }
    }
}

impl fmt::Display for CertificateFingerprint {
    /// Lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The server showed another certificate.
#[derive(Debug, thiserror::Error)]
#[error("the server's certificate is another one: its fingerprint is {seen}, and {expected} was expected")]
pub(crate) struct OtherCertificate {
    seen: CertificateFingerprint,
    expected: CertificateFingerprint,
}

/// Believes one certificate, whoever signed it, whatever its name and dates, and a server only if it proves that it has the
/// private key of that certificate.
#[derive(Debug)]
pub(crate) struct Pinned {
    expected: CertificateFingerprint,
    provider: CryptoProvider,
}

impl Pinned {
    pub(crate) fn new(expected: CertificateFingerprint) -> Self {
        Self {
            expected,
            provider: ring::default_provider(),
        }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seen = CertificateFingerprint::of(end_entity);
        if bool::from(seen.0.ct_eq(&self.expected.0)) {
            return Ok(ServerCertVerified::assertion());
        }
        let other = OtherCertificate {
            seen,
            expected: self.expected,
        };
        Err(CertificateError::Other(OtherError(Arc::new(other))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_others_write_it() {
        // printf abc | sha256sum
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let of_abc = CertificateFingerprint::of(b"abc");
        assert_eq!(of_abc.to_string(), hex);
        assert_eq!(hex.parse(), Ok(of_abc));
        assert_eq!(hex.to_uppercase().parse(), Ok(of_abc));
        let pairs: Vec<&str> = (0..32).map(|n| &hex[2 * n..2 * n + 2]).collect();
        assert_eq!(pairs.join(":").to_uppercase().parse(), Ok(of_abc));
        let odd_colons = format!("{}:", pairs.join(":"));
        for no_fingerprint in [
            "",
            "ba78",
            &hex[1..],
            &format!("{hex}00"),
            &odd_colons,
            &hex.replace('b', "x"),
        ] {
            assert!(
                no_fingerprint.parse::<CertificateFingerprint>().is_err(),
                "{no_fingerprint}"
            );
        }
    }
}
