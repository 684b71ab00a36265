use keystead_domain::{Keyset, KeysetReference, Recipient};

use super::KeysetError;
use super::shared::{all_keysets, resolve};
use crate::ports::{DamagedKeyset, KeysetCursor, KeysetPage, RsaEngine, Store};

/// Looks at keysets.
pub struct BrowseKeysets<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
}

impl BrowseKeysets<'_> {
    /// A page of the list, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self, after: Option<KeysetCursor>, limit: u32) -> Result<KeysetPage, KeysetError> {
        Ok(self.store.snapshot().await?.list_keysets(after, limit).await?)
    }

    /// Every keyset, oldest first, as all of them were at one moment, and the rows that are damaged.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_all(&self) -> Result<(Vec<Keyset>, Vec<DamagedKeyset>), KeysetError> {
        Ok(all_keysets(&mut *self.store.snapshot().await?).await?)
    }

    /// One keyset.
    ///
    /// # Errors
    /// When there is none by that name, or more than one.
    pub async fn show(&self, reference: &KeysetReference) -> Result<Keyset, KeysetError> {
        let mut snapshot = self.store.snapshot().await?;
        resolve(&mut *snapshot, reference).await
    }

    /// The line that machines seal to.
    ///
    /// # Errors
    /// As [`BrowseKeysets::show`].
    pub async fn recipient(
        &self,
        rsa: &dyn RsaEngine,
        reference: &KeysetReference,
    ) -> Result<(Keyset, Recipient), KeysetError> {
        let keyset = self.show(reference).await?;
        let numbers = rsa.numbers(keyset.public_key())?;
        Ok((keyset, Recipient::new(numbers)))
    }
}
