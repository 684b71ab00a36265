use keystead_application::ports::{Randomness, RandomnessError, RandomnessExt};
use zeroize::Zeroizing;

use crate::cipher::{KEY_LEN, Secret};
use crate::file::Content;

const PREFIX: &[u8] = b"keystead-master-key-v1:";
const DIGITS: usize = 2 * KEY_LEN;

/// Makes a new master key and gives the line that a key file or a credential holds, for places that this program cannot
/// write to itself.
///
/// # Errors
/// When there is no randomness.
pub fn generate_key_text(randomness: &dyn Randomness) -> Result<Zeroizing<String>, RandomnessError> {
    let line = render(&randomness.secret()?);
    let mut text = Zeroizing::new(String::with_capacity(line.len()));
    line.iter().for_each(|byte| text.push(char::from(*byte)));
    Ok(text)
}

/// The content of a key file.
pub(crate) fn render(secret: &Secret) -> Content {
    const DIGIT: &[u8; 16] = b"0123456789abcdef";
    let mut line = Zeroizing::new(Vec::with_capacity(PREFIX.len() + DIGITS + 1));
    line.extend_from_slice(PREFIX);
    for byte in secret.iter() {
        line.extend([byte >> 4, byte & 15].map(|digit| DIGIT[usize::from(digit)]));
    }
    line.push(b'\n');
    line
}

/// The key that a content holds.
pub(crate) fn parse(content: &[u8]) -> Result<Secret, String> {
    decode(content).ok_or_else(|| {
        "it does not hold a master key of this program (one line, keystead-master-key-v1:…); \
         put the right one there, from a backup if need be"
            .to_owned()
    })
}

fn decode(content: &[u8]) -> Option<Secret> {
    let digits = content.strip_prefix(PREFIX)?.trim_ascii_end();
    if digits.len() != DIGITS {
        return None;
    }
    let mut secret = Zeroizing::new([0; KEY_LEN]);
    base16ct::mixed::decode(digits, secret.as_mut_slice()).ok()?;
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Rising;

    impl Randomness for Rising {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
            buffer.iter_mut().zip(0_u8..).for_each(|(b, i)| *b = i * 7);
            Ok(())
        }
    }

    #[test]
    fn a_key_is_one_line() {
        // for i in $(seq 0 31); do printf %02x $((i * 7 % 256)); done
        let digits = "00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9";
        let text = generate_key_text(&Rising).unwrap();
        assert_eq!(*text, format!("keystead-master-key-v1:{digits}\n"));
        assert!(parse(text.as_bytes()).is_ok_and(|secret| secret[31] == 31 * 7));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = render(&Zeroizing::new([9; KEY_LEN]));
        let digits = &good[PREFIX.len()..];
        let cases: [&[u8]; 7] = [
            b"",
            &good[..good.len() - 2],
            &[b"keystead-master-key-v2:", digits].concat(),
            digits,
            &[PREFIX, &[b'g'; DIGITS]].concat(),
            &[good.as_slice(), b"more"].concat(),
            b"\xff\xfe\0",
        ];
        for case in cases {
            assert!(parse(case).is_err_and(|why| why.contains("does not hold a master key")));
        }
        let other_line_end = [good.strip_suffix(b"\n").unwrap(), b"\r\n"].concat();
        assert!(parse(&other_line_end).is_ok());
        assert!(
            parse(&good.to_ascii_uppercase()).is_err(),
            "the prefix is what it is"
        );
    }
}
