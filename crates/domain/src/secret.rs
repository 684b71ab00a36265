use zeroize::Zeroizing;

/// Secret bytes that are overwritten when they are dropped.
///
/// It has no `Clone`, `Debug`, `Display`, equality or serialisation: the only way to the bytes is [`SecretBytes::expose`],
/// which is easy to search for.
///
/// ```compile_fail,E0277
/// fn shown(secret: &keystead_domain::SecretBytes) -> String {
///     format!("{secret:?}")
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn printed(secret: &keystead_domain::SecretBytes) -> String {
///     format!("{secret}")
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copied(secret: keystead_domain::SecretBytes) -> keystead_domain::SecretBytes {
///     secret.clone()
/// }
/// ```
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes over the bytes. The caller must not keep a copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Takes over bytes that are already zeroized on drop.
    #[must_use]
    pub fn from_zeroizing(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the one operation that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// A private key as DER PKCS#8 (RFC 5958), unencrypted: the thing that this program exists to guard.
///
/// ```compile_fail,E0277
/// fn shown(secret: &keystead_domain::PrivateKey) -> String {
///     format!("{secret:?}")
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn printed(secret: &keystead_domain::PrivateKey) -> String {
///     format!("{secret}")
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copied(secret: keystead_domain::PrivateKey) -> keystead_domain::PrivateKey {
///     secret.clone()
/// }
/// ```
pub struct PrivateKey(SecretBytes);

impl PrivateKey {
    /// Takes over DER PKCS#8 bytes that an engine has checked or made.
    #[must_use]
    pub fn from_pkcs8_der(der: SecretBytes) -> Self {
        Self(der)
    }

    /// The DER bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The same, still wrapped, for what seals secrets.
    #[must_use]
    pub fn as_secret(&self) -> &SecretBytes {
        &self.0
    }
}

/// What a person types or a file holds to protect an export or a backup. Exactly these bytes, without any normalisation,
/// as OpenSSL takes them.
///
/// ```compile_fail,E0277
/// fn shown(secret: &keystead_domain::Passphrase) -> String {
///     format!("{secret:?}")
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn printed(secret: &keystead_domain::Passphrase) -> String {
///     format!("{secret}")
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copied(secret: keystead_domain::Passphrase) -> keystead_domain::Passphrase {
///     secret.clone()
/// }
/// ```
pub struct Passphrase(SecretBytes);

impl Passphrase {
    /// Takes over the bytes as typed.
    #[must_use]
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(SecretBytes::from_zeroizing(bytes))
    }

    /// Reads the content of a passphrase file: one trailing LF or CRLF does not belong to the passphrase.
    #[must_use]
    pub fn from_file_content(mut content: Zeroizing<Vec<u8>>) -> Self {
        if content.last() == Some(&b'\n') {
            content.pop();
            if content.last() == Some(&b'\r') {
                content.pop();
            }
        }
        Self::new(content)
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// The 128-bit key that a sealed file's header wraps and its payload is encrypted with (age v1).
///
/// ```compile_fail,E0277
/// fn shown(secret: &keystead_domain::FileKey) -> String {
///     format!("{secret:?}")
/// }
/// ```
///
/// ```compile_fail,E0277
/// fn printed(secret: &keystead_domain::FileKey) -> String {
///     format!("{secret}")
/// }
/// ```
///
/// ```compile_fail,E0599
/// fn copied(secret: keystead_domain::FileKey) -> keystead_domain::FileKey {
///     secret.clone()
/// }
/// ```
///
/// It stays in one place of the heap: were it moved about by value, every move would leave a copy behind on a stack.
pub struct FileKey(Box<Zeroizing<[u8; 16]>>);

impl FileKey {
    /// The length in bytes.
    pub const LEN: usize = 16;

    /// Takes over the bytes.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; 16]>) -> Self {
        Self::copy_of(&bytes)
    }

    /// A file key with these bytes, which the caller overwrites.
    #[must_use]
    pub fn copy_of(bytes: &[u8; 16]) -> Self {
        let mut room = Box::new(Zeroizing::new([0; Self::LEN]));
        room.copy_from_slice(bytes);
        Self(room)
    }

    /// A file key from what a slot unwrapped to; `None` when it has another length than a file key has.
    #[must_use]
    pub fn from_unwrapped(bytes: &SecretBytes) -> Option<Self> {
        bytes.expose().try_into().ok().map(Self::copy_of)
    }

    /// The same key once more, for a second owner who overwrites it too. It is not called `clone`, so that nobody does it
    /// without a thought.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::copy_of(&self.0)
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_file(content: &[u8]) -> Vec<u8> {
        Passphrase::from_file_content(Zeroizing::new(content.to_vec()))
            .expose()
            .to_vec()
    }

    #[test]
    fn one_line_end_is_removed_from_a_passphrase_file() {
        assert_eq!(from_file(b"a b "), b"a b ");
        assert_eq!(from_file(b"secret\n"), b"secret");
        assert_eq!(from_file(b"secret\r\n"), b"secret");
        assert_eq!(from_file(b"secret\n\n"), b"secret\n");
        assert_eq!(from_file(b"secret\r"), b"secret\r");
        assert_eq!(from_file(b"\n"), b"");
    }
}
