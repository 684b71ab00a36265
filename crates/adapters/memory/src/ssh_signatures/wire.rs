//! The bytes of keys and signatures: strings with their lengths before them.

use super::KIND;

const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
const HASH: &[u8] = b"sha512";

/// What a signature consists of.
pub(super) struct SshSignature {
    pub(super) public_key: [u8; 32],
    pub(super) namespace: String,
    pub(super) signature: [u8; 64],
}

impl SshSignature {
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        push(&mut bytes, &ed25519_key(&self.public_key));
        push(&mut bytes, self.namespace.as_bytes());
        push(&mut bytes, b"");
        push(&mut bytes, HASH);
        let mut inner = Vec::new();
        push(&mut inner, KIND.as_bytes());
        push(&mut inner, &self.signature);
        push(&mut bytes, &inner);
        bytes
    }

    /// `None` for anything but what [`SshSignature::encoded`] makes.
    pub(super) fn decoded(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_be_bytes())?;
        let public_key = public_key(pull(&mut rest)?)?;
        let namespace = String::from_utf8(pull(&mut rest)?.to_vec()).ok()?;
        let (_reserved, _hash) = (pull(&mut rest)?, pull(&mut rest)?);
        let mut inner = pull(&mut rest)?;
        let _kind = pull(&mut inner)?;
        let decoded = Self {
            public_key,
            namespace,
            signature: pull(&mut inner)?.try_into().ok()?,
        };
        (decoded.encoded() == bytes).then_some(decoded)
    }
}

/// The wire format of a key.
pub(super) fn ed25519_key(public_key: &[u8; 32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    push(&mut bytes, KIND.as_bytes());
    push(&mut bytes, public_key);
    bytes
}

/// The key in a wire format, which has nothing else in it.
pub(super) fn public_key(wire: &[u8]) -> Option<[u8; 32]> {
    let mut rest = wire;
    let _kind = pull(&mut rest)?;
    let public_key = pull(&mut rest)?.try_into().ok()?;
    (ed25519_key(&public_key) == wire).then_some(public_key)
}

/// What stands behind a signature: the message, and what it was signed for.
pub(super) fn signed(namespace: &str, message: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    push(&mut bytes, namespace.as_bytes());
    push(&mut bytes, message);
    bytes
}

fn push(bytes: &mut Vec<u8>, string: &[u8]) {
    let len = u32::try_from(string.len()).unwrap_or(u32::MAX);
    bytes.extend(len.to_be_bytes());
    bytes.extend_from_slice(string);
}

fn pull<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, after) = rest.split_first_chunk::<4>()?;
    let (string, after) = after.split_at_checked(u32::from_be_bytes(*len) as usize)?;
    *rest = after;
    Some(string)
}
