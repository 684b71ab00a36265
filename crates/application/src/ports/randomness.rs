use keystead_domain::SecretBytes;
use zeroize::Zeroizing;

/// A source of unpredictable bytes, fit for keys.
pub trait Randomness: Send + Sync {
    /// Fills the buffer with random bytes.
    ///
    /// # Errors
    /// When the source cannot give any; nothing may go on with what is in the buffer then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError>;
}

/// The source of randomness gave nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct RandomnessError(pub String);

/// Fixed amounts of randomness.
pub trait RandomnessExt: Randomness {
    /// Random bytes that need not be kept secret, such as salts and ids.
    ///
    /// # Errors
    /// As [`Randomness::fill`].
    fn bytes<const N: usize>(&self) -> Result<[u8; N], RandomnessError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Random bytes that are a secret.
    ///
    /// # Errors
    /// As [`Randomness::fill`].
    fn secret<const N: usize>(&self) -> Result<Zeroizing<[u8; N]>, RandomnessError> {
        let mut bytes = Zeroizing::new([0; N]);
        self.fill(bytes.as_mut_slice())?;
        Ok(bytes)
    }

    /// A random secret whose length is known at run time only.
    ///
    /// # Errors
    /// As [`Randomness::fill`].
    fn secret_bytes(&self, len: usize) -> Result<SecretBytes, RandomnessError> {
        let mut bytes = Zeroizing::new(vec![0; len]);
        self.fill(&mut bytes)?;
        Ok(SecretBytes::from_zeroizing(bytes))
    }
}

impl<R: Randomness + ?Sized> RandomnessExt for R {}
