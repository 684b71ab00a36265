use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use ed25519_dalek::VerifyingKey;
use ssh_key::encoding::{Decode, Reader};
use ssh_key::public::RsaPublicKey;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, Mpint, Signature};

use crate::key::{AcceptedKey, Application, EcdsaKey};

/// Behind the signature of a security key: one byte of flags, four of a counter.
const SK_TRAILER: usize = 5;
/// The flag that says that the owner touched the security key.
const USER_PRESENT: u8 = 0x01;

/// Whether a signature belongs to these bytes and this key, by the one algorithm that goes with the key.
pub(crate) fn verifies(key: &AcceptedKey, signed: &[u8], signature: &Signature) -> bool {
    let bytes = signature.as_bytes();
    match (key, signature.algorithm()) {
        (AcceptedKey::Ed25519(key), Algorithm::Ed25519) => ed25519(key, signed, bytes),
        (AcceptedKey::Ecdsa(key), Algorithm::Ecdsa { curve }) if curve == key.curve => {
            ecdsa(key, signed, bytes)
        }
        (AcceptedKey::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => rsa(key, hash, signed, bytes),
        (AcceptedKey::SkEd25519(key, application), Algorithm::SkEd25519) => {
            touched(application, signed, bytes).is_some_and(|(signed, bytes)| ed25519(key, &signed, bytes))
        }
        (AcceptedKey::SkEcdsa(key, application), Algorithm::SkEcdsaSha2NistP256) => {
            touched(application, signed, bytes).is_some_and(|(signed, bytes)| ecdsa(key, &signed, bytes))
        }
        _ => false,
    }
}

/// Strict: a scalar has one spelling.
fn ed25519(key: &VerifyingKey, signed: &[u8], bytes: &[u8]) -> bool {
    ed25519_dalek::Signature::from_slice(bytes)
        .is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok())
}

fn ecdsa(key: &EcdsaKey, signed: &[u8], bytes: &[u8]) -> bool {
    let len = match key.curve {
        EcdsaCurve::NistP256 => 32,
        EcdsaCurve::NistP384 => 48,
        EcdsaCurve::NistP521 => 66,
    };
    fixed(bytes, len).is_some_and(|signature| key.point.verify_sig(signed, &signature).is_ok())
}

/// Both numbers of an ECDSA signature at their full length, one behind the other.
fn fixed(mut bytes: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut numbers = Vec::with_capacity(2 * len);
    for _ in 0..2 {
        let number = Mpint::decode(&mut bytes).ok()?;
        let digits = number.as_positive_bytes()?;
        numbers.resize(numbers.len() + len.checked_sub(digits.len())?, 0);
        numbers.extend_from_slice(digits);
    }
    bytes.finish(numbers).ok()
}

/// SHA-1, which the kind `ssh-rsa` means in a signature, has no hash here and does not come this far.
fn rsa(key: &RsaPublicKey, hash: HashAlg, signed: &[u8], bytes: &[u8]) -> bool {
    let parameters: &RsaParameters = match hash {
        HashAlg::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        HashAlg::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        _ => return false,
    };
    let components = RsaPublicKeyComponents {
        n: key.n().as_positive_bytes().unwrap_or_default(),
        e: key.e().as_positive_bytes().unwrap_or_default(),
    };
    components.verify(parameters, signed, bytes).is_ok()
}

/// What a security key signs in the place of the message (PROTOCOL.u2f, "SSH U2F Signatures"), and its signature; `None`
/// when nobody touched it.
fn touched<'a>(application: &Application, signed: &[u8], bytes: &'a [u8]) -> Option<(Vec<u8>, &'a [u8])> {
    let (signature, trailer) = bytes.split_at_checked(bytes.len().checked_sub(SK_TRAILER)?)?;
    if trailer[0] & USER_PRESENT == 0 {
        return None;
    }
    let application = digest(&SHA256, application.0.as_bytes());
    let message = digest(&SHA256, signed);
    let whole = [application.as_ref(), trailer, message.as_ref()].concat();
    Some((whole, signature))
}
