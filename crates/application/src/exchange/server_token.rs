//! How a backup server says who it is with each request over the network: a JSON Web Token (RFC 7519) that it signs with
//! its identity (EdDSA with Ed25519, RFC 8037), for one manager and two minutes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keystead_domain::{InstallationId, SecretBytes, ServerId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ports::{SigningEngine, SigningError};

/// How long a token holds.
const LIFETIME: Duration = Duration::from_secs(120);
/// How far clocks may be apart.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Longer than any token of this kind.
const MAX_LEN: usize = 2048;

/// A token of a backup server, which is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerToken {
    /// The server that it names.
    pub server: ServerId,
    audience: String,
    issued_at: i64,
    expires_at: i64,
    signed: String,
    signature: [u8; 64],
}

/// A token that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServerTokenRefused {
    /// It is for another manager.
    #[error("the token is for another manager")]
    OtherManager,
    /// It does not hold now.
    #[error("the token does not hold now; clocks may be 5 minutes apart")]
    NotNow,
    /// The signature is not the server's.
    #[error("the token is not signed by the server's identity")]
    BadSignature,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: String,
}

impl ServerToken {
    /// Makes a token for a manager's installation, with a random id.
    ///
    /// # Errors
    /// When the private key is malformed.
    pub fn make(
        server: ServerId,
        installation: InstallationId,
        private_key: &SecretBytes,
        id: [u8; 16],
        now: Timestamp,
        signing: &dyn SigningEngine,
    ) -> Result<SecretBytes, SigningError> {
        let header = Header {
            alg: "EdDSA".to_owned(),
            typ: "JWT".to_owned(),
        };
        let claims = Claims {
            iss: server.to_string(),
            sub: server.to_string(),
            aud: audience(installation),
            iat: seconds(now),
            exp: seconds(now.after(LIFETIME)),
            jti: URL_SAFE_NO_PAD.encode(id),
        };
        let part = |json: serde_json::Result<Vec<u8>>| {
            json.map(|json| URL_SAFE_NO_PAD.encode(json))
                .map_err(|_| SigningError::Malformed)
        };
        let signed = format!(
            "{}.{}",
            part(serde_json::to_vec(&header))?,
            part(serde_json::to_vec(&claims))?
        );
        let signature = signing.sign(private_key, signed.as_bytes())?;
        let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        Ok(SecretBytes::new(text.into_bytes()))
    }

    /// Reads a token; `None` when it is none of this kind.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_LEN {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        // The one algorithm that there is: what a token says about that is not followed, it is compared.
        if header.alg != "EdDSA" || header.typ != "JWT" {
            return None;
        }
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        if claims.iss != claims.sub {
            return None;
        }
        Some(Self {
            server: claims.sub.parse().ok()?,
            audience: claims.aud,
            issued_at: claims.iat,
            expires_at: claims.exp,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?,
        })
    }

    /// Verifies it with the public key of the server's identity.
    ///
    /// # Errors
    /// [`ServerTokenRefused`].
    pub fn verify(
        &self,
        public_key: &[u8; 32],
        installation: InstallationId,
        now: Timestamp,
        signing: &dyn SigningEngine,
    ) -> Result<(), ServerTokenRefused> {
        signing
            .verify(public_key, self.signed.as_bytes(), &self.signature)
            .map_err(|_| ServerTokenRefused::BadSignature)?;
        if self.audience != audience(installation) {
            return Err(ServerTokenRefused::OtherManager);
        }
        let lasts = self.expires_at.checked_sub(self.issued_at);
        let is_short = lasts.is_some_and(|lasts| (0..=LIFETIME.as_secs() as i64).contains(&lasts));
        let begins_before = self.issued_at <= seconds(now.after(TOLERANCE));
        let ends_after = self.expires_at > seconds(now.before(TOLERANCE));
        match is_short && begins_before && ends_after {
            true => Ok(()),
            false => Err(ServerTokenRefused::NotNow),
        }
    }
}

fn audience(installation: InstallationId) -> String {
    format!("keystead:{installation}")
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}
