use keystead_application::ports::{EncodedPrivateKey, ExportCodecError};
use keystead_domain::{Kdf, Passphrase, PrivateKey, Protection, SecretBytes};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::pkcs5::pbes2::Parameters;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use self::envelope::Envelope;

mod envelope;
mod names;

/// The most PBKDF2 iterations that a file may ask for in all its keys together: some minutes.
pub const MAX_TOTAL_ITERATIONS: u64 = 1_000_000_000;
/// The most memory that scrypt may go through in all keys of a file together, in bytes: some minutes.
pub const MAX_TOTAL_SCRYPT_MEMORY: u64 = 64 * 1024 * 1024 * 1024;
/// The greatest parallelisation (p) of scrypt; it multiplies the time.
pub const MAX_SCRYPT_LANES: u64 = 16;

/// What the keys of one file ask for together.
#[derive(Default)]
pub(crate) struct Budget {
    iterations: u64,
    scrypt_memory: u64,
}

impl Budget {
    fn spend(&mut self, envelope: &Envelope<'_>) -> Result<(), ExportCodecError> {
        match envelope.kdf {
            Kdf::Pbkdf2 { iterations } => self.iterations += u64::from(iterations),
            Kdf::Scrypt { memory } => self.scrypt_memory += memory * envelope.lanes,
        }
        if self.iterations > MAX_TOTAL_ITERATIONS || self.scrypt_memory > MAX_TOTAL_SCRYPT_MEMORY {
            return Err(ExportCodecError::TooMuchWork(
                "the keys in the file ask for more key derivation than is done for one file; import them in several \
                 files"
                    .into(),
            ));
        }
        Ok(())
    }
}

/// Checks the parameters of an EncryptedPrivateKeyInfo without computing anything.
pub(crate) fn inspect(der: &[u8], budget: &mut Budget) -> Result<Protection, ExportCodecError> {
    let envelope = Envelope::read(der)?;
    budget.spend(&envelope)?;
    Ok(Protection::Passphrase(envelope.kdf))
}

/// Decrypts an EncryptedPrivateKeyInfo. From the passphrase on, every failure is the same.
pub(crate) fn unlock(der: &[u8], passphrase: &Passphrase) -> Result<EncodedPrivateKey, ExportCodecError> {
    // The bounds are checked again: the bytes may not come from `inspect`.
    let envelope = Envelope::read(der)?;
    let mut buffer = Zeroizing::new(envelope.ciphertext.to_vec());
    let len = envelope
        .parameters
        .decrypt_in_place(passphrase.expose(), &mut buffer)
        .map_err(|_| ExportCodecError::NotUnlocked)?
        .len();
    buffer.truncate(len);
    if !is_private_key(&buffer) {
        return Err(ExportCodecError::NotUnlocked);
    }
    Ok(EncodedPrivateKey::Pkcs8(SecretBytes::from_zeroizing(buffer)))
}

/// Encrypts a private key: PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC. Returns the EncryptedPrivateKeyInfo.
pub(crate) fn protect(
    private: &PrivateKey,
    passphrase: &Passphrase,
    iterations: u32,
    salt: &[u8; 16],
    iv: [u8; 16],
) -> Result<Vec<u8>, ExportCodecError> {
    let failed = |error: &dyn std::fmt::Display| ExportCodecError::Encode(error.to_string());
    let parameters =
        Parameters::generate_pbkdf2_sha256_aes256cbc(iterations, salt, iv).map_err(|error| failed(&error))?;
    let key = private.expose();
    // Room for the padding, so that the key is encrypted where it stands.
    let mut buffer = Zeroizing::new(vec![0; key.len() + 16]);
    buffer[..key.len()].copy_from_slice(key);
    let ciphertext = parameters
        .encrypt_in_place(passphrase.expose(), &mut buffer, key.len())
        .map_err(|error| failed(&error))?;
    EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(ciphertext).map_err(|error| failed(&error))?,
    }
    .to_der()
    .map_err(|error| failed(&error))
}

/// Whether the bytes are a PrivateKeyInfo, and an RSA key inside is one by its form. A damaged ciphertext can pass the
/// padding and then fail here, and must not be told from a wrong passphrase.
fn is_private_key(der: &[u8]) -> bool {
    PrivateKeyInfoRef::from_der(der).is_ok_and(|info| {
        info.algorithm.oid != pkcs1::ALGORITHM_OID
            || RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).is_ok()
    })
}
