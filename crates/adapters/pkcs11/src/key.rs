use std::sync::Arc;

use async_trait::async_trait;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::types::Ulong;
use keystead_application::ports::{MasterKey, MasterKeyError, Randomness, RandomnessExt};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::PROVIDER;
use crate::token::{Open, Token};
use crate::trouble::{Blame, Trouble, ambiguous, hex};

const FORMAT_VERSION: u16 = 1;
const IV_LEN: usize = 12;
const TAG_LEN: usize = 16;
const DATA_KEY_LEN: usize = 32;
const WRAPPED_LEN: usize = DATA_KEY_LEN + TAG_LEN;
const NONCE_LEN: usize = 24;

/// A key object on a token.
pub(crate) struct Pkcs11MasterKey {
    pub(crate) id: MasterKeyId,
    pub(crate) object: ObjectName,
    pub(crate) token: Arc<Token>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) place: String,
}

/// What a key object is found by. Handles of objects end with their session.
#[derive(Clone)]
pub(crate) struct ObjectName {
    pub(crate) label: String,
    pub(crate) id: Vec<u8>,
}

/// What binds a data key and its secret to the row that they belong to.
type Binding = [u8; 32];

impl Pkcs11MasterKey {
    async fn wrap(
        &self,
        data_key: &Zeroizing<[u8; DATA_KEY_LEN]>,
        iv: [u8; IV_LEN],
        binding: Binding,
    ) -> Result<Vec<u8>, Trouble> {
        let (object, data_key) = (self.object.clone(), data_key.clone());
        let work = move |open: &Open| encrypt(open, object.find(open)?, iv, &binding, &data_key);
        self.token.run(work).await
    }

    async fn unwrap(
        &self,
        iv: [u8; IV_LEN],
        wrapped: [u8; WRAPPED_LEN],
        binding: Binding,
    ) -> Result<Zeroizing<Vec<u8>>, Trouble> {
        let object = self.object.clone();
        let work = move |open: &Open| {
            let key = object.find(open)?;
            decrypt(open, key, iv, &binding, &wrapped).map_err(|failed| match failed.blames_the_data() {
                Blame::Data => Trouble::Damaged,
                Blame::Unclear if works(open, key) => Trouble::Damaged,
                Blame::Unclear | Blame::Other => failed,
            })
        };
        self.token.run(work).await
    }

    fn unusable(&self, why: impl ToString) -> MasterKeyError {
        Trouble::Why(why.to_string()).at(self.place.clone())
    }
}

#[async_trait]
impl MasterKey for Pkcs11MasterKey {
    fn id(&self) -> &MasterKeyId {
        &self.id
    }

    fn provider(&self) -> &'static str {
        PROVIDER
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        let binding = binding(context);
        let data_key = self.randomness.secret().map_err(|e| self.unusable(e))?;
        let iv = self.randomness.bytes().map_err(|e| self.unusable(e))?;
        let nonce: [u8; NONCE_LEN] = self.randomness.bytes().map_err(|e| self.unusable(e))?;
        let wrapped = self.wrap(&data_key, iv, binding).await;
        let wrapped = wrapped.map_err(|trouble| trouble.at(self.place.clone()))?;
        let payload = Payload {
            msg: secret.expose(),
            aad: &binding,
        };
        let body = XChaCha20Poly1305::new((&*data_key).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|e| self.unusable(e))?;
        Ok(SealedBytes {
            master_key_id: self.id.clone(),
            provider: PROVIDER.into(),
            format_version: FORMAT_VERSION,
            ciphertext: [wrapped.as_slice(), &nonce, &body].concat(),
        })
    }

    async fn open(&self, sealed: &SealedBytes, context: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        let SealedBytes {
            master_key_id,
            provider,
            format_version,
            ciphertext,
        } = sealed;
        if *master_key_id != self.id || provider != PROVIDER {
            return Err(MasterKeyError::OtherKey {
                sealed_under: master_key_id.clone(),
                at_hand: self.id.clone(),
            });
        }
        if *format_version != FORMAT_VERSION {
            return Err(MasterKeyError::UnknownFormat(*format_version));
        }
        let (iv, wrapped, nonce, body) = split(ciphertext).ok_or(MasterKeyError::Damaged)?;
        let binding = binding(context);
        let data_key = self.unwrap(iv, wrapped, binding).await;
        let data_key = data_key.map_err(|trouble| trouble.at(self.place.clone()))?;
        let payload = Payload {
            msg: body,
            aad: &binding,
        };
        XChaCha20Poly1305::new_from_slice(&data_key)
            .map_err(|_| MasterKeyError::Damaged)?
            .decrypt(&XNonce::from(nonce), payload)
            .map(SecretBytes::new)
            .map_err(|_| MasterKeyError::Damaged)
    }
}

