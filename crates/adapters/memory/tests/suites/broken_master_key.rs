//! Master keys and providers that break a promise each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider, Promotion};
use keystead_contract::master_key::MasterKeyFixture;
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};
use keystead_memory::MemoryMasterKeyProvider;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    IgnoresTheContext,
    DoesNotEncrypt,
    SealsAlike,
    MakesASecondKey,
    MakesAKeyOnLoading,
    LoadsAnotherKey,
    OneIdForAll,
    CallsOtherKeysDamaged,
    IgnoresTheLastByte,
    IgnoresTheFormat,
    NamesNoProvider,
    GivesTheCurrentKeyAsSuccessor,
    ForgetsSuccessors,
    SuccessorsReplaceAtOnce,
    PromotionsLoseTheSuccessor,
    PromotesNothing,
    PromotesAnything,
    HidesTheReplacedKey,
    InventsAReplacedKey,
    NeedsACurrentKey,
    NeedsNoCare,
}

struct BrokenFixture(Fault);

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        Self(fault)
    }
}

#[async_trait]
impl MasterKeyFixture for BrokenFixture {
    async fn provider(&self) -> Arc<dyn MasterKeyProvider> {
        Arc::new(BrokenProvider {
            inner: Mutex::default(),
            promoted: Mutex::default(),
            fault: self.0,
        })
    }
}

caught! { master_key, BrokenFixture;
    an_ignored_context: IgnoresTheContext => "another_context_does_not_open";
    no_encryption: DoesNotEncrypt => "sealed_bytes_do_not_show_the_secret";
    no_authentication: DoesNotEncrypt => "changed_bytes_do_not_open";
    the_same_bytes_twice: SealsAlike => "sealing_twice_gives_different_bytes";
    a_second_key: MakesASecondKey => "a_key_is_made_once";
    a_second_key_in_the_crowd: MakesASecondKey => "of_many_that_make_a_key_one_does";
    a_key_made_on_loading: MakesAKeyOnLoading => "there_is_no_key_before_one_is_made";
    another_key_after_loading: LoadsAnotherKey => "a_loaded_key_is_the_one_that_was_made";
    one_id_for_all: OneIdForAll => "another_key_is_named";
    another_key_called_damage: CallsOtherKeysDamaged => "another_key_is_named";
    a_byte_that_does_not_matter: IgnoresTheLastByte => "changed_bytes_do_not_open";
    any_format: IgnoresTheFormat => "an_unknown_format_is_named";
    no_provider: NamesNoProvider => "sealed_bytes_name_their_key";
    a_successor_that_is_none: GivesTheCurrentKeyAsSuccessor => "a_successor_is_another_key_and_is_kept";
    a_forgotten_successor: ForgetsSuccessors => "a_successor_is_another_key_and_is_kept";
    a_hasty_successor: SuccessorsReplaceAtOnce => "a_successor_does_not_disturb_the_current_key";
    a_hasty_successor_that_comes_first: SuccessorsReplaceAtOnce => "the_current_key_comes_first";
    a_lost_successor: PromotionsLoseTheSuccessor => "a_promoted_key_is_there_and_works";
    a_promotion_without_effect: PromotesNothing => "a_promoted_key_comes_first";
    a_promotion_of_anything: PromotesAnything => "an_unknown_key_is_not_promoted";
    a_replaced_key_that_is_hidden: HidesTheReplacedKey => "a_promotion_tells_where_the_replaced_key_is";
    a_replaced_key_that_is_invented: InventsAReplacedKey => "a_promotion_tells_where_the_replaced_key_is";
    a_key_without_care: NeedsNoCare => "there_is_no_key_before_one_is_made";
    an_empty_place_that_stays_unusable: NeedsACurrentKey => "a_successor_at_an_empty_place_makes_it_work";
}

struct BrokenProvider {
    inner: Mutex<MemoryMasterKeyProvider>,
    promoted: Mutex<Vec<MasterKeyId>>,
    fault: Fault,
}

impl BrokenProvider {
    fn inner(&self) -> MemoryMasterKeyProvider {
        self.inner.lock().unwrap().clone()
    }

    fn forget(&self) {
        *self.inner.lock().unwrap() = MemoryMasterKeyProvider::new();
    }

    fn broken(&self, inner: Arc<dyn MasterKey>) -> Arc<dyn MasterKey> {
        let id = match self.fault {
            Fault::OneIdForAll => "the-key".parse().unwrap(),
            _ => inner.id().clone(),
        };
        Arc::new(BrokenKey {
            inner,
            fault: self.fault,
            id,
            sealed: Mutex::default(),
        })
    }
}

#[async_trait]
impl MasterKeyProvider for BrokenProvider {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn place(&self) -> String {
        self.inner().place()
    }

