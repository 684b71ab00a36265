//! How secrets that the manager makes are written, and what is kept of them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::{SecretBytes, Sha256Digest};

/// The random bytes of a token or a session: nobody guesses 256 bits, so a plain digest of them is kept.
pub const SECRET_BYTES: usize = 32;
/// The random bytes of a code that people type: one for each digit.
pub const CODE_BYTES: usize = 25;
/// What a token begins with, so that it is known for what it is where it should not be.
const TOKEN_PREFIX: &str = "keystead_";
const SESSION_PREFIX: &str = "session_";
const CODE_GROUP: usize = 5;
/// Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Longer than any of them.
const MAX_LEN: usize = 128;

/// A text that is no token, session or code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this has not the form of a token, a session or a code")]
pub struct InvalidCredential;

/// The text of a token: 256 random bits.
#[must_use]
pub fn token_text(random: &[u8; SECRET_BYTES]) -> SecretBytes {
    secret_text(TOKEN_PREFIX, random)
}

/// The text of a session: 256 random bits.
#[must_use]
pub fn session_text(random: &[u8; SECRET_BYTES]) -> SecretBytes {
    secret_text(SESSION_PREFIX, random)
}

fn secret_text(prefix: &str, random: &[u8; SECRET_BYTES]) -> SecretBytes {
    let mut letters = Zeroizing::new([0_u8; 44]);
    let len = URL_SAFE_NO_PAD
        .encode_slice(random, letters.as_mut_slice())
        .unwrap_or(0);
    let mut text = Zeroizing::new(Vec::with_capacity(prefix.len() + len));
    text.extend_from_slice(prefix.as_bytes());
    text.extend_from_slice(&letters[..len]);
    SecretBytes::from_zeroizing(text)
}

/// What is kept of a token or a session, and found by it: the digest of its text.
///
/// # Errors
/// When the text is none.
pub fn secret_digest(text: &[u8]) -> Result<Sha256Digest, InvalidCredential> {
    let known = [TOKEN_PREFIX, SESSION_PREFIX]
        .iter()
        .any(|prefix| text.starts_with(prefix.as_bytes()));
    match known && text.len() <= MAX_LEN && text.iter().all(u8::is_ascii_graphic) {
        true => Ok(Sha256Digest::of(text)),
        false => Err(InvalidCredential),
    }
}

/// The text of a code: 125 random bits in five groups, to be read aloud and typed.
#[must_use]
pub fn code_text(random: &[u8; CODE_BYTES]) -> SecretBytes {
    let mut text = Zeroizing::new(Vec::with_capacity(CODE_BYTES + CODE_BYTES / CODE_GROUP));
    for (i, byte) in random.iter().enumerate() {
        if i > 0 && i % CODE_GROUP == 0 {
            text.push(b'-');
        }
        text.push(DIGITS[usize::from(byte & 31)]);
    }
    SecretBytes::from_zeroizing(text)
}

/// What is kept of a code: the digest of its digits. Dashes, blanks and small letters make no difference, and what
/// handwriting confuses is taken for what it looks like.
///
/// # Errors
/// When the text is none.
pub fn code_digest(text: &[u8]) -> Result<Sha256Digest, InvalidCredential> {
    if text.len() > MAX_LEN {
        return Err(InvalidCredential);
    }
    let mut digits = Zeroizing::new(Vec::with_capacity(CODE_BYTES));
    for byte in text
        .iter()
        .filter(|byte| !matches!(byte, b'-' | b' ' | b'\t' | b'\r' | b'\n'))
    {
        let digit = match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        match DIGITS.contains(&digit) && digits.len() < CODE_BYTES {
            true => digits.push(digit),
            false => return Err(InvalidCredential),
        }
    }
    match digits.len() == CODE_BYTES {
        true => Ok(Sha256Digest::of(&digits)),
        false => Err(InvalidCredential),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_being_read_aloud() {
        let mut random = [0; CODE_BYTES];
        random.iter_mut().zip(0..).for_each(|(b, i)| *b = i);
        let text = code_text(&random);
        assert_eq!(text.expose(), b"01234-56789-ABCDE-FGHJK-MNPQR");
        let digest = code_digest(text.expose());
        assert!(digest.is_ok());
        assert_eq!(code_digest(b"o1234 56789 abcde\nfghjk mnpqr\n"), digest);
        assert_eq!(code_digest(b"oi234-56789-abcde-fghjk-mnpqr"), digest);
        for wrong in [
            &b""[..],
            b"01234",
            b"01234-56789-ABCDE-FGHJK-MNPQRS",
            b"!1234-56789-ABCDE-FGHJK-MNPQR",
        ] {
            assert_eq!(code_digest(wrong), Err(InvalidCredential));
        }
    }

    #[test]
    fn a_token_is_known_by_its_beginning() {
        let text = token_text(&[0xff; SECRET_BYTES]);
        assert!(text.expose().starts_with(b"keystead_"));
        assert_eq!(text.expose().len(), 9 + 43);
        assert!(secret_digest(text.expose()).is_ok());
        assert!(secret_digest(session_text(&[1; SECRET_BYTES]).expose()).is_ok());
        assert!(secret_digest(b"Bearer x").is_err());
        assert!(secret_digest(&[b"keystead_".as_slice(), &[b'a'; 200]].concat()).is_err());
    }
}