impl ObjectName {
    /// What all keys under the label have in common.
    pub(crate) fn template(label: &str) -> Vec<Attribute> {
        vec![
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Token(true),
            Attribute::Label(label.as_bytes().to_vec()),
        ]
    }

    fn find(&self, open: &Open) -> Result<ObjectHandle, Trouble> {
        let mut template = Self::template(&self.label);
        template.push(Attribute::Id(self.id.clone()));
        let found = open.session().find_objects(&template)?;
        match found.as_slice() {
            [only] => Ok(*only),
            [] => Err(Trouble::Why(format!(
                "the key object with the label {:?} and the id {} is not on the token any more; restore the token from its \
                 backup",
                self.label,
                hex(&self.id)
            ))),
            several => Err(ambiguous(&self.label, &self.id, several.len())),
        }
    }
}

/// The initialisation vector and what the token makes of the data under it.
fn encrypt(
    open: &Open,
    key: ObjectHandle,
    mut iv: [u8; IV_LEN],
    binding: &Binding,
    data: &[u8; DATA_KEY_LEN],
) -> Result<Vec<u8>, Trouble> {
    let wrapped = open.session().encrypt(&gcm(&mut iv, binding)?, key, data)?;
    if wrapped.len() != WRAPPED_LEN {
        let what = format!("the token gave {} bytes for a sealed key", wrapped.len());
        return Err(Trouble::Why(format!(
            "{what} and not {WRAPPED_LEN}; use another token"
        )));
    }
    // Some tokens insist on a vector of their own, and write it over the one that was given.
    Ok([iv.as_slice(), &wrapped].concat())
}

fn decrypt(
    open: &Open,
    key: ObjectHandle,
    mut iv: [u8; IV_LEN],
    binding: &Binding,
    wrapped: &[u8; WRAPPED_LEN],
) -> Result<Zeroizing<Vec<u8>>, Trouble> {
    let data = open.session().decrypt(&gcm(&mut iv, binding)?, key, wrapped)?;
    Ok(Zeroizing::new(data))
}

/// Whether the token and the key do as they should: then what did not decrypt was damaged. Nothing secret is encrypted
/// here, so what the vector is does not matter beyond that it is none that could be in use: they are random.
fn works(open: &Open, key: ObjectHandle) -> bool {
    let sample = [0; DATA_KEY_LEN];
    let mut iv = [0; IV_LEN];
    let drawn = open.session().generate_random_slice(&mut iv);
    let encrypted = drawn
        .map_err(Trouble::from)
        .and_then(|()| encrypt(open, key, iv, &[0; 32], &sample));
    let Some((iv, wrapped)) = encrypted.ok().and_then(|bytes| {
        let (iv, rest) = bytes.split_first_chunk()?;
        Some((*iv, *rest.first_chunk()?))
    }) else {
        return false;
    };
    decrypt(open, key, iv, &[0; 32], &wrapped).is_ok_and(|data| data.as_slice() == sample)
}

fn gcm<'a>(iv: &'a mut [u8; IV_LEN], binding: &'a Binding) -> Result<Mechanism<'a>, Trouble> {
    let tag_bits = Ulong::try_from(8 * TAG_LEN)?;
    Ok(Mechanism::AesGcm(GcmParams::new(iv, binding, tag_bits)?))
}

fn binding(context: &[u8]) -> Binding {
    let mut hash = Sha256::new();
    hash.update(b"keystead/pkcs11/");
    hash.update(FORMAT_VERSION.to_be_bytes());
    hash.update(context);
    hash.finalize().into()
}

type Parts<'a> = ([u8; IV_LEN], [u8; WRAPPED_LEN], [u8; NONCE_LEN], &'a [u8]);

fn split(ciphertext: &[u8]) -> Option<Parts<'_>> {
    let (iv, rest) = ciphertext.split_first_chunk()?;
    let (wrapped, rest) = rest.split_first_chunk()?;
    let (nonce, body) = rest.split_first_chunk()?;
    (body.len() >= TAG_LEN).then_some((*iv, *wrapped, *nonce, body))
}
