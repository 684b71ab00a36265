//! The payload of an age file: STREAM over ChaCha20-Poly1305 in chunks of 64 KiB.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use keystead_application::ports::{PayloadStream, SealedFormatError};
use keystead_domain::FileKey;

use crate::kdf::derive;

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const SEALED_CHUNK: usize = CHUNK + TAG;
const NONCE: usize = 16;

/// Encrypts a payload.
pub(crate) struct Sealer {
    cipher: ChunkCipher,
    /// The nonce of the payload, until it has been written.
    nonce: Option<[u8; NONCE]>,
    /// Plaintext that does not fill a chunk yet. A full chunk waits here too until more follows: the last one is marked.
    pending: Vec<u8>,
}

/// Decrypts a payload.
pub(crate) struct Opener {
    file_key: FileKey,
    state: Opening,
    pending: Vec<u8>,
    opened: u64,
}

enum Opening {
    /// The nonce has not been read.
    Nonce,
    /// Chunks come in.
    Chunks(Box<ChunkCipher>),
    /// The last chunk was found with zeros behind it; only zeros may follow.
    Padding,
}

struct ChunkCipher {
    key: LessSafeKey,
    counter: u128,
}

impl Sealer {
    pub(crate) fn new(file_key: &FileKey, nonce: [u8; NONCE]) -> Result<Self, SealedFormatError> {
        Ok(Self {
            cipher: ChunkCipher::new(file_key, &nonce)?,
            nonce: Some(nonce),
            pending: Vec::new(),
        })
    }
}

impl PayloadStream for Sealer {
    fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        out.extend(self.nonce.take().into_iter().flatten());
        if !self.pending.is_empty() {
            let missing = (CHUNK - self.pending.len()).min(input.len());
            self.pending.extend_from_slice(&input[..missing]);
            input = &input[missing..];
            if input.is_empty() {
                return Ok(());
            }
            self.cipher.seal(&self.pending, false, out)?;
            self.pending.clear();
        }
        while input.len() > CHUNK {
            let (chunk, rest) = input.split_at(CHUNK);
            self.cipher.seal(chunk, false, out)?;
            input = rest;
        }
        self.pending.extend_from_slice(input);
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        out.extend(self.nonce.take().into_iter().flatten());
        self.cipher.seal(&self.pending, true, out)
    }
}

impl Opener {
    pub(crate) fn new(file_key: FileKey) -> Self {
        Self {
            file_key,
            state: Opening::Nonce,
            pending: Vec::new(),
            opened: 0,
        }
    }

    /// Opens the chunks that are known not to be the last, and returns the rest of `input`.
    fn open_chunks<'a>(
        &mut self,
        mut input: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<&'a [u8], SealedFormatError> {
        while input.len() > SEALED_CHUNK && !matches!(self.state, Opening::Padding) {
            let (chunk, rest) = input.split_at(SEALED_CHUNK);
            self.open_chunk(chunk, out)?;
            input = rest;
        }
        Ok(input)
    }

    /// Opens a chunk behind which more bytes come: an inner one, or the last one before padding.
    fn open_chunk(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        if let Opening::Chunks(cipher) = &mut self.state
            && cipher.open(chunk, false, out)
        {
            self.opened += CHUNK as u64;
            return Ok(());
        }
        self.open_padded(chunk, out)
    }

    /// Opens the last chunk when zeros were put behind it. Its tag may itself end in zeros, so each length that is
    /// possible is tried.
    fn open_padded(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        let damaged = SealedFormatError::PayloadDamaged(self.opened);
        let Opening::Chunks(cipher) = &mut self.state else {
            return Err(damaged);
        };
        let bare = chunk.len() - chunk.iter().rev().take_while(|b| **b == 0).count();
        for len in bare..=(bare + TAG).min(chunk.len()) {
            let content = cipher.last_content_len(len);
            if content.is_some() && cipher.open(&chunk[..len], true, out) {
                self.opened += content.unwrap_or_default() as u64;
                self.state = Opening::Padding;
                return Ok(());
            }
        }
        Err(damaged)
    }
}

