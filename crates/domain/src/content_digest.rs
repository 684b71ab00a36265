use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a content that comes piece by piece, to compare it with another one.
#[derive(Clone, Default)]
pub struct ContentDigest(Sha256);

impl ContentDigest {
    /// The digest of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_digest_of_the_whole() {
        let mut digest = ContentDigest::new();
        for piece in ["a", "", "bc"] {
            digest.update(piece.as_bytes());
        }
        // printf abc | sha256sum
        assert_eq!(digest.finish()[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
