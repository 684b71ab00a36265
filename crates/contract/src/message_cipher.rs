//! What a `MessageCipher` promises.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_application::ports::{MessageCipher, MessageCipherError, MessageKeyPair};
use keystead_domain::{MessageKey, SecretBytes};

use crate::case::{cases, ensure};
use crate::{Suite, Verdict, Violation, samples};

/// How the suite comes by a cipher.
pub trait MessageCipherFixture: Send + Sync {
    /// The cipher.
    fn cipher(&self) -> Arc<dyn MessageCipher>;

    /// Whether it is age, so that a message of another implementation applies.
    fn is_age(&self) -> bool;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn MessageCipherFixture> {
    Suite::new(
        "message cipher",
        cases![
            what_was_encrypted_is_opened,
            a_private_key_is_an_age_identity,
            no_key_is_made_twice,
            the_same_message_gives_different_bytes,
            encrypted_bytes_do_not_show_the_message,
            another_key_does_not_open,
            a_changed_message_does_not_open,
            a_cut_or_longer_message_does_not_open,
            what_is_no_public_key_gets_nothing,
            what_is_no_private_key_opens_nothing,
            a_message_of_another_implementation_opens if age,
        ],
    )
}

fn age(fixture: &(dyn MessageCipherFixture + 'static)) -> Result<(), &'static str> {
    if fixture.is_age() {
        Ok(())
    } else {
        Err("the cipher is not age")
    }
}

async fn what_was_encrypted_is_opened(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, pair) = with_key(&fixture)?;
    for len in [0, 1, 1_000, 65_535, 65_536, 65_537, 131_072, 1_000_000] {
        let encrypted = cipher.encrypt(&pair.public_key, &message(len))?;
        let opened = cipher.decrypt(&pair.private_key, &encrypted)?;
        ensure!(
            opened.expose() == message(len).expose(),
            "a message of {len} bytes came back changed"
        );
    }
    Ok(())
}

async fn a_private_key_is_an_age_identity(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (_, pair) = with_key(&fixture)?;
    let allowed = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'-';
    let private_key = pair.private_key.expose();
    ensure!(
        private_key.starts_with(b"AGE-SECRET-KEY-1") && private_key.iter().all(allowed),
        "the private key is not the bare text of an identity"
    );
    Ok(())
}

async fn no_key_is_made_twice(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, first) = with_key(&fixture)?;
    let second = cipher.generate()?;
    ensure!(
        first.public_key != second.public_key,
        "two public keys are the same"
    );
    ensure!(
        first.private_key.expose() != second.private_key.expose(),
        "two private keys are the same"
    );
    Ok(())
}

async fn the_same_message_gives_different_bytes(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, pair) = with_key(&fixture)?;
    let first = cipher.encrypt(&pair.public_key, &message(100))?;
    let second = cipher.encrypt(&pair.public_key, &message(100))?;
    ensure!(first != second, "the same message gives the same bytes");
    for encrypted in [first, second] {
        cipher.decrypt(&pair.private_key, &encrypted)?;
    }
    Ok(())
}

async fn encrypted_bytes_do_not_show_the_message(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, pair) = with_key(&fixture)?;
    let encrypted = cipher.encrypt(&pair.public_key, &message(1_000))?;
    let message = message(1_000);
    let shown = message
        .expose()
        .chunks(12)
        .any(|part| part.len() == 12 && encrypted.windows(12).any(|window| window == part));
    ensure!(!shown, "a part of the message stands in the encrypted bytes");
    Ok(())
}

async fn another_key_does_not_open(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, pair) = with_key(&fixture)?;
    let other = cipher.generate()?;
    let encrypted = cipher.encrypt(&pair.public_key, &message(100))?;
    not_opened(
        cipher.decrypt(&other.private_key, &encrypted),
        "the key of somebody else",
    )
}

async fn a_changed_message_does_not_open(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, pair) = with_key(&fixture)?;
    let encrypted = cipher.encrypt(&pair.public_key, &message(100))?;
    for position in 0..encrypted.len() {
        for bit in [0x01, 0x20] {
            let mut changed = encrypted.clone();
            changed[position] ^= bit;
            let what = format!("a message with byte {position} changed");
            not_opened(cipher.decrypt(&pair.private_key, &changed), &what)?;
        }
    }
    Ok(())
}

