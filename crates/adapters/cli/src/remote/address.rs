//! Where the manager is, and who asks.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use keystead_application::use_cases::SignAsServer;
use keystead_application::{Status, Tools};
use zeroize::Zeroizing;

use super::answers::Refusal;
use super::transport::{ServerAddress, ServerCertificate, TransportFailure};
use crate::Failure;
use crate::args::GlobalArgs;
use crate::secrets::{from_environment, from_file};

const TOKEN_VARIABLE: &str = "KEYSTEAD_TOKEN";
/// Longer than any chain of certificates that somebody trusts.
const MAX_CERTIFICATES: u64 = 1024 * 1024;

/// Who asks.
pub(crate) enum Credential {
    /// A program or person with a token.
    Token(Zeroizing<String>),
    /// This machine, with its identity as a backup server.
    BackupServer(Arc<Tools>),
    /// Whoever has a one-time code, which is in the request.
    Nobody,
}

/// An argument, unless it is empty: an empty variable in the environment is one that is not set.
pub(crate) fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// The address of the manager that a URL and a certificate name.
pub(crate) fn address(url: &str, certificate: Option<&str>) -> Result<ServerAddress, Failure> {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Failure::usage(
            format!("{url} is no URL of a manager"),
            "give it as https://HOST:PORT",
        ));
    }
    Ok(ServerAddress {
        url: url.trim_end_matches('/').to_owned(),
        certificate: certificate.map(read_certificate).transpose()?,
    })
}

/// A fingerprint, as OpenSSL writes it too, or a file with certificates.
fn read_certificate(text: &str) -> Result<ServerCertificate, Failure> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit()) && !Path::new(text).exists() {
        return Ok(ServerCertificate::Fingerprint(digits.to_ascii_lowercase()));
    }
    let unreadable = |why: String| {
        Failure::usage(
            format!("{text}: {why}"),
            "give --server-certificate the SHA-256 fingerprint of the manager's certificate, 64 digits, or a file with certificates in PEM",
        )
    };
    let file = std::fs::File::open(text).map_err(|error| unreadable(error.to_string()))?;
    let mut pem = String::new();
    file.take(MAX_CERTIFICATES + 1)
        .read_to_string(&mut pem)
        .map_err(|error| unreadable(error.to_string()))?;
    match pem.contains("-----BEGIN CERTIFICATE-----") && pem.len() as u64 <= MAX_CERTIFICATES {
        true => Ok(ServerCertificate::Pem(pem)),
        false => Err(unreadable("it holds no certificates in PEM".to_owned())),
    }
}

impl Credential {
    /// The token that was given; `None` when there is none.
    pub(crate) fn given_token(global: &GlobalArgs) -> Result<Option<Self>, Failure> {
        let token = match &global.token_file {
            Some(file) if !file.as_os_str().is_empty() => Some(from_file(file)?),
            _ => from_environment(TOKEN_VARIABLE),
        };
        let Some(token) = token else {
            return Ok(None);
        };
        let text = std::str::from_utf8(token.expose())
            .map(str::trim)
            .unwrap_or_default();
        // Whatever else it is, the manager finds out; this much goes into a header.
        match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Some(Self::Token(Zeroizing::new(text.to_owned())))),
            false => Err(Failure::usage(
                "what was given as a token is none",
                format!(
                    "give the line that keystead token create printed, with --token-file or in {TOKEN_VARIABLE}"
                ),
            )),
        }
    }

    /// What goes into the request.
    pub(super) async fn bearer(&self) -> Result<Option<Zeroizing<String>>, Refusal> {
        let lost = |failure: Failure| {
            Refusal::Lost(TransportFailure {
                failure,
                may_pass: false,
            })
        };
        match self {
            Self::Nobody => Ok(None),
            Self::Token(token) => Ok(Some(token.clone())),
            Self::BackupServer(tools) => {
                let sign = SignAsServer {
                    folder: tools.server_folder.as_ref(),
                    signing: tools.signing.as_ref(),
                    clock: tools.clock.as_ref(),
                    randomness: tools.randomness.as_ref(),
                };
                let token = sign.token().await.map_err(|error| lost(error.into()))?;
                let token = token.ok_or_else(|| {
                    lost(Failure::new(
                        Status::NotUnlocked,
                        "the manager was not asked",
                        "no token was given, and this machine is not enrolled with a manager",
                        "give --token-file FILE, or the token in KEYSTEAD_TOKEN; or enrol this machine with: keystead server enroll",
                    ))
                })?;
                let text = String::from_utf8_lossy(token.expose()).into_owned();
                Ok(Some(Zeroizing::new(text)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_a_fingerprint_or_a_file() {
        let hex = "AB".repeat(32);
        let colons = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).unwrap())
            .collect::<Vec<_>>()
            .join(":");
        let expected = ServerCertificate::Fingerprint("ab".repeat(32));
        for text in [hex.as_str(), colons.as_str()] {
            assert_eq!(
                address("https://keys.example/", Some(text)).unwrap(),
                ServerAddress {
                    url: "https://keys.example".to_owned(),
                    certificate: Some(expected.clone())
                }
            );
        }
        for (url, certificate) in [("keys.example", None), ("https://keys.example", Some("abcd"))] {
            assert_eq!(address(url, certificate).unwrap_err().status, Status::Usage);
        }
    }
}
