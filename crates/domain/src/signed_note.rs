//! Signed notes: a text that people can read, and Ed25519 signatures under it.
//!
//! Source: <https://c2sp.org/signed-note>. Verified there: which key, by its name and four bytes of its hash; here the
//! caller knows the key, and a note that others signed too is accepted.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The signature type of Ed25519.
const ED25519: u8 = 0x01;
/// Far longer than a note of this program; a longer one is not read.
const MAX_LEN: usize = 64 * 1024;
const MAX_SIGNATURES: usize = 16;

/// The name and the public key of somebody who signs notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    public_key: [u8; 32],
}

/// A text with its signatures. They are not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<NoteSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    key_hash: [u8; 4],
    signature: Vec<u8>,
}

/// A text that is no signed note, or no key of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not a signed note: {0}")]
pub struct InvalidNote(&'static str);

impl NoteKey {
    /// The key of somebody with this name.
    ///
    /// # Errors
    /// When the name is empty or holds blanks or a plus sign.
    pub fn new(name: impl Into<String>, public_key: [u8; 32]) -> Result<Self, InvalidNote> {
        let name = name.into();
        match is_name(&name) {
            true => Ok(Self { name, public_key }),
            false => Err(InvalidNote("the name of its key is malformed")),
        }
    }

    /// The raw Ed25519 public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// The four bytes that name the key in a signature line.
    fn hash(&self) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(self.name.as_bytes());
        hash.update([b'\n', ED25519]);
        hash.update(self.public_key);
        let digest = hash.finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

/// The form in which a verifier key is handed around: name, hash and key, joined by plus signs.
impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+", self.name)?;
        self.hash().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(
            f,
            "+{}",
            STANDARD.encode([&[ED25519][..], &self.public_key].concat())
        )
    }
}

impl SignedNote {
    /// A text and the signature that the key's owner made over exactly its bytes.
    ///
    /// # Errors
    /// When the text is not lines that end in line feeds.
    pub fn new(text: impl Into<String>, key: &NoteKey, signature: &[u8; 64]) -> Result<Self, InvalidNote> {
        let text = text.into();
        if !is_text(&text) {
            return Err(InvalidNote("its text is no text of lines"));
        }
        let signature = NoteSignature {
            name: key.name.clone(),
            key_hash: key.hash(),
            signature: signature.to_vec(),
        };
        Ok(Self {
            text,
            signatures: vec![signature],
        })
    }

    /// The text: what is signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature that claims to be of this key.
    #[must_use]
    pub fn signature_of(&self, key: &NoteKey) -> Option<[u8; 64]> {
        let claimed = self
            .signatures
            .iter()
            .find(|line| line.name == key.name && line.key_hash == key.hash())?;
        claimed.signature.as_slice().try_into().ok()
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for line in &self.signatures {
            let NoteSignature {
                name,
                key_hash,
                signature,
            } = line;
            writeln!(
                f,
                "\u{2014} {name} {}",
                STANDARD.encode([key_hash.as_slice(), signature].concat())
            )?;
        }
        Ok(())
    }
}

impl FromStr for SignedNote {
    type Err = InvalidNote;

    fn from_str(note: &str) -> Result<Self, InvalidNote> {
        if note.len() > MAX_LEN {
            return Err(InvalidNote("it is too long"));
        }
        let end = note.rfind("\n\n").ok_or(InvalidNote("it has no signature"))?;
        let (text, lines) = (&note[..=end], &note[end + 2..]);
        if !is_text(text) || !lines.ends_with('\n') {
            return Err(InvalidNote("it is no text of lines"));
        }
        let signatures: Vec<_> = lines.lines().map(signature).collect::<Result<_, _>>()?;
        match signatures.len() {
            1..=MAX_SIGNATURES => Ok(Self {
                text: text.to_owned(),
                signatures,
            }),
            _ => Err(InvalidNote("it has no signature, or too many")),
        }
    }
}

fn signature(line: &str) -> Result<NoteSignature, InvalidNote> {
    const MALFORMED: InvalidNote = InvalidNote("a signature line is malformed");
    let (name, encoded) = line
        .strip_prefix("\u{2014} ")
        .and_then(|rest| rest.split_once(' '))
        .filter(|(name, _)| is_name(name))
        .ok_or(MALFORMED)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| MALFORMED)?;
    let (key_hash, signature) = bytes.split_first_chunk().ok_or(MALFORMED)?;
    Ok(NoteSignature {
        name: name.to_owned(),
        key_hash: *key_hash,
        signature: signature.to_vec(),
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.contains(|c: char| c.is_control() && c != '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verifier key and the note of the specification's own example.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn key() -> NoteKey {
        let encoded = KEY.rsplit('+').next().unwrap();
        let bytes = STANDARD.decode(encoded).unwrap();
        NoteKey::new("PeterNeumann", bytes[1..].try_into().unwrap()).unwrap()
    }

    #[test]
    fn the_example_of_the_specification_is_read_and_written() {
        let note: SignedNote = NOTE.parse().unwrap();
        assert_eq!(key().to_string(), KEY);
        assert_eq!(note.to_string(), NOTE);
        let signature = note.signature_of(&key()).unwrap();
        assert_eq!(SignedNote::new(note.text(), &key(), &signature).unwrap(), note);
    }

    #[test]
    fn a_signature_of_another_key_is_not_taken() {
        let note: SignedNote = NOTE.parse().unwrap();
        let other = NoteKey::new("PeterNeumann", [7; 32]).unwrap();
        assert_eq!(note.signature_of(&other), None);
        let renamed = NoteKey::new("Peter", *key().public_key()).unwrap();
        assert_eq!(note.signature_of(&renamed), None);
    }

    #[test]
    fn malformed_notes_are_refused() {
        for wrong in [
            String::new(),
            "text\n".to_owned(),
            NOTE.trim_end().to_owned(),
            NOTE.replace('\u{2014}', "-"),
            NOTE.replace("x08g", "x0*g"),
            NOTE.replace("then", "then\r"),
            format!("{NOTE}{}", "\u{2014} a AAAAAA==\n".repeat(20)),
            "a\n".repeat(MAX_LEN),
        ] {
            assert!(wrong.parse::<SignedNote>().is_err(), "{wrong}");
        }
        for name in ["", "a b", "a+b"] {
            assert!(NoteKey::new(name, [0; 32]).is_err());
        }
    }
}
