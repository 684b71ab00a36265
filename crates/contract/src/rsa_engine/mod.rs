//! What an `RsaEngine` and its `LoadedKey` promise.
//!
//! The suite never looks into encoded keys, so it also fits an engine that keeps its keys elsewhere. That malformed keys
//! are refused is tested by each engine with keys of its own making.

mod keys;
mod oaep;
mod pss;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{KeyPair, RsaEngine, RsaError};
use keystead_domain::GenerateBits;

use crate::{Suite, Verdict, Violation};

/// How the suite comes by an engine.
#[async_trait]
pub trait RsaEngineFixture: Send + Sync {
    /// The engine.
    async fn engine(&self) -> Arc<dyn RsaEngine>;
}

/// The cases.
#[must_use]
pub fn suite() -> Suite<dyn RsaEngineFixture> {
    let cases = [keys::cases(), oaep::cases(), pss::cases()];
    Suite::new("RSA engine", cases.into_iter().flatten().collect())
}

/// An engine and a key pair of the smallest size.
async fn with_key(fixture: &Arc<dyn RsaEngineFixture>) -> Result<(Arc<dyn RsaEngine>, KeyPair), Violation> {
    let engine = fixture.engine().await;
    let pair = engine.generate(GenerateBits::B2048).await?;
    Ok((engine, pair))
}

/// That something was refused with an error that the port names for it.
fn refused<T>(result: Result<T, RsaError>, as_expected: fn(&RsaError) -> bool, what: &str) -> Verdict {
    match result {
        Err(error) if as_expected(&error) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: accepted"))),
    }
}

fn not_decrypted(error: &RsaError) -> bool {
    matches!(error, RsaError::NotDecrypted)
}

fn bad_signature(error: &RsaError) -> bool {
    matches!(error, RsaError::BadSignature)
}

fn bad_key(error: &RsaError) -> bool {
    matches!(error, RsaError::NotAccepted(_) | RsaError::Malformed { .. })
}
