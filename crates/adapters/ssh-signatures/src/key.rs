use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, EcdsaVerificationAlgorithm,
    ParsedPublicKey,
};
use ed25519_dalek::VerifyingKey;
use keystead_domain::SshPublicKey;
use ssh_key::encoding::{Decode, Encode, Reader};
use ssh_key::public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey};
use ssh_key::{Algorithm, EcdsaCurve};

const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// A public key of a kind that is accepted, ready to verify.
pub(crate) enum AcceptedKey {
    Ed25519(VerifyingKey),
    Ecdsa(EcdsaKey),
    Rsa(RsaPublicKey),
    /// A security key, which signs more than the message.
    SkEd25519(VerifyingKey, Application),
    SkEcdsa(EcdsaKey, Application),
}

/// A point on one of the curves.
pub(crate) struct EcdsaKey {
    pub(crate) curve: EcdsaCurve,
    pub(crate) point: ParsedPublicKey,
}

/// What a security key was made for, such as `ssh:`.
pub(crate) struct Application(pub(crate) String);

/// The key of a raw Ed25519 public key.
pub(crate) fn ed25519(public_key: &[u8; 32]) -> SshPublicKey {
    let kind = Algorithm::Ed25519.as_str().as_bytes();
    let mut wire = Vec::with_capacity(51);
    for string in [kind, public_key] {
        let len = u32::try_from(string.len()).unwrap_or(u32::MAX);
        wire.extend(len.to_be_bytes());
        wire.extend_from_slice(string);
    }
    SshPublicKey::new(Algorithm::Ed25519.as_str(), wire)
}

/// Reads a key in wire format. The error says what it is instead.
pub(crate) fn from_wire(wire: &[u8]) -> Result<SshPublicKey, String> {
    let mut rest = wire;
    let data = KeyData::decode(&mut rest)
        .and_then(|data| Ok(rest.finish(data)?))
        .map_err(|e| format!("the public key is malformed: {e}"))?;
    let (_, public_key) = accept(&data)?;
    match public_key.wire() == wire {
        true => Ok(public_key),
        false => Err("the public key is not spelled as OpenSSH spells keys".to_owned()),
    }
}

/// Checks that a key is of an accepted kind, and that signatures can be verified with it.
pub(crate) fn accept(data: &KeyData) -> Result<(AcceptedKey, SshPublicKey), String> {
    let accepted = match data {
        KeyData::Ed25519(key) => AcceptedKey::Ed25519(edwards(key)?),
        KeyData::Ecdsa(key) => AcceptedKey::Ecdsa(ecdsa(key)?),
        KeyData::Rsa(key) => AcceptedKey::Rsa(rsa(key)?),
        KeyData::SkEd25519(key) => {
            let application = Application(key.application().to_owned());
            AcceptedKey::SkEd25519(edwards(key.public_key())?, application)
        }
        KeyData::SkEcdsaSha2NistP256(key) => {
            let application = Application(key.application().to_owned());
            let point = EcdsaPublicKey::NistP256(*key.ec_point());
            AcceptedKey::SkEcdsa(ecdsa(&point)?, application)
        }
        other => return Err(not_accepted(other.algorithm().as_str())),
    };
    let wire = data.encode_vec().map_err(|e| e.to_string())?;
    Ok((accepted, SshPublicKey::new(data.algorithm().as_str(), wire)))
}

/// Why a kind is not accepted.
pub(crate) fn not_accepted(kind: &str) -> String {
    const INSTEAD: &str = "make one with: ssh-keygen -t ed25519";
    if kind.contains("-cert-v") {
        return "this is a certificate, and the key itself is needed; give the .pub file that the certificate was \
                made from"
            .to_owned();
    }
    if kind == "ssh-dss" {
        return format!("DSA keys are too weak and are not accepted; {INSTEAD}");
    }
    let kind: String = kind.chars().take(80).collect();
    format!("{kind:?} is not a kind of public key that is accepted; {INSTEAD}")
}

/// A key of small order verifies what nobody signed.
fn edwards(key: &Ed25519PublicKey) -> Result<VerifyingKey, String> {
    match VerifyingKey::from_bytes(&key.0) {
        Ok(key) if !key.is_weak() => Ok(key),
        Ok(_) | Err(_) => Err("this Ed25519 key is not a proper one".to_owned()),
    }
}

/// How an uncompressed point begins.
const UNCOMPRESSED: u8 = 4;

fn ecdsa(key: &EcdsaPublicKey) -> Result<EcdsaKey, String> {
    let curve = key.curve();
    // A point has a compressed spelling too (SEC 1, section 2.3.3), and one key must not pass for two.
    if key.as_sec1_bytes().first() != Some(&UNCOMPRESSED) {
        return Err("this ECDSA key is not spelled as OpenSSH spells it".to_owned());
    }
    let point = ParsedPublicKey::new(algorithm(curve), key.as_sec1_bytes())
        .map_err(|_| format!("this ECDSA key is no point of {}", curve.as_str()))?;
    Ok(EcdsaKey { curve, point })
}

/// Each curve with the hash that RFC 5656, section 6.2.1, gives it.
fn algorithm(curve: EcdsaCurve) -> &'static EcdsaVerificationAlgorithm {
    match curve {
        EcdsaCurve::NistP256 => &ECDSA_P256_SHA256_FIXED,
        EcdsaCurve::NistP384 => &ECDSA_P384_SHA384_FIXED,
        EcdsaCurve::NistP521 => &ECDSA_P521_SHA512_FIXED,
    }
}

fn rsa(key: &RsaPublicKey) -> Result<RsaPublicKey, String> {
    let modulus = key.n().as_positive_bytes().unwrap_or_default();
    let exponent = key.e().as_positive_bytes().unwrap_or_default();
    let bits = modulus.first().map_or(0, |first| {
        u32::try_from(modulus.len()).unwrap_or(u32::MAX).saturating_mul(8) - first.leading_zeros()
    });
    if !RSA_BITS.contains(&bits) {
        return Err(format!(
            "this RSA key has {bits} bits, and 2048 to 8192 are accepted; make one with: ssh-keygen -t ed25519"
        ));
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    if !is_odd(modulus) || !is_odd(exponent) || exponent == [1] || exponent.len() > 4 {
        return Err("this RSA key is not a proper one".to_owned());
    }
    Ok(key.clone())
}
