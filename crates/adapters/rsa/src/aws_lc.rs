use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::RSA_PSS_SHA256;
use keystead_application::ports::RsaError;
use keystead_domain::SecretBytes;
use zeroize::Zeroizing;

use crate::engine::{PrivateOperations, SoftwareRsaEngine};
use crate::private_der::PrivateNumbers;
use crate::random::PortRng;

/// The RSA engine whose private operations are AWS-LC's.
pub type AwsLcRsaEngine = SoftwareRsaEngine<AwsLcKey>;

/// A private key that AWS-LC has parsed, once. AWS-LC draws salts and blinding factors from its own generator and
/// overwrites what it frees.
pub struct AwsLcKey {
    decrypting: OaepPrivateDecryptingKey,
    signing: KeyPair,
}

impl PrivateOperations for AwsLcKey {
    fn prepare(numbers: &PrivateNumbers<'_>, pkcs8: &[u8]) -> Result<Self, RsaError> {
        // No key that the checks accept is known to be refused here: sizes that are no multiple of eight, uneven primes
        // and large exponents work, as the tests show.
        let refused = |reason: KeyRejected| {
            let bits = numbers.public().modulus_bits();
            RsaError::NotAccepted(format!("AWS-LC cannot use this RSA key of {bits} bits: {reason}"))
        };
        let decrypting = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(refused)?;
        let signing = KeyPair::from_pkcs8(pkcs8).map_err(refused)?;
        let decrypting = OaepPrivateDecryptingKey::new(decrypting)
            .map_err(|_| RsaError::Engine("AWS-LC does not offer OAEP for this key".into()))?;
        Ok(Self { decrypting, signing })
    }

    fn decrypt(
        &self,
        _rng: &mut PortRng<'_>,
        label: &[u8],
        ciphertext: &[u8],
    ) -> Result<SecretBytes, RsaError> {
        let mut buffer = Zeroizing::new(vec![0; self.decrypting.min_output_size()]);
        let len = self
            .decrypting
            .decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut buffer, Some(label))
            .map_err(|_| RsaError::NotDecrypted)?
            .len();
        buffer.truncate(len);
        Ok(SecretBytes::from_zeroizing(buffer))
    }

    fn sign(&self, _rng: &mut PortRng<'_>, message: &[u8]) -> Result<Vec<u8>, RsaError> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        // The generator that is passed here is not the one that AWS-LC uses.
        self.signing
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| RsaError::Engine("AWS-LC did not sign".into()))?;
        Ok(signature)
    }
}
