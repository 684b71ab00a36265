use keystead_application::ports::RsaError;
use pkcs8::ObjectIdentifier;
use pkcs8::spki::AlgorithmIdentifierRef;

/// Accepts `rsaEncryption` (RFC 8017, appendix A.1), and names everything else.
pub(crate) fn check_rsa(algorithm: &AlgorithmIdentifierRef<'_>, what: &'static str) -> Result<(), RsaError> {
    if algorithm.oid != pkcs1::ALGORITHM_OID {
        let kind = kind(algorithm.oid);
        return Err(RsaError::NotAccepted(format!(
            "this is {kind}; a keyset is an RSA key of 2048 to 8192 bits that can decrypt (rsaEncryption)"
        )));
    }
    // RFC 3279 demands NULL; some encoders leave the parameters out.
    match algorithm.parameters {
        None => Ok(()),
        Some(parameters) if parameters.is_null() => Ok(()),
        Some(_) => Err(RsaError::Malformed {
            what,
            why: "its algorithm has parameters, which rsaEncryption does not have".into(),
        }),
    }
}

fn kind(oid: ObjectIdentifier) -> String {
    let name = match oid.to_string().as_str() {
        "1.2.840.113549.1.1.10" => "an RSA key that may only sign (RSA-PSS)",
        "1.2.840.113549.1.1.7" => "an RSA key bound to OAEP parameters of its own (RSAES-OAEP)",
        "1.2.840.10045.2.1" => "an elliptic-curve (EC) key",
        "1.3.101.110" => "an X25519 key",
        "1.3.101.111" => "an X448 key",
        "1.3.101.112" => "an Ed25519 key",
        "1.3.101.113" => "an Ed448 key",
        "1.2.840.10040.4.1" => "a DSA key",
        "1.2.840.113549.1.3.1" | "1.2.840.10046.2.1" => "a Diffie-Hellman key",
        other => return format!("a key of the unknown kind {other}"),
    };
    name.to_owned()
}
