mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_application::exchange::dearmored;
use keystead_application::ports::{SigningEngine, SshSignatureError, SshSignatures};
use keystead_domain::{SecretBytes, SshPublicKey};

use self::wire::SshSignature;
use crate::MemorySigningEngine;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const KIND: &str = "ssh-ed25519";

/// Signatures of OpenSSH's form around the tokens of a [`MemorySigningEngine`], whose private keys it signs with. It knows
/// the kind `ssh-ed25519` alone. Clones, and others with the same engine, verify each other's.
#[derive(Clone, Default)]
pub struct MemorySshSignatures {
    engine: MemorySigningEngine,
}

impl MemorySshSignatures {
    /// Signatures by this engine's keys.
    #[must_use]
    pub fn new(engine: MemorySigningEngine) -> Self {
        Self { engine }
    }

    /// Puts the armor around a signature, as `ssh-keygen -Y sign` writes it.
    #[must_use]
    pub fn armored(signature: &[u8]) -> String {
        let text = STANDARD.encode(signature);
        let mut lines = vec![BEGIN];
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(70));
            lines.push(line);
            rest = more;
        }
        lines.push(END);
        lines.join("\n") + "\n"
    }
}

impl SshSignatures for MemorySshSignatures {
    fn read_key(&self, line: &str) -> Result<SshPublicKey, SshSignatureError> {
        let refused = |why: &str| SshSignatureError::KeyNotAccepted(why.to_owned());
        let mut words = line.trim_end_matches(['\r', '\n']).splitn(3, ' ');
        let (kind, text) = (words.next(), words.next());
        if kind != Some(KIND) {
            return Err(refused("this is not a public key of the kind ssh-ed25519"));
        }
        let wire = STANDARD
            .decode(text.unwrap_or_default())
            .map_err(|_| refused("the public key is not base64"))?;
        match wire::public_key(&wire) {
            Some(public_key) => Ok(self.ed25519_key(&public_key)),
            None => Err(refused("the public key is malformed")),
        }
    }

    fn ed25519_key(&self, public_key: &[u8; 32]) -> SshPublicKey {
        SshPublicKey::new(KIND, wire::ed25519_key(public_key))
    }

    fn dearmor(&self, armored: &str) -> Result<Vec<u8>, SshSignatureError> {
        dearmored("SSH SIGNATURE", armored, 1024 * 1024).map_err(|error| malformed(&error.to_string()))
    }

    fn claimed_key(&self, signature: &[u8]) -> Result<SshPublicKey, SshSignatureError> {
        Ok(self.ed25519_key(&parse(signature)?.public_key))
    }

    fn verify(
        &self,
        key: &SshPublicKey,
        namespace: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SshSignatureError> {
        let parsed = parse(signature)?;
        if parsed.namespace != namespace {
            return Err(SshSignatureError::OtherNamespace {
                found: parsed.namespace,
                expected: namespace.to_owned(),
            });
        }
        if *key != self.ed25519_key(&parsed.public_key) {
            return Err(SshSignatureError::BadSignature);
        }
        self.engine
            .verify(
                &parsed.public_key,
                &wire::signed(namespace, message),
                &parsed.signature,
            )
            .map_err(|_| SshSignatureError::BadSignature)
    }

    fn sign(
        &self,
        private_key: &SecretBytes,
        namespace: &str,
        message: &[u8],
    ) -> Result<Vec<u8>, SshSignatureError> {
        if namespace.is_empty() {
            return Err(malformed("it has no namespace"));
        }
        let public_key = self
            .engine
            .public_key_of(private_key)
            .ok_or(SshSignatureError::BadPrivateKey)?;
        let signature = self
            .engine
            .sign(private_key, &wire::signed(namespace, message))
            .map_err(|_| SshSignatureError::BadPrivateKey)?;
        let made = SshSignature {
            public_key,
            namespace: namespace.to_owned(),
            signature,
        };
        Ok(made.encoded())
    }
}

fn parse(signature: &[u8]) -> Result<SshSignature, SshSignatureError> {
    match SshSignature::decoded(signature) {
        Some(parsed) if parsed.namespace.is_empty() => Err(malformed("it has no namespace")),
        Some(parsed) => Ok(parsed),
        None => Err(malformed("these are not the bytes of an SSH signature")),
    }
}

fn malformed(why: &str) -> SshSignatureError {
    SshSignatureError::Malformed(why.to_owned())
}
