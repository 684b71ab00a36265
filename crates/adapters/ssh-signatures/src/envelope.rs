use aws_lc_rs::digest::{SHA256, SHA512, digest};
use keystead_application::ports::SshSignatureError;
use keystead_domain::SshPublicKey;
use ssh_key::encoding::{Decode, Encode, Reader};
use ssh_key::{HashAlg, Signature, SshSig};

use crate::key::{self, AcceptedKey};

/// More than the longest signature has, which is one of RSA with 8192 bits.
const MOST_BYTES: usize = 16 * 1024;

/// A signature of the accepted form, of a key of an accepted kind. Whether it is right is another question.
pub(crate) struct Envelope {
    parsed: SshSig,
    pub(crate) key: AcceptedKey,
    pub(crate) public_key: SshPublicKey,
}

impl Envelope {
    pub(crate) fn parse(signature: &[u8]) -> Result<Self, SshSignatureError> {
        if signature.len() > MOST_BYTES {
            return Err(malformed("it is longer than any signature"));
        }
        let mut rest = signature;
        let parsed = SshSig::decode(&mut rest)
            .and_then(|parsed| Ok(rest.finish(parsed)?))
            .map_err(|e| malformed(&e.to_string()))?;
        if parsed.version() != SshSig::VERSION {
            return Err(malformed(&format!("it is of version {}", parsed.version())));
        }
        if bytes(&parsed)? != signature {
            return Err(malformed("it is not spelled as OpenSSH spells signatures"));
        }
        let (key, public_key) = key::accept(parsed.public_key()).map_err(|why| malformed(&why))?;
        Ok(Self {
            parsed,
            key,
            public_key,
        })
    }

    pub(crate) fn namespace(&self) -> &str {
        self.parsed.namespace()
    }

    pub(crate) fn signature(&self) -> &Signature {
        self.parsed.signature()
    }

    /// What its owner signed, if this is the message.
    pub(crate) fn signed(&self, message: &[u8]) -> Vec<u8> {
        let parsed = &self.parsed;
        signed_data(parsed.namespace(), parsed.reserved(), parsed.hash_alg(), message)
    }
}

/// The bytes of a signature, in their one spelling.
pub(crate) fn bytes(signature: &SshSig) -> Result<Vec<u8>, SshSignatureError> {
    signature.encode_vec().map_err(|e| malformed(&e.to_string()))
}

/// What is signed in the place of a message (PROTOCOL.sshsig, "Signed Data"). ssh-key makes it for an empty reserved field
/// alone.
pub(crate) fn signed_data(namespace: &str, reserved: &[u8], hash: HashAlg, message: &[u8]) -> Vec<u8> {
    let digest = match hash {
        HashAlg::Sha256 => digest(&SHA256, message),
        _ => digest(&SHA512, message),
    };
    let mut data = b"SSHSIG".to_vec();
    for string in [
        namespace.as_bytes(),
        reserved,
        hash.as_str().as_bytes(),
        digest.as_ref(),
    ] {
        let len = u32::try_from(string.len()).unwrap_or(u32::MAX);
        data.extend(len.to_be_bytes());
        data.extend_from_slice(string);
    }
    data
}

fn malformed(why: &str) -> SshSignatureError {
    SshSignatureError::Malformed(why.to_owned())
}
