use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use keystead_application::ports::SealedFormatError;
use keystead_domain::FileKey;
use zeroize::Zeroizing;

use crate::stack::leaving_no_trace;

/// HKDF-SHA-256 (RFC 5869) of the file key, 32 bytes long, as the age format derives all its keys.
pub(crate) fn derive(
    file_key: &FileKey,
    salt: &[u8],
    info: &[u8],
) -> Result<Zeroizing<[u8; 32]>, SealedFormatError> {
    // The hash takes in the file key by way of buffers that are moved about, and overwrites only the last.
    leaving_no_trace(|| {
        let mut key = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, salt)
            .extract(file_key.expose())
            .expand(&[info], Len32)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .map_err(|_| SealedFormatError::Cipher("key derivation failed".into()))?;
        Ok(key)
    })
}

struct Len32;

impl KeyType for Len32 {
    fn len(&self) -> usize {
        32
    }
}
