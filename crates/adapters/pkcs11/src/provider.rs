use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use keystead_application::ports::{
    MasterKey, MasterKeyError, MasterKeyProvider, Promotion, Randomness, RandomnessError, RandomnessExt,
};
use keystead_domain::MasterKeyId;
use tokio::sync::Mutex;

use crate::PROVIDER;
use crate::key::{ObjectName, Pkcs11MasterKey};
use crate::pin::PinSource;
use crate::token::{Open, Token};
use crate::trouble::{Trouble, ambiguous, hex};

const KEY_LEN: u64 = 32;
const ID_LEN: usize = 16;

/// Which key on which token.
pub struct Pkcs11Options {
    /// The shared library that came with the token.
    pub module: PathBuf,
    /// The label of the token.
    pub token_label: String,
    /// The label of the key objects.
    pub key_label: String,
    /// Where the user PIN comes from.
    pub pin: Arc<dyn PinSource>,
}

/// Keeps the master key on a PKCS#11 token.
pub struct Pkcs11MasterKeyProvider {
    token: Arc<Token>,
    key_label: String,
    place: String,
    /// Where keys stay that were replaced.
    kept_at: String,
    randomness: Arc<dyn Randomness>,
    /// Looking for a key and making one are two calls.
    making: Mutex<()>,
}

impl Pkcs11MasterKeyProvider {
    /// The master key on this token. Nothing is loaded before it is used.
    #[must_use]
    pub fn new(options: Pkcs11Options, randomness: Arc<dyn Randomness>) -> Self {
        let Pkcs11Options {
            module,
            token_label,
            key_label,
            pin,
        } = options;
        Self {
            place: format!("the key {key_label:?} on {}", token_named(&token_label)),
            kept_at: token_named(&token_label),
            token: Arc::new(Token::new(module, token_label, pin)),
            key_label,
            randomness,
            making: Mutex::default(),
        }
    }

    async fn ids(&self) -> Result<Vec<Vec<u8>>, MasterKeyError> {
        let label = self.key_label.clone();
        let ids = self.token.run(move |open| list(open, &label)).await;
        ids.map_err(|trouble| trouble.at(self.place.clone()))
    }

    async fn make(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let no_randomness = |e: RandomnessError| Trouble::Why(e.to_string()).at(self.place.clone());
        let id: [u8; ID_LEN] = self.randomness.bytes().map_err(no_randomness)?;
        let label = self.key_label.clone();
        let made = self.token.run(move |open| generate(open, &label, &id)).await;
        made.map_err(|trouble| trouble.at(self.place.clone()))?;
        self.ready(id.to_vec())
    }

    fn ready(&self, id: Vec<u8>) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let name = master_key_id(&id).map_err(|trouble| trouble.at(self.place.clone()))?;
        Ok(Arc::new(Pkcs11MasterKey {
            id: name,
            object: ObjectName {
                label: self.key_label.clone(),
                id,
            },
            token: Arc::clone(&self.token),
            randomness: Arc::clone(&self.randomness),
            place: self.place.clone(),
        }))
    }
}

#[async_trait]
impl MasterKeyProvider for Pkcs11MasterKeyProvider {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn place(&self) -> String {
        self.place.clone()
    }

    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError> {
        self.ids().await?.into_iter().map(|id| self.ready(id)).collect()
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let _one_at_a_time = self.making.lock().await;
        if !self.ids().await?.is_empty() {
            return Err(Trouble::Exists.at(self.place.clone()));
        }
        self.make().await
    }

    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let _one_at_a_time = self.making.lock().await;
        self.make().await
    }

    async fn promote(&self, id: &MasterKeyId) -> Result<Promotion, MasterKeyError> {
        let mut keys = self.keys().await?;
        let before = keys.len();
        keys.retain(|key| key.id() != id);
        if keys.len() == before {
            let why = format!("it holds no master key {id}; restore the token from its backup");
            return Err(Trouble::Why(why).at(self.place.clone()));
        }
        // Nothing on a token tells which of several others was in use.
        let old_kept_at = match keys.as_slice() {
            [] => None,
            [only] => Some(format!("{}, as {}", self.kept_at, only.id())),
            several => Some(format!(
                "{}, as one of its {} other keys",
                self.kept_at,
                several.len()
            )),
        };
        Ok(Promotion {
            old_kept_at,
            to_do: None,
        })
    }

    fn safekeeping(&self) -> &'static str {
        "back the token up by its maker's means, and keep its PIN in another place"
    }
}

fn token_named(label: &str) -> String {
    format!("the PKCS#11 token {label:?}")
}

/// The ids of the key objects under a label, in a fixed order.
fn list(open: &Open, label: &str) -> Result<Vec<Vec<u8>>, Trouble> {
    let mut ids = Vec::new();
    for object in open.session().find_objects(&ObjectName::template(label))? {
        ids.push(checked_id(open, object)?);
    }
    ids.sort();
    for same in ids.chunk_by(|a, b| a == b) {
        if let [id, _, ..] = same {
            return Err(ambiguous(label, id, same.len()));
        }
    }
    Ok(ids)
}

/// The id of a key that is fit to be a master key. An administrator may have made it with other tools.
fn checked_id(open: &Open, object: ObjectHandle) -> Result<Vec<u8>, Trouble> {
    const WANTED: [AttributeType; 3] = [
        AttributeType::Id,
        AttributeType::Sensitive,
        AttributeType::Extractable,
    ];
    let mut id = Vec::new();
    for attribute in open.session().get_attributes(object, &WANTED)? {
        match attribute {
            Attribute::Id(found) => id = found,
            Attribute::Sensitive(false) => {
                return Err(Trouble::Why(
                    "the key object is not sensitive (CKA_SENSITIVE): whoever has the PIN can read it; let this program \
                     make the key, and give that one another label"
                        .into(),
                ));
            }
            Attribute::Extractable(true) => tracing::warn!(
                "the master key on the token can be taken from it wrapped in another key (CKA_EXTRACTABLE)"
            ),
            _ => {}
        }
    }
    master_key_id(&id).map(|_| id)
}

fn master_key_id(id: &[u8]) -> Result<MasterKeyId, Trouble> {
    let unfit = |why: &str| {
        Trouble::Why(format!(
            "the key object has an id (CKA_ID) that {why}; give it another"
        ))
    };
    if id.is_empty() {
        return Err(unfit("is empty"));
    }
    let text = format!("{PROVIDER}-{}", hex(id));
    text.parse().map_err(|_| unfit("is too long"))
}

fn generate(open: &Open, label: &str, id: &[u8; ID_LEN]) -> Result<(), Trouble> {
    let mut made_already = ObjectName::template(label);
    made_already.push(Attribute::Id(id.to_vec()));
    if !open.session().find_objects(&made_already)?.is_empty() {
        // The session was lost after the token had made it.
        return Ok(());
    }
    open.check_mechanisms()?;
    let session = open.writing_session()?;
    let template = |more: &[Attribute]| {
        let mut template = ObjectName::template(label);
        template.extend([
            Attribute::Id(id.to_vec()),
            Attribute::ValueLen(KEY_LEN.into()),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
        ]);
        template.extend_from_slice(more);
        template
    };
    let make = |template: &[Attribute]| {
        let made = session.generate_key(&Mechanism::AesKeyGen, template);
        made.map(drop).map_err(Trouble::from)
    };
    // Not every token lets these be chosen.
    match make(&template(&[
        Attribute::Modifiable(false),
        Attribute::Derive(false),
    ])) {
        Err(trouble) if trouble.blames_the_template() => make(&template(&[])),
        done => done,
    }
}
