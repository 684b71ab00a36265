use async_trait::async_trait;
use keystead_domain::{Passphrase, PasswordHash};

use super::RandomnessError;

/// Turns people's passwords into something that does not give them away.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a password with a new salt, in the PHC string format.
    ///
    /// # Errors
    /// When there is no randomness, or not enough memory.
    async fn hash(&self, password: &Passphrase) -> Result<PasswordHash, PasswordHasherError>;

    /// Whether this is the password that was hashed. It takes as long for a wrong one as for the right one.
    ///
    /// With no hash at all it does the same work and says no, so that nobody learns by the time whether a user exists.
    ///
    /// # Errors
    /// [`PasswordHasherError::Malformed`] when the hash cannot be read or asks for more work than this program does.
    async fn verify(
        &self,
        password: &Passphrase,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordHasherError>;
}

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordHasherError {
    /// The hash is none, or of another kind.
    #[error("the stored password hash cannot be read: {0}")]
    Malformed(String),
    /// The work could not be done.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
}
