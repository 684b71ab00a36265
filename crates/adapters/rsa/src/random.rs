use keystead_application::ports::{Randomness, RandomnessError, RsaError};
use rand_core::{TryCryptoRng, TryRng};

/// The randomness port in the form that the RSA crates take.
pub struct PortRng<'a>(&'a dyn Randomness);

impl<'a> PortRng<'a> {
    pub(crate) fn new(randomness: &'a dyn Randomness) -> Self {
        Self(randomness)
    }
}

impl TryRng for PortRng<'_> {
    type Error = RandomnessError;

    fn try_next_u32(&mut self) -> Result<u32, RandomnessError> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomnessError> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        self.0.fill(buffer)
    }
}

// The port promises bytes that are fit for keys.
impl TryCryptoRng for PortRng<'_> {}

/// What the `rsa` crate reports when the port gave nothing; its own error does not carry the reason.
pub(crate) fn no_randomness() -> RsaError {
    RsaError::Engine("the source of randomness gave nothing".into())
}
