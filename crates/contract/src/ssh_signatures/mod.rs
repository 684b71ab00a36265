//! What an `SshSignatures` promises.

mod keys;
mod vectors;
mod verifying;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_application::ports::{SigningKeyPair, SshSignatureError, SshSignatures};

use crate::{Suite, Verdict, Violation};

/// How the suite comes by signatures.
pub trait SshSignaturesFixture: Send + Sync {
    /// What makes and verifies them.
    fn signatures(&self) -> Arc<dyn SshSignatures>;

    /// A new Ed25519 key pair that it signs with.
    fn key_pair(&self) -> SigningKeyPair;

    /// Whether it computes Ed25519, so that what OpenSSH signed applies.
    fn is_ed25519(&self) -> bool;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn SshSignaturesFixture> {
    let cases = [keys::cases(), verifying::cases(), vectors::cases()];
    Suite::new("SSH signatures", cases.into_iter().flatten().collect())
}

const NAMESPACE: &str = "keystead-contract";

/// The armor of PROTOCOL.sshsig, with these line ends.
fn armored(signature: &[u8], line_end: &str) -> String {
    let text = STANDARD.encode(signature);
    let lines = text.as_bytes().chunks(70).map(String::from_utf8_lossy);
    let mut armored = format!("-----BEGIN SSH SIGNATURE-----{line_end}");
    for line in lines {
        armored.push_str(&line);
        armored.push_str(line_end);
    }
    armored + "-----END SSH SIGNATURE-----" + line_end
}

fn refused<T>(
    result: Result<T, SshSignatureError>,
    as_expected: fn(&SshSignatureError) -> bool,
    what: &str,
) -> Verdict {
    match result {
        Err(error) if as_expected(&error) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: accepted"))),
    }
}

fn malformed(error: &SshSignatureError) -> bool {
    matches!(error, SshSignatureError::Malformed(_))
}

fn bad_signature(error: &SshSignatureError) -> bool {
    matches!(error, SshSignatureError::BadSignature)
}
