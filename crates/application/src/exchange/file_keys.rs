//! The file keys of a response, before they are encrypted. Bytes rather than JSON, so that no copy of a key is made on the way.

use keystead_domain::{FileKey, RequestId, SecretBytes, Sha256Digest, Timestamp};
use zeroize::Zeroizing;

/// The first bytes: what this is, and its version.
const MAGIC: &[u8; 24] = b"keystead-file-keys-v1\0\0\0";
const HEAD: usize = MAGIC.len() + 16 + 32 + 8 + 4;
const ENTRY: usize = 4 + FileKey::LEN;

/// The file keys that answer a request.
pub struct FileKeys {
    /// The request's id.
    pub request: RequestId,
    /// The digest of the request's bytes.
    pub digest: Sha256Digest,
    /// Until when they may be used.
    pub until: Timestamp,
    /// The keys, in the order of their files.
    pub keys: Vec<RecoveredKey>,
}

/// The key of one of the request's files.
pub struct RecoveredKey {
    /// The place of the file in the request, from 0.
    pub file: u32,
    /// Its key.
    pub key: FileKey,
}

/// Bytes that hold no file keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file keys in it are malformed")]
pub struct MalformedFileKeys;

impl FileKeys {
    /// The bytes: magic, request id, digest, microseconds since the epoch, number of keys; for each the place of the file and
    /// the key. Numbers are big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD + self.keys.len() * ENTRY));
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(self.request.as_bytes());
        bytes.extend_from_slice(self.digest.as_bytes());
        bytes.extend_from_slice(&self.until.as_micros().to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.keys.len()).unwrap_or(u32::MAX).to_be_bytes());
        for RecoveredKey { file, key } in &self.keys {
            bytes.extend_from_slice(&file.to_be_bytes());
            bytes.extend_from_slice(key.expose());
        }
        SecretBytes::from_zeroizing(bytes)
    }

    /// Reads what [`FileKeys::to_bytes`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`MalformedFileKeys`].
    pub fn from_bytes(bytes: &SecretBytes) -> Result<Self, MalformedFileKeys> {
        let mut rest = bytes.expose();
        if take::<24>(&mut rest)? != MAGIC {
            return Err(MalformedFileKeys);
        }
        let request = RequestId::from_bytes(*take(&mut rest)?);
        let digest = Sha256Digest::from_bytes(*take(&mut rest)?);
        let until =
            Timestamp::from_micros(i64::from_be_bytes(*take(&mut rest)?)).map_err(|_| MalformedFileKeys)?;
        let count = u32::from_be_bytes(*take(&mut rest)?) as usize;
        if rest.len() != count.checked_mul(ENTRY).ok_or(MalformedFileKeys)? {
            return Err(MalformedFileKeys);
        }
        let mut keys: Vec<RecoveredKey> = Vec::with_capacity(count);
        while !rest.is_empty() {
            let file = u32::from_be_bytes(*take(&mut rest)?);
            let key = FileKey::copy_of(take(&mut rest)?);
            if keys.last().is_some_and(|last| last.file >= file) {
                return Err(MalformedFileKeys);
            }
            keys.push(RecoveredKey { file, key });
        }
        Ok(Self {
            request,
            digest,
            until,
            keys,
        })
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], MalformedFileKeys> {
    let (taken, tail) = rest.split_first_chunk().ok_or(MalformedFileKeys)?;
    *rest = tail;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(files: &[u32]) -> FileKeys {
        let key = |file: &u32| RecoveredKey {
            file: *file,
            key: FileKey::new(Zeroizing::new([*file as u8; 16])),
        };
        FileKeys {
            request: RequestId::from_bytes([1; 16]),
            digest: Sha256Digest::of(b"x"),
            until: Timestamp::from_micros(77).unwrap(),
            keys: files.iter().map(key).collect(),
        }
    }

    #[test]
    fn keys_survive_their_bytes() {
        for files in [&[][..], &[0], &[0, 3, 9999]] {
            let bytes = keys(files).to_bytes();
            let read = FileKeys::from_bytes(&bytes).unwrap();
            assert_eq!(read.to_bytes().expose(), bytes.expose());
            assert_eq!(read.keys.len(), files.len());
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        let whole = keys(&[0, 3]).to_bytes();
        let whole = whole.expose();
        for len in 0..whole.len() {
            assert!(FileKeys::from_bytes(&SecretBytes::new(whole[..len].to_vec())).is_err());
        }
        assert!(FileKeys::from_bytes(&SecretBytes::new([whole, &[0]].concat())).is_err());
        for order in [&[3, 0][..], &[3, 3]] {
            assert!(FileKeys::from_bytes(&keys(order).to_bytes()).is_err());
        }
    }
}
