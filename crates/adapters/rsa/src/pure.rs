use keystead_application::ports::RsaError;
use keystead_domain::SecretBytes;
use rsa::Oaep;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::admission;
use crate::engine::{PrivateOperations, SoftwareRsaEngine};
use crate::private_der::PrivateNumbers;
use crate::random::{PortRng, no_randomness};

/// The RSA engine in Rust alone.
pub type PureRsaEngine = SoftwareRsaEngine<PureKey>;

/// A private key of the `rsa` crate. It is blinded with the port's randomness and overwritten when dropped.
pub struct PureKey(rsa::PrivateKey);

impl PrivateOperations for PureKey {
    fn prepare(numbers: &PrivateNumbers<'_>, _pkcs8: &[u8]) -> Result<Self, RsaError> {
        admission::assemble(numbers).map(Self)
    }

    fn decrypt(
        &self,
        rng: &mut PortRng<'_>,
        label: &[u8],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, RsaError> {
        let padding = Oaep::<Sha256>::new_with_label(label);
        match self.0.decrypt_blinded(rng, padding, ciphertext) {
            Ok(plaintext) => Ok(SecretBytes::from_zeroizing(Zeroizing::new(plaintext))),
            Err(rsa::Error::Rng) => Err(no_randomness()),
            Err(_) => Err(RsaError::NotDecrypted),
        }
    }

    fn sign(&self, rng: &mut PortRng<'_>, message: &[u8]) -> Result<Vec<u8>, RsaError> {
        self.0
            .pss_sign_with_rng::<Sha256, _>(rng, message)
            .map_err(|error| match error {
                rsa::Error::Rng => no_randomness(),
                other => RsaError::Engine(other.to_string()),
            })
    }
}
