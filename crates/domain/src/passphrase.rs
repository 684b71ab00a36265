use zeroize::Zeroizing;

use crate::Passphrase;

/// The shortest passphrase that a new export may be protected with, in characters. Opening takes any.
pub const MIN_PASSPHRASE_CHARS: usize = 8;

/// A passphrase that would not protect an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the passphrase has {0} characters; an export of a private key needs at least {MIN_PASSPHRASE_CHARS}"
)]
pub struct WeakPassphrase(usize);

impl Passphrase {
    /// Checks that this passphrase may protect a new export.
    ///
    /// # Errors
    /// When it is shorter than [`MIN_PASSPHRASE_CHARS`].
    pub fn check_for_export(&self) -> Result<(), WeakPassphrase> {
        let length = String::from_utf8_lossy(self.expose()).chars().count();
        if length < MIN_PASSPHRASE_CHARS {
            Err(WeakPassphrase(length))
        } else {
            Ok(())
        }
    }
}

/// The digits of a generated passphrase: Crockford's base 32, which leaves out the letters that handwriting confuses
/// with others (I, L, O, U).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 6;
const GROUP_LEN: usize = 5;

/// The random bytes that [`generate_passphrase`] takes: one for each digit.
pub const GENERATED_PASSPHRASE_BYTES: usize = GROUPS * GROUP_LEN;

/// Makes a passphrase of 150 random bits in six groups of five digits, to be written down on paper.
///
/// Each byte gives one digit by its low five bits, so every digit is equally likely.
#[must_use]
pub fn generate_passphrase(random: &[u8; GENERATED_PASSPHRASE_BYTES]) -> Passphrase {
    let mut text = Zeroizing::new(Vec::with_capacity(GROUPS * (GROUP_LEN + 1)));
    for (i, byte) in random.iter().enumerate() {
        if i > 0 && i % GROUP_LEN == 0 {
            text.push(b'-');
        }
        text.push(DIGITS[usize::from(byte & 31)]);
    }
    Passphrase::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_passphrase_can_be_written_down() {
        let mut random = [0; GENERATED_PASSPHRASE_BYTES];
        random.iter_mut().zip(0..).for_each(|(b, i)| *b = i * 7);
        let text = String::from_utf8(generate_passphrase(&random).expose().to_vec()).unwrap();
        assert_eq!(text.len(), 35);
        assert_eq!(text.split('-').count(), 6);
        assert!(generate_passphrase(&random).check_for_export().is_ok());
    }

    #[test]
    fn digits_are_distinct() {
        let mut seen = DIGITS.to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 32);
    }

    #[test]
    fn a_short_passphrase_is_refused_for_an_export() {
        let short = Passphrase::new(Zeroizing::new("sieben✓".as_bytes().to_vec()));
        assert_eq!(short.check_for_export(), Err(WeakPassphrase(7)));
    }
}
