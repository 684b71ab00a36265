//! The bytes of fake keys: a mark, lengths and contents. They are no DER.

use keystead_application::ports::RsaError;
use keystead_domain::RsaPublicNumbers;

const PUBLIC_MARK: &[u8] = b"keystead fake public key:";
const PRIVATE_MARK: &[u8] = b"keystead fake private key:";
const HANDLE_BYTES: usize = 32;

pub(super) fn encode_public(numbers: &RsaPublicNumbers) -> Vec<u8> {
    let mut bytes = PUBLIC_MARK.to_vec();
    for number in [&numbers.modulus, &numbers.exponent] {
        bytes.extend_from_slice(&(number.len() as u64).to_be_bytes());
        bytes.extend_from_slice(number);
    }
    bytes
}

pub(super) fn decode_public(bytes: &[u8]) -> Result<RsaPublicNumbers, RsaError> {
    let malformed = || RsaError::Malformed {
        what: "public key",
        why: "it is not one of the engine in memory".to_owned(),
    };
    let mut rest = bytes.strip_prefix(PUBLIC_MARK).ok_or_else(malformed)?;
    let modulus = take_number(&mut rest).ok_or_else(malformed)?;
    let exponent = take_number(&mut rest).ok_or_else(malformed)?;
    let numbers = RsaPublicNumbers::new(modulus, exponent);
    // One key has one encoding: what was dropped as a leading zero must not have been there.
    if encode_public(&numbers) == bytes {
        Ok(numbers)
    } else {
        Err(malformed())
    }
}

pub(super) fn encode_private(handle: &[u8]) -> Vec<u8> {
    [PRIVATE_MARK, handle].concat()
}

pub(super) fn private_handle(bytes: &[u8]) -> Result<&[u8], RsaError> {
    let handle = bytes
        .strip_prefix(PRIVATE_MARK)
        .filter(|handle| handle.len() == HANDLE_BYTES);
    handle.ok_or_else(|| RsaError::Malformed {
        what: "private key",
        why: "it is not one of the engine in memory".to_owned(),
    })
}

fn take_number<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    let (number, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some(number)
}
