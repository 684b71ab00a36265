use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keystead_application::ports::{MessageCipher, MessageCipherError, MessageKeyPair};
use keystead_domain::{MessageKey, SecretBytes};

use crate::token::{lock, token};

const PRIVATE: &str = "AGE-SECRET-KEY-1";
/// How much longer an encrypted message is.
const OVERHEAD: usize = 200;
/// The digits of age's keys.
const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Hands out tokens for messages. Its keys look like those of age and are none; it only knows those that it made. Clones
/// know the same keys and messages.
#[derive(Clone, Default)]
pub struct MemoryMessageCipher {
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    public_of: HashMap<Vec<u8>, MessageKey>,
    messages: HashMap<Vec<u8>, (MessageKey, SecretBytes)>,
}

impl MemoryMessageCipher {
    /// A cipher that has made no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl MessageCipher for MemoryMessageCipher {
    fn generate(&self) -> Result<MessageKeyPair, MessageCipherError> {
        let public_key: MessageKey = format!("age1{}", digits())
            .parse()
            .map_err(|e| MessageCipherError::Cipher(format!("{e}")))?;
        let private_key = format!("{PRIVATE}{}", digits().to_uppercase()).into_bytes();
        lock(&self.tables)
            .public_of
            .insert(private_key.clone(), public_key.clone());
        Ok(MessageKeyPair {
            private_key: SecretBytes::new(private_key),
            public_key,
        })
    }

    fn encrypt(&self, to: &MessageKey, message: &SecretBytes) -> Result<Vec<u8>, MessageCipherError> {
        let mut tables = lock(&self.tables);
        if !tables.public_of.values().any(|known| known == to) {
            return Err(MessageCipherError::Malformed);
        }
        let encrypted = token(OVERHEAD + message.expose().len());
        let kept = (to.clone(), SecretBytes::new(message.expose().to_vec()));
        tables.messages.insert(encrypted.clone(), kept);
        Ok(encrypted)
    }

    fn decrypt(
        &self,
        private_key: &SecretBytes,
        encrypted: &[u8],
    ) -> Result<SecretBytes, MessageCipherError> {
        let tables = lock(&self.tables);
        let public_key = tables
            .public_of
            .get(private_key.expose())
            .ok_or(MessageCipherError::Malformed)?;
        match tables.messages.get(encrypted) {
            Some((to, message)) if to == public_key => Ok(SecretBytes::new(message.expose().to_vec())),
            Some(_) | None => Err(MessageCipherError::NotOpened),
        }
    }
}

fn digits() -> String {
    let bytes = token(58);
    bytes
        .iter()
        .map(|byte| char::from(DIGITS[usize::from(byte % 32)]))
        .collect()
}
