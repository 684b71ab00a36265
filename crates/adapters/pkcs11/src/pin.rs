use async_trait::async_trait;
use keystead_domain::Passphrase;

/// Where the PIN of a token comes from: a person, a file, the environment.
#[async_trait]
pub trait PinSource: Send + Sync {
    /// The user PIN of the token with this label. It is asked for once, and again only when it was wrong.
    ///
    /// # Errors
    /// When there is none; the text says why, and what to do.
    async fn pin(&self, token_label: &str) -> Result<Passphrase, String>;
}
