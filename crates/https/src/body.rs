use bytes::Bytes;
use zeroize::Zeroizing;

/// The body of a request, whose bytes are cleared when they have been sent, and an empty buffer in their place.
pub fn secret_body(buffer: &mut Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::from_owner(std::mem::replace(buffer, Zeroizing::new(Vec::new())))
}
