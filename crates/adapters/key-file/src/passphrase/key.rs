use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, Randomness};
use keystead_domain::{MasterKeyId, Passphrase, SealedBytes, SecretBytes};
use tokio::sync::OnceCell;

use super::envelope::Envelope;
use super::source::{Ask, PassphraseSource};
use crate::PASSPHRASE;
use crate::cipher::{Cipher, Label, Name, Parts, Secret};

pub(crate) const LABEL: Label = Label("passphrase");

/// Where passphrases and random bytes come from.
#[derive(Clone)]
pub(crate) struct Sources {
    pub(crate) passphrases: Arc<dyn PassphraseSource>,
    pub(crate) randomness: Arc<dyn Randomness>,
}

/// A master key that asks for its passphrase when it is used for the first time.
pub(crate) struct PassphraseMasterKey {
    envelope: Envelope,
    place: String,
    sources: Sources,
    cipher: OnceCell<Cipher>,
}

impl PassphraseMasterKey {
    /// A key that is still locked.
    pub(crate) fn locked(envelope: Envelope, place: String, sources: Sources) -> Self {
        Self {
            envelope,
            place,
            sources,
            cipher: OnceCell::new(),
        }
    }

    /// A key that was just made.
    pub(crate) fn unlocked(
        envelope: Envelope,
        place: String,
        sources: Sources,
        secret: &Secret,
    ) -> Result<Self, String> {
        Ok(Self {
            envelope,
            place,
            sources,
            cipher: OnceCell::new_with(Some(Cipher::new(secret, LABEL)?)),
        })
    }

    pub(crate) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Whoever comes while somebody is asked waits for that answer; after a wrong one the next is asked again.
    async fn cipher(&self) -> Result<&Cipher, MasterKeyError> {
        self.cipher.get_or_try_init(|| self.unlock()).await
    }

    async fn unlock(&self) -> Result<Cipher, MasterKeyError> {
        let ask = Ask::Existing {
            place: self.place.clone(),
        };
        let given = self.sources.passphrases.passphrases(ask).await;
        let given = given.map_err(|why| not_unlocked(&self.place, why))?;
        let tried = given.len();
        let envelope = self.envelope.clone();
        let opened = tokio::task::spawn_blocking(move || try_all(&envelope, &given)).await;
        match opened {
            Ok(Ok(Some(cipher))) => Ok(cipher),
            Ok(Ok(None)) => Err(not_unlocked(&self.place, not_opened(tried))),
            Ok(Err(why)) => Err(self.unusable(why)),
            Err(join) => Err(self.unusable(join)),
        }
    }

    fn unusable(&self, why: impl ToString) -> MasterKeyError {
        MasterKeyError::Unusable {
            place: self.place.clone(),
            why: why.to_string(),
        }
    }
}

#[async_trait]
impl MasterKey for PassphraseMasterKey {
    fn id(&self) -> &MasterKeyId {
        self.envelope.id()
    }

    fn provider(&self) -> &'static str {
        PASSPHRASE
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        let name = Name {
            id: self.id(),
            provider: PASSPHRASE,
        };
        let cipher = self.cipher().await?;
        let sealed = cipher.seal(secret, context, name, self.sources.randomness.as_ref());
        sealed.map_err(|why| self.unusable(why))
    }

    async fn open(&self, sealed: &SealedBytes, context: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        // Nobody is asked for a passphrase that would not help.
        let parts = Parts::of(sealed, self.id(), &[PASSPHRASE])?;
        self.cipher().await?.open(&parts, context)
    }
}

pub(crate) fn not_unlocked(place: &str, why: impl ToString) -> MasterKeyError {
    MasterKeyError::NotUnlocked {
        place: place.to_owned(),
        why: why.to_string(),
    }
}

/// What one of the passphrases opens. Trying takes a while, so none is tried twice.
fn try_all(envelope: &Envelope, given: &[Passphrase]) -> Result<Option<Cipher>, String> {
    for (i, passphrase) in given.iter().enumerate() {
        let is_the_same = |earlier: &Passphrase| earlier.expose() == passphrase.expose();
        if given[..i].iter().any(is_the_same) {
            continue;
        }
        if let Some(secret) = envelope.open(passphrase)? {
            return Cipher::new(&secret, LABEL).map(Some);
        }
    }
    Ok(None)
}

/// The same words for a wrong passphrase and a damaged file, because nothing can tell which it is.
fn not_opened(tried: usize) -> String {
    let which = match tried {
        0 => return "no passphrase was given".to_owned(),
        1 => "the passphrase is wrong".to_owned(),
        more => format!("none of the {more} passphrases opens it"),
    };
    format!("{which}, or the file was damaged; try again, and then with the file from a backup")
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    /// The expected value comes from two calls of HMAC-SHA256 by hand, as RFC 5869 spells them out.
    #[test]
    fn the_id_is_derived_and_stays_the_same() {
        let id = LABEL.id_of(&Zeroizing::new([7; 32])).unwrap();
        assert_eq!(id.as_str(), "540ade1947a0bf92");
    }

    /// The bytes were made with libsodium, from the sealing key as HMAC-SHA256 gives it.
    #[test]
    fn the_sealed_format_stays_the_same() {
        let nonce = [2; 24];
        let body = [
            0x4c, 0x7c, 0x30, 0x3d, 0xf9, 0xfa, 0x79, 0x64, 0x33, 0x00, 0xb4, 0xc4, 0x40, 0x89, 0xf9, 0xf3,
            0xc3, 0x4e, 0x1f, 0x1e, 0x89, 0xd9, 0x89, 0x4a, 0x03, 0xc6, 0xd6, 0x45, 0x27, 0x32, 0xa5,
        ];
        let id = "540ade1947a0bf92".parse().unwrap();
        let sealed = SealedBytes {
            master_key_id: "540ade1947a0bf92".parse().unwrap(),
            provider: "passphrase".to_owned(),
            format_version: 1,
            ciphertext: [&nonce[..], &body].concat(),
        };
        let cipher = Cipher::new(&Zeroizing::new([7; 32]), LABEL).unwrap();
        let parts = Parts::of(&sealed, &id, &[PASSPHRASE]).unwrap();
        let opened = cipher.open(&parts, b"row 1").unwrap();
        assert_eq!(opened.expose(), b"the private key");
    }
}
