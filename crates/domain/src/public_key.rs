use std::fmt;

use sha2::{Digest, Sha256};

use crate::{Fingerprint, InvalidKeySize, KeyBits, Recipient, RsaPublicNumbers, check_public_exponent};

/// The public half of a keyset.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki_der: Box<[u8]>,
    fingerprint: Fingerprint,
    bits: KeyBits,
    tag: RecipientTag,
}

/// The four bytes by which a sealed file names the key of a slot: the beginning of the SHA-256 of the key in SSH wire
/// format. Too short to prove anything, long enough to look a keyset up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecipientTag(pub [u8; 4]);

impl PublicKey {
    /// A public key from its DER SubjectPublicKeyInfo and the numbers that an engine read out of it.
    ///
    /// # Errors
    /// When the modulus or the exponent is not accepted.
    pub fn new(spki_der: Vec<u8>, numbers: &RsaPublicNumbers) -> Result<Self, InvalidKeySize> {
        let bits = KeyBits::new(numbers.modulus_bits())?;
        check_public_exponent(&numbers.exponent)?;
        Ok(Self {
            fingerprint: Fingerprint::of_spki(&spki_der),
            bits,
            tag: Recipient::new(numbers.clone()).tag(),
            spki_der: spki_der.into(),
        })
    }

    /// A public key as it was stored; the fingerprint is computed again from the bytes.
    #[must_use]
    pub fn from_stored(spki_der: Vec<u8>, bits: KeyBits, tag: RecipientTag) -> Self {
        Self {
            fingerprint: Fingerprint::of_spki(&spki_der),
            spki_der: spki_der.into(),
            bits,
            tag,
        }
    }

    /// The DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki_der
    }

    /// The fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The length of the modulus.
    #[must_use]
    pub fn bits(&self) -> KeyBits {
        self.bits
    }

    /// What a sealed file's slot names this key by.
    #[must_use]
    pub fn tag(&self) -> RecipientTag {
        self.tag
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits, {})", self.bits, self.fingerprint)
    }
}

impl RecipientTag {
    pub(crate) fn of_ssh_wire(wire: &[u8]) -> Self {
        let digest = Sha256::digest(wire);
        Self([digest[0], digest[1], digest[2], digest[3]])
    }
}
