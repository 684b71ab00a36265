//! What a `MasterKeyProvider` and its `MasterKey` promise.

mod making;
mod sealing;
mod succession;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider};
use keystead_domain::{MasterKeyId, SealedBytes, SecretBytes};

use crate::case::{ensure, equal};
use crate::{Suite, Verdict, Violation, samples};

/// How the suite comes by a place for master keys.
#[async_trait]
pub trait MasterKeyFixture: Send + Sync {
    /// A provider whose place is new and holds no master key yet.
    async fn provider(&self) -> Arc<dyn MasterKeyProvider>;

    /// Whether the place knows which of its keys is the current one. A token that holds keys side by side may not:
    /// whoever opens something chooses by the id that the sealed bytes name.
    fn knows_the_current_key(&self) -> bool {
        true
    }
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn MasterKeyFixture> {
    let cases = [making::cases(), sealing::cases(), succession::cases()];
    Suite::new("master key", cases.into_iter().flatten().collect())
}

const CONTEXT: &[u8] = b"keystead/contract/context";

async fn new_key(fixture: &Arc<dyn MasterKeyFixture>) -> Result<Arc<dyn MasterKey>, Violation> {
    Ok(fixture.provider().await.create().await?)
}

fn secret(len: usize) -> SecretBytes {
    SecretBytes::new(samples::bytes(6, len))
}

async fn opens(key: &dyn MasterKey, sealed: &SealedBytes, len: usize) -> Verdict {
    let opened = key.open(sealed, CONTEXT).await?;
    ensure!(
        opened.expose() == secret(len).expose(),
        "a secret of {len} bytes came back changed"
    );
    Ok(())
}

/// That this key refuses what another one sealed, and names both.
async fn is_other(key: &dyn MasterKey, sealed: &SealedBytes, sealed_by: &MasterKeyId) -> Verdict {
    match key.open(sealed, CONTEXT).await {
        Err(MasterKeyError::OtherKey {
            sealed_under,
            at_hand,
        }) => {
            equal(&sealed_under, sealed_by, "the key that sealed, as named")?;
            equal(&at_hand, key.id(), "the key at hand, as named")
        }
        Err(error) => Err(Violation::new(format!("refused with another error ({error:?})"))),
        Ok(_) => Err(Violation::new("another key opened it")),
    }
}

/// The ids of the keys at the place.
async fn ids(provider: &dyn MasterKeyProvider) -> Result<Vec<MasterKeyId>, Violation> {
    Ok(provider
        .keys()
        .await?
        .iter()
        .map(|key| key.id().clone())
        .collect())
}

fn damaged(error: &MasterKeyError) -> bool {
    matches!(error, MasterKeyError::Damaged)
}

fn refused<T>(
    result: Result<T, MasterKeyError>,
    as_expected: fn(&MasterKeyError) -> bool,
    what: &str,
) -> Verdict {
    match result {
        Err(error) if as_expected(&error) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: accepted"))),
    }
}
