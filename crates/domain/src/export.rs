use std::fmt;

use crate::{Fingerprint, Hint, KeyBits, KeysetId, Timestamp};

/// The version of the metadata block that this program writes.
pub const EXPORT_FORMAT_VERSION: u32 = 1;
/// The most PBKDF2 iterations that are computed for an import.
pub const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
/// The most memory that scrypt may ask for in an import, in bytes.
pub const MAX_SCRYPT_MEMORY: u64 = 256 * 1024 * 1024;

/// What an export says about its keyset, signed with the keyset's own private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportMetadata {
    /// The keyset's id where it was exported.
    pub id: KeysetId,
    /// Its hint.
    pub hint: Hint,
    /// Its size.
    pub bits: KeyBits,
    /// When the key pair was made.
    pub created_at: Timestamp,
    /// When it was exported.
    pub exported_at: Timestamp,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// How a private key in a file is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Unprotected,
    /// By a passphrase (PKCS#8, PBES2).
    Passphrase(Kdf),
}

/// How a passphrase becomes a key (PBES2, RFC 8018).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kdf {
    /// PBKDF2 with this number of iterations.
    Pbkdf2 {
        /// Iterations.
        iterations: u32,
    },
    /// scrypt with this much memory.
    Scrypt {
        /// Bytes.
        memory: u64,
    },
}

impl fmt::Display for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unprotected => f.write_str("unprotected"),
            Self::Passphrase(Kdf::Pbkdf2 { iterations }) => {
                write!(f, "passphrase (PBKDF2, {iterations} iterations)")
            }
            Self::Passphrase(Kdf::Scrypt { memory }) => {
                write!(f, "passphrase (scrypt, {} MiB)", memory.div_ceil(1024 * 1024))
            }
        }
    }
}

/// Why the blocks of a file do not make keysets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairingRefused {
    /// The same private key stands in the file more than once.
    #[error("the private key of keyset {} stands in the file twice", .0.short())]
    PrivateTwice(Fingerprint),
    /// A public key without its private key.
    #[error("the public key {} in the file belongs to none of its private keys", .0.short())]
    PublicWithoutPrivate(Fingerprint),
    /// A metadata block without its private key.
    #[error("the KEYSTEAD KEYSET block of {} belongs to none of the file's private keys", .0.short())]
    MetadataWithoutPrivate(Fingerprint),
    /// More than one metadata block for one keyset.
    #[error("keyset {} has two KEYSTEAD KEYSET blocks", .0.short())]
    MetadataTwice(Fingerprint),
}

/// Pairs private keys with public keys and metadata blocks by fingerprint, in whatever order they stood in the file.
///
/// Returns, for each private key, the position of its metadata block if there is one.
///
/// # Errors
/// When a public key or a metadata block belongs to none of the private keys, or something stands there twice: such a
/// file was put together wrongly or tampered with, and no guess is made.
pub fn pair_by_fingerprint(
    privates: &[Fingerprint],
    publics: &[Fingerprint],
    metadata: &[Fingerprint],
) -> Result<Vec<Option<usize>>, PairingRefused> {
    use std::collections::HashMap;

    let mut positions: HashMap<Fingerprint, usize> = HashMap::new();
    for (i, fingerprint) in privates.iter().enumerate() {
        if positions.insert(*fingerprint, i).is_some() {
            return Err(PairingRefused::PrivateTwice(*fingerprint));
        }
    }
    if let Some(stray) = publics.iter().find(|p| !positions.contains_key(p)) {
        return Err(PairingRefused::PublicWithoutPrivate(*stray));
    }
    let mut pairs = vec![None; privates.len()];
    for (block, fingerprint) in metadata.iter().enumerate() {
        match positions.get(fingerprint) {
            None => return Err(PairingRefused::MetadataWithoutPrivate(*fingerprint)),
            Some(&i) if pairs[i].is_some() => return Err(PairingRefused::MetadataTwice(*fingerprint)),
            Some(&i) => pairs[i] = Some(block),
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fp(n: u8) -> Fingerprint {
        Fingerprint::of_spki(&[n])
    }

    #[test]
    fn blocks_pair_in_any_order() {
        let pairs = pair_by_fingerprint(&[fp(1), fp(2), fp(3)], &[fp(3), fp(1)], &[fp(3), fp(1)]);
        assert_eq!(pairs, Ok(vec![Some(1), None, Some(0)]));
    }

    #[test]
    fn strays_and_doubles_are_refused() {
        assert_eq!(
            pair_by_fingerprint(&[fp(1)], &[fp(2)], &[]),
            Err(PairingRefused::PublicWithoutPrivate(fp(2)))
        );
        assert_eq!(
            pair_by_fingerprint(&[fp(1)], &[], &[fp(2)]),
            Err(PairingRefused::MetadataWithoutPrivate(fp(2)))
        );
        assert_eq!(
            pair_by_fingerprint(&[fp(1), fp(1)], &[], &[]),
            Err(PairingRefused::PrivateTwice(fp(1)))
        );
        assert_eq!(
            pair_by_fingerprint(&[fp(1)], &[fp(1), fp(1)], &[fp(1), fp(1)]),
            Err(PairingRefused::MetadataTwice(fp(1)))
        );
    }
}