async fn a_cut_or_longer_message_does_not_open(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, pair) = with_key(&fixture)?;
    let encrypted = cipher.encrypt(&pair.public_key, &message(100))?;
    for len in 0..encrypted.len() {
        let what = format!("{len} of {} bytes", encrypted.len());
        not_opened(cipher.decrypt(&pair.private_key, &encrypted[..len]), &what)?;
    }
    for more in [&b"\0"[..], b"\n", &[0; 16], &[0; 70_000]] {
        let longer = [&encrypted, more].concat();
        let what = format!("a message with {} bytes behind it", more.len());
        not_opened(cipher.decrypt(&pair.private_key, &longer), &what)?;
    }
    let twice = [encrypted.as_slice(), &encrypted].concat();
    not_opened(cipher.decrypt(&pair.private_key, &twice), "a message twice")
}

/// Of the right form, which is all that the type makes sure of.
async fn what_is_no_public_key_gets_nothing(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let cipher = fixture.cipher();
    let no_key: MessageKey = format!("age1{}", "q".repeat(58)).parse()?;
    match cipher.encrypt(&no_key, &message(10)) {
        Err(MessageCipherError::Malformed) => Ok(()),
        Err(error) => Err(Violation::new(format!("refused with another error ({error:?})"))),
        Ok(_) => Err(Violation::new("it encrypts to what is no key")),
    }
}

async fn what_is_no_private_key_opens_nothing(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    let (cipher, pair) = with_key(&fixture)?;
    let encrypted = cipher.encrypt(&pair.public_key, &message(10))?;
    let good = pair.private_key.expose();
    let mut changed = good.to_vec();
    changed[20] = if changed[20] == b'Q' { b'P' } else { b'Q' };
    for wrong in [
        Vec::new(),
        b"AGE-SECRET-KEY-1".to_vec(),
        good[1..].to_vec(),
        good[..good.len() - 1].to_vec(),
        [good, b"\n"].concat(),
        good.to_ascii_lowercase(),
        vec![0xff; good.len()],
        changed,
    ] {
        let what = format!("a private key of {} wrong bytes", wrong.len());
        match cipher.decrypt(&SecretBytes::new(wrong), &encrypted) {
            Err(MessageCipherError::Malformed) => {}
            Err(error) => {
                return Err(Violation::new(format!(
                    "{what}: refused with another error ({error:?})"
                )));
            }
            Ok(_) => return Err(Violation::new(format!("{what}: opened"))),
        }
    }
    Ok(())
}

/// `printf 'a message' | age -r age12cs7jfg9wum4ync0lry6lts9enn7lv3zdhsx90sate6scfgy7chswgew0x | base64`, age 1.1.1.
async fn a_message_of_another_implementation_opens(fixture: Arc<dyn MessageCipherFixture>) -> Verdict {
    const PRIVATE_KEY: &[u8] = b"AGE-SECRET-KEY-1A46HYU26K2R2YCR9C3WXR4XUWHCRD4KCSTKZ6VG5XDM640NG5VCSUT4ZF0";
    const ENCRYPTED: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBZSXBSNnRwYkR6amh5MTlDMWNuM2tKUFRnc3lz\
        c1BvaFp0RWhyeWJNMkR3CnBOR3VmNUd6elZMNmowRFNVRmJHRXVYbktZV3ZsTHF6bFVBMHljTWMzVkEKLS0tIGF6SE5zWlAwTUZYU1FI\
        eXJKTFgyL2t3eXBkNFF1akUxNGQrMzhDTCtKSUkK2NfrfB2ny46JLfiN7fdf3b0r+/Qd0g7jDH3xTOT1FNXMYSHse85T6O4=";
    let private_key = SecretBytes::new(PRIVATE_KEY.to_vec());
    let opened = fixture
        .cipher()
        .decrypt(&private_key, &STANDARD.decode(ENCRYPTED)?)?;
    ensure!(opened.expose() == b"a message", "the message came back changed");
    Ok(())
}

fn with_key(
    fixture: &Arc<dyn MessageCipherFixture>,
) -> Result<(Arc<dyn MessageCipher>, MessageKeyPair), Violation> {
    let cipher = fixture.cipher();
    let pair = cipher.generate()?;
    Ok((cipher, pair))
}

fn message(len: usize) -> SecretBytes {
    SecretBytes::new(samples::bytes(31, len))
}

fn not_opened(result: Result<SecretBytes, MessageCipherError>, what: &str) -> Verdict {
    match result {
        Err(MessageCipherError::NotOpened) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: opened"))),
    }
}
