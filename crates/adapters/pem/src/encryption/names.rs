use pkcs8::ObjectIdentifier;
use pkcs8::pkcs5::pbes2::{AES_128_CBC_OID, AES_192_CBC_OID, AES_256_CBC_OID, DES_EDE3_CBC_OID};

/// The lengths of key and block of a cipher that is read, in bytes.
pub(super) fn cipher_lengths(oid: ObjectIdentifier) -> Option<(u64, usize)> {
    match oid {
        AES_128_CBC_OID => Some((16, 16)),
        AES_192_CBC_OID => Some((24, 16)),
        AES_256_CBC_OID => Some((32, 16)),
        DES_EDE3_CBC_OID => Some((24, 8)),
        _ => None,
    }
}

/// HMAC with SHA-1, SHA-256, SHA-384 and SHA-512 (RFC 8018, appendix B.1.2).
pub(super) fn is_known_prf(oid: ObjectIdentifier) -> bool {
    matches!(
        oid.to_string().as_str(),
        "1.2.840.113549.2.7" | "1.2.840.113549.2.9" | "1.2.840.113549.2.10" | "1.2.840.113549.2.11"
    )
}

/// The name of an encryption scheme that is not PBES2.
pub(super) fn scheme(oid: ObjectIdentifier) -> String {
    let name = match oid.to_string().as_str() {
        "1.2.840.113549.1.5.1" => "PBES1 (MD2 and DES)",
        "1.2.840.113549.1.5.3" => "PBES1 (MD5 and DES)",
        "1.2.840.113549.1.5.4" | "1.2.840.113549.1.5.6" => "PBES1 (RC2)",
        "1.2.840.113549.1.5.10" => "PBES1 (SHA-1 and DES)",
        "1.2.840.113549.1.5.11" => "PBES1 (SHA-1 and RC2)",
        "1.2.840.113549.1.12.1.1" | "1.2.840.113549.1.12.1.2" => "PKCS#12 encryption (SHA-1 and RC4)",
        "1.2.840.113549.1.12.1.3" | "1.2.840.113549.1.12.1.4" => "PKCS#12 encryption (SHA-1 and 3DES)",
        "1.2.840.113549.1.12.1.5" | "1.2.840.113549.1.12.1.6" => "PKCS#12 encryption (SHA-1 and RC2)",
        other => return format!("the scheme {other}"),
    };
    name.to_owned()
}

/// The name of a cipher that is not read.
pub(super) fn cipher(oid: ObjectIdentifier) -> String {
    let name = match oid.to_string().as_str() {
        "1.3.14.3.2.7" => "DES",
        "1.2.840.113549.3.2" => "RC2",
        "2.16.840.1.101.3.4.1.6" | "2.16.840.1.101.3.4.1.26" | "2.16.840.1.101.3.4.1.46" => "AES-GCM",
        "1.2.392.200011.61.1.1.1.2" | "1.2.392.200011.61.1.1.1.4" => "Camellia",
        other => return format!("the cipher {other}"),
    };
    name.to_owned()
}

/// The name of a key derivation that is not read.
pub(super) fn kdf(oid: ObjectIdentifier) -> String {
    format!("the key derivation {oid}")
}
