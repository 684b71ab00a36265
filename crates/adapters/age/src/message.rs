use std::io::{Read, Write};
use std::{iter, str};

use age::secrecy::ExposeSecret;
use age::x25519::{Identity, Recipient};
use age::{DecryptError, Decryptor, Encryptor};
use age_core::format::{FileKey, Stanza};
use keystead_application::ports::{MessageCipher, MessageCipherError, MessageKeyPair};
use keystead_domain::{MessageKey, SecretBytes};
use zeroize::Zeroizing;

use crate::stack::leaving_no_trace;

/// The longest encrypted message that is opened: several times what ten thousand key slots need.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The longest header that is looked into. One reader and a stanza that means nothing need less than 500 bytes.
const MOST_HEADER: usize = 2 * 1024;
/// More than a message is longer when it is encrypted, beside the tag of each chunk.
const OVERHEAD: usize = MOST_HEADER + 1024;
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// Whole age files to one X25519 recipient.
///
/// An encrypted message has at most 8 MiB, and no armor. It is to exactly one reader: beside that one's stanza a header
/// may have those that mean nothing (`…-grease`), as rage and this crate write them.
///
/// Keys and nonces come from the operating system, which the age crate asks by itself. While it encrypts it holds a chunk of
/// the message in memory that it does not overwrite: the program's allocator does, when that is freed.
#[derive(Debug, Clone, Copy, Default)]
pub struct AgeMessageCipher;

impl MessageCipher for AgeMessageCipher {
    fn generate(&self) -> Result<MessageKeyPair, MessageCipherError> {
        let identity = Identity::generate();
        let public_key = identity.to_public().to_string();
        Ok(MessageKeyPair {
            private_key: SecretBytes::new(identity.to_string().expose_secret().as_bytes().to_vec()),
            public_key: public_key.parse().map_err(cipher)?,
        })
    }

    fn encrypt(&self, to: &MessageKey, message: &SecretBytes) -> Result<Vec<u8>, MessageCipherError> {
        let message = message.expose();
        let most = OVERHEAD + message.len() + (message.len() / CHUNK + 1) * TAG;
        if most > MOST_BYTES {
            return Err(MessageCipherError::Cipher(format!(
                "a message of {} bytes is too long",
                message.len()
            )));
        }
        let recipient: Recipient = to.as_str().parse().map_err(|_| MessageCipherError::Malformed)?;
        let encryptor = Encryptor::with_recipients(iter::once(&recipient as _)).map_err(cipher)?;
        leaving_no_trace(|| {
            let mut writer = encryptor.wrap_output(Vec::with_capacity(most)).map_err(cipher)?;
            writer.write_all(message).map_err(cipher)?;
            writer.finish().map_err(cipher)
        })
    }

    fn decrypt(
        &self,
        private_key: &SecretBytes,
        encrypted: &[u8],
    ) -> Result<SecretBytes, MessageCipherError> {
        let identity = identity(private_key)?;
        if encrypted.len() > MOST_BYTES || !has_short_header(encrypted) {
            return Err(MessageCipherError::NotOpened);
        }
        leaving_no_trace(|| {
            let decryptor = Decryptor::new_buffered(encrypted).map_err(not_opened)?;
            let mut reader = decryptor
                .decrypt(iter::once(&OneReader(identity) as _))
                .map_err(not_opened)?;
            // Longer than the message by the header and the tags, so it never grows and leaves no copy behind.
            let mut message = Zeroizing::new(Vec::with_capacity(encrypted.len()));
            reader.read_to_end(&mut message).map_err(not_opened)?;
            Ok(SecretBytes::from_zeroizing(message))
        })
    }
}

/// Opens what is to one reader, and to nobody else.
struct OneReader(Identity);

impl age::Identity for OneReader {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        self.0.unwrap_stanza(stanza)
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let mut readers = stanzas.iter().filter(|stanza| !stanza.tag.ends_with("-grease"));
        match (readers.next(), readers.next()) {
            (Some(only), None) => self.unwrap_stanza(only),
            _ => None,
        }
    }
}

/// The one spelling of an identity that is made here.
fn identity(private_key: &SecretBytes) -> Result<Identity, MessageCipherError> {
    let text = str::from_utf8(private_key.expose()).map_err(|_| MessageCipherError::Malformed)?;
    match text.starts_with("AGE-SECRET-KEY-1") {
        true => text.parse().map_err(|_| MessageCipherError::Malformed),
        false => Err(MessageCipherError::Malformed),
    }
}

/// The parser begins anew with each line of a header, which would take hours for one of millions of lines.
fn has_short_header(encrypted: &[u8]) -> bool {
    let beginning = &encrypted[..encrypted.len().min(MOST_HEADER)];
    beginning.windows(5).any(|window| window == b"\n--- ")
}

fn not_opened<E>(_: E) -> MessageCipherError {
    MessageCipherError::NotOpened
}

fn cipher(error: impl std::fmt::Display) -> MessageCipherError {
    MessageCipherError::Cipher(error.to_string())
}