impl PayloadStream for Opener {
    fn push(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        if let Opening::Nonce = self.state {
            let missing = (NONCE - self.pending.len()).min(input.len());
            self.pending.extend_from_slice(&input[..missing]);
            input = &input[missing..];
            if self.pending.len() < NONCE {
                return Ok(());
            }
            self.state = Opening::Chunks(Box::new(ChunkCipher::new(&self.file_key, &self.pending)?));
            self.pending.clear();
        }
        if !self.pending.is_empty() {
            let missing = (SEALED_CHUNK - self.pending.len()).min(input.len());
            self.pending.extend_from_slice(&input[..missing]);
            input = &input[missing..];
            if input.is_empty() {
                return Ok(());
            }
            // More follows, so the waiting chunk is not the last one.
            let chunk = std::mem::take(&mut self.pending);
            self.open_chunk(&chunk, out)?;
        }
        let rest = self.open_chunks(input, out)?;
        if let Opening::Padding = self.state {
            return if rest.iter().all(|b| *b == 0) {
                Ok(())
            } else {
                Err(SealedFormatError::PayloadDamaged(self.opened))
            };
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    fn finish(mut self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        match &mut self.state {
            Opening::Padding => Ok(()),
            Opening::Nonce => Err(SealedFormatError::PayloadCut(0)),
            Opening::Chunks(cipher) => {
                let last = std::mem::take(&mut self.pending);
                if cipher.last_content_len(last.len()).is_some() && cipher.open(&last, true, out) {
                    return Ok(());
                }
                // A whole chunk that is good, but not marked as the last one: the rest of the file is missing.
                if last.len() == SEALED_CHUNK && cipher.opens_as_inner(&last) {
                    return Err(SealedFormatError::PayloadCut(self.opened + CHUNK as u64));
                }
                if last.is_empty() {
                    return Err(SealedFormatError::PayloadCut(self.opened));
                }
                if last.len() < SEALED_CHUNK && last.last() != Some(&0) {
                    return Err(SealedFormatError::PayloadCut(self.opened));
                }
                self.open_padded(&last, out)
            }
        }
    }
}

impl ChunkCipher {
    fn new(file_key: &FileKey, nonce: &[u8]) -> Result<Self, SealedFormatError> {
        let key = derive(file_key, nonce, b"payload")?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_slice())
            .map_err(|_| SealedFormatError::Cipher("the key has the wrong length".into()))?;
        Ok(Self {
            key: LessSafeKey::new(key),
            counter: 0,
        })
    }

    /// The length of the content of a last chunk, if it may have that length: only an empty payload has an empty chunk.
    fn last_content_len(&self, sealed_len: usize) -> Option<usize> {
        let content = sealed_len.checked_sub(TAG)?;
        (content > 0 || self.counter == 0).then_some(content)
    }

    fn seal(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), SealedFormatError> {
        let start = out.len();
        out.resize(start + chunk.len() + TAG, 0);
        let (ciphertext, tag) = out[start..].split_at_mut(chunk.len());
        self.key
            .seal_out_of_place_scatter(self.nonce(last), Aad::empty(), chunk, ciphertext, &[], tag)
            .map_err(|_| SealedFormatError::Cipher("sealing a chunk failed".into()))?;
        self.counter += 1;
        Ok(())
    }

    /// Appends the content of a chunk, if it is authentic. Otherwise `out` is as it was.
    fn open(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) -> bool {
        let (ciphertext, tag) = chunk.split_at(chunk.len() - TAG);
        let start = out.len();
        out.resize(start + ciphertext.len(), 0);
        let plaintext = &mut out[start..];
        let opened = self
            .key
            .open_separate_gather(self.nonce(last), Aad::empty(), ciphertext, tag, plaintext)
            .is_ok();
        if opened {
            self.counter += 1;
        } else {
            out[start..].fill(0);
            out.truncate(start);
        }
        opened
    }

    fn opens_as_inner(&mut self, chunk: &[u8]) -> bool {
        let mut discarded = zeroize::Zeroizing::new(Vec::new());
        self.open(chunk, false, &mut discarded)
    }

    /// The chunk's number in eleven bytes, then whether it is the last.
    fn nonce(&self, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..11].copy_from_slice(&self.counter.to_be_bytes()[5..]);
        nonce[11] = u8::from(last);
        Nonce::assume_unique_for_key(nonce)
    }
}
