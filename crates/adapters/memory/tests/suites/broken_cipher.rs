//! Message ciphers that break a promise each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use keystead_application::ports::{MessageCipher, MessageCipherError, MessageKeyPair};
use keystead_contract::message_cipher::MessageCipherFixture;
use keystead_domain::{MessageKey, SecretBytes};
use keystead_memory::MemoryMessageCipher;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    LosesTheEnd,
    HasKeysOfItsOwn,
    MakesOneKey,
    RepeatsItself,
    ShowsTheMessage,
    OpensWithAnyKey,
    LooksAtHalfTheMessage,
    TakesMoreBytes,
    EncryptsToAnything,
    TakesAnyPrivateKey,
    IsNotAge,
}

#[derive(Clone)]
struct BrokenFixture {
    inner: MemoryMessageCipher,
    fault: Fault,
    made: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
    /// What opens everything that was made.
    opener: Arc<Mutex<Option<SecretBytes>>>,
}

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        Self {
            inner: MemoryMessageCipher::new(),
            fault,
            made: Arc::default(),
            opener: Arc::default(),
        }
    }

    fn decrypt_with_first_key(&self, encrypted: &[u8]) -> Result<SecretBytes, MessageCipherError> {
        let opener = self.opener.lock().unwrap();
        self.inner.decrypt(opener.as_ref().unwrap(), encrypted)
    }
}

impl MessageCipherFixture for BrokenFixture {
    fn cipher(&self) -> Arc<dyn MessageCipher> {
        Arc::new(self.clone())
    }

    fn is_age(&self) -> bool {
        self.fault == Fault::IsNotAge
    }
}

caught! { message_cipher, BrokenFixture;
    a_lost_end: LosesTheEnd => "what_was_encrypted_is_opened";
    keys_of_another_form: HasKeysOfItsOwn => "a_private_key_is_an_age_identity";
    one_key: MakesOneKey => "no_key_is_made_twice";
    the_same_bytes: RepeatsItself => "the_same_message_gives_different_bytes";
    a_message_in_the_open: ShowsTheMessage => "encrypted_bytes_do_not_show_the_message";
    any_key: OpensWithAnyKey => "another_key_does_not_open";
    half_a_message: LooksAtHalfTheMessage => "a_changed_message_does_not_open";
    bytes_behind_a_message: TakesMoreBytes => "a_cut_or_longer_message_does_not_open";
    a_cut_message: LooksAtHalfTheMessage => "a_cut_or_longer_message_does_not_open";
    any_public_key: EncryptsToAnything => "what_is_no_public_key_gets_nothing";
    any_private_key: TakesAnyPrivateKey => "what_is_no_private_key_opens_nothing";
    another_format: IsNotAge => "a_message_of_another_implementation_opens";
}

impl MessageCipher for BrokenFixture {
    fn generate(&self) -> Result<MessageKeyPair, MessageCipherError> {
        let mut pair = self.inner.generate()?;
        let copy = SecretBytes::new(pair.private_key.expose().to_vec());
        self.opener.lock().unwrap().get_or_insert(copy);
        match self.fault {
            Fault::HasKeysOfItsOwn => pair.private_key = SecretBytes::new(vec![1; 32]),
            Fault::MakesOneKey => pair.public_key = format!("age1{}", "q".repeat(58)).parse().unwrap(),
            _ => {}
        }
        Ok(pair)
    }

    fn encrypt(&self, to: &MessageKey, message: &SecretBytes) -> Result<Vec<u8>, MessageCipherError> {
        match self.fault {
            Fault::LosesTheEnd => {
                let kept = &message.expose()[..message.expose().len().min(65_536)];
                self.inner.encrypt(to, &SecretBytes::new(kept.to_vec()))
            }
            Fault::RepeatsItself => {
                let mut made = self.made.lock().unwrap();
                if let Some(before) = made.get(message.expose()) {
                    return Ok(before.clone());
                }
                let encrypted = self.inner.encrypt(to, message)?;
                made.insert(message.expose().to_vec(), encrypted.clone());
                Ok(encrypted)
            }
            Fault::ShowsTheMessage => {
                let encrypted = self.inner.encrypt(to, message)?;
                Ok([&encrypted, message.expose()].concat())
            }
            Fault::LooksAtHalfTheMessage => {
                let encrypted = self.inner.encrypt(to, message)?;
                let half = encrypted[..encrypted.len() / 2].to_vec();
                self.made.lock().unwrap().insert(half, encrypted.clone());
                Ok(encrypted)
            }
            Fault::EncryptsToAnything => self.inner.encrypt(to, message).or(Ok(vec![1; 300])),
            _ => self.inner.encrypt(to, message),
        }
    }

    fn decrypt(
        &self,
        private_key: &SecretBytes,
        encrypted: &[u8],
    ) -> Result<SecretBytes, MessageCipherError> {
        match self.fault {
            Fault::OpensWithAnyKey | Fault::TakesAnyPrivateKey => self.decrypt_with_first_key(encrypted),
            Fault::LooksAtHalfTheMessage => {
                let made = self.made.lock().unwrap();
                let whole = made
                    .iter()
                    .find(|(half, _)| encrypted.starts_with(half))
                    .map_or(encrypted, |(_, whole)| whole);
                self.inner.decrypt(private_key, whole)
            }
            Fault::TakesMoreBytes => self.inner.decrypt(private_key, encrypted).or_else(|_| {
                let len = encrypted.len().saturating_sub(1);
                self.inner.decrypt(private_key, &encrypted[..len])
            }),
            _ => self.inner.decrypt(private_key, encrypted),
        }
    }
}
