//! The codec does what every export codec promises.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first failure")]

use std::sync::Arc;

use keystead_application::ports::{EncodedPrivateKey, ExportCodec, KeyPair};
use keystead_contract::export_codec::ExportCodecFixture;
use keystead_contract::{async_trait, export_codec_contract};
use keystead_domain::{PrivateKey, PublicKey, RsaPublicNumbers, SecretBytes};
use keystead_pem::{PemExportCodec, PemOptions};
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;

struct PemFixture;

#[async_trait]
impl ExportCodecFixture for PemFixture {
    fn codec(&self) -> Arc<dyn ExportCodec> {
        Arc::new(PemExportCodec::new(PemOptions::default()).unwrap())
    }

    async fn key_pair(&self) -> KeyPair {
        let key = rsa::PrivateKey::new(&mut getrandom::SysRng, 2048).unwrap();
        let public = key.as_public_key();
        let numbers = RsaPublicNumbers::new(&public.n().to_be_bytes(), &public.e().to_be_bytes());
        let spki = public.to_public_key_der().unwrap().into_vec();
        let der = key.to_pkcs8_der().unwrap().to_bytes();
        KeyPair {
            private: PrivateKey::from_pkcs8_der(SecretBytes::from_zeroizing(der)),
            public: PublicKey::new(spki, &numbers).unwrap(),
        }
    }

    async fn admits(&self, key: &EncodedPrivateKey) -> bool {
        match key {
            EncodedPrivateKey::Pkcs8(der) => rsa::PrivateKey::from_pkcs8_der(der.expose()).is_ok(),
            EncodedPrivateKey::Pkcs1(_) => false,
        }
    }
}

export_codec_contract!(async { PemFixture });