    async fn keys(&self) -> Result<Vec<Arc<dyn MasterKey>>, MasterKeyError> {
        match self.fault {
            Fault::MakesAKeyOnLoading if self.inner().keys().await?.is_empty() => {
                self.inner().create().await?;
            }
            Fault::LoadsAnotherKey => {
                self.forget();
                self.inner().create().await?;
            }
            _ => {}
        }
        let mut keys = self.inner().keys().await?;
        match self.fault {
            Fault::ForgetsSuccessors => keys.truncate(1),
            Fault::PromotionsLoseTheSuccessor => {
                let lost = self.promoted.lock().unwrap();
                keys.retain(|key| !lost.contains(key.id()));
            }
            _ => {}
        }
        Ok(keys.into_iter().map(|key| self.broken(key)).collect())
    }

    async fn create(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        if self.fault == Fault::MakesASecondKey {
            self.forget();
        }
        self.inner().create().await.map(|key| self.broken(key))
    }

    async fn create_successor(&self) -> Result<Arc<dyn MasterKey>, MasterKeyError> {
        let inner = self.inner();
        if self.fault == Fault::GivesTheCurrentKeyAsSuccessor
            && let Some(current) = inner.keys().await?.into_iter().next()
        {
            return Ok(self.broken(current));
        }
        let successor = inner.create_successor().await?;
        if self.fault == Fault::SuccessorsReplaceAtOnce {
            inner.promote(successor.id()).await?;
        }
        Ok(self.broken(successor))
    }

    async fn promote(&self, id: &MasterKeyId) -> Result<Promotion, MasterKeyError> {
        match self.fault {
            Fault::PromotesNothing => Ok(Promotion::default()),
            Fault::PromotesAnything => Ok(self.inner().promote(id).await.unwrap_or_default()),
            Fault::NeedsACurrentKey if self.inner().keys().await?.len() < 2 => {
                Err(MasterKeyError::Exists("nothing to replace".to_owned()))
            }
            _ => {
                let mut promotion = self.inner().promote(id).await?;
                self.promoted.lock().unwrap().push(id.clone());
                match self.fault {
                    Fault::HidesTheReplacedKey => promotion.old_kept_at = None,
                    Fault::InventsAReplacedKey => promotion.old_kept_at = Some("somewhere".to_owned()),
                    _ => {}
                }
                Ok(promotion)
            }
        }
    }

    fn safekeeping(&self) -> &'static str {
        match self.fault {
            Fault::NeedsNoCare => "",
            _ => "take care of it",
        }
    }
}

struct BrokenKey {
    inner: Arc<dyn MasterKey>,
    fault: Fault,
    id: MasterKeyId,
    sealed: Mutex<HashMap<Vec<u8>, SealedBytes>>,
}

impl BrokenKey {
    fn context<'a>(&self, context: &'a [u8]) -> &'a [u8] {
        if self.fault == Fault::IgnoresTheContext {
            b""
        } else {
            context
        }
    }
}

#[async_trait]
impl MasterKey for BrokenKey {
    fn id(&self) -> &MasterKeyId {
        &self.id
    }

    fn provider(&self) -> &'static str {
        self.inner.provider()
    }

    async fn seal(&self, secret: &SecretBytes, context: &[u8]) -> Result<SealedBytes, MasterKeyError> {
        let mut sealed = self.inner.seal(secret, self.context(context)).await?;
        sealed.master_key_id = self.id.clone();
        match self.fault {
            Fault::DoesNotEncrypt => sealed.ciphertext = secret.expose().to_vec(),
            Fault::IgnoresTheLastByte => sealed.ciphertext.push(0),
            Fault::NamesNoProvider => sealed.provider.clear(),
            Fault::SealsAlike => {
                let same = [secret.expose(), context].concat();
                sealed = self.sealed.lock().unwrap().entry(same).or_insert(sealed).clone();
            }
            _ => {}
        }
        Ok(sealed)
    }

    async fn open(&self, sealed: &SealedBytes, context: &[u8]) -> Result<SecretBytes, MasterKeyError> {
        let mut sealed = sealed.clone();
        match self.fault {
            Fault::DoesNotEncrypt => return Ok(SecretBytes::new(sealed.ciphertext)),
            Fault::CallsOtherKeysDamaged if sealed.master_key_id != self.id => {
                return Err(MasterKeyError::Damaged);
            }
            Fault::OneIdForAll => sealed.master_key_id = self.inner.id().clone(),
            Fault::IgnoresTheLastByte => {
                sealed.ciphertext.pop();
            }
            Fault::IgnoresTheFormat => sealed.format_version = 1,
            Fault::NamesNoProvider => sealed.provider = self.provider().to_owned(),
            _ => {}
        }
        self.inner.open(&sealed, self.context(context)).await
    }
}
