//! The bytes of the format are fixed: what is written equals the published vectors, and OpenSSL reads it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use common::{
    JSON, Openssl, PROTECTED, SIGNATURE, UNPROTECTED, codec, decode, der, vector_key, vector_passphrase,
};
use keystead_application::ports::{EncodePlan, ExportCodec, ExportCodecError, Protect, SignedMetadata};
use keystead_domain::{Kdf, Protection};

fn encode(protect: Protect<'_>) -> Vec<u8> {
    let (private, public) = vector_key();
    let plan = EncodePlan {
        private: &private,
        public: &public,
        metadata: SignedMetadata {
            json: JSON.to_vec(),
            signature: SIGNATURE.to_vec(),
        },
        protect,
    };
    codec().encode(plan).unwrap().expose().to_vec()
}

fn protected() -> Vec<u8> {
    let ascending = |first: u8| std::array::from_fn(|i| first + u8::try_from(i).unwrap());
    encode(Protect::Passphrase {
        passphrase: &vector_passphrase(),
        salt: ascending(0),
        iv: ascending(16),
    })
}

#[test]
fn an_unprotected_export_is_the_vector() {
    let file = encode(Protect::Unprotected);
    assert_eq!(
        String::from_utf8_lossy(&file),
        String::from_utf8_lossy(UNPROTECTED)
    );
}

#[test]
fn a_protected_export_is_the_vector() {
    assert_eq!(
        String::from_utf8_lossy(&protected()),
        String::from_utf8_lossy(PROTECTED)
    );
}

#[test]
fn the_vectors_are_read() {
    let plain = decode(UNPROTECTED).unwrap();
    let file = decode(PROTECTED).unwrap();
    assert_eq!(
        file.privates[0].protection(),
        Protection::Passphrase(Kdf::Pbkdf2 { iterations: 600_000 })
    );
    let key = codec().unlock(&file.privates[0], &vector_passphrase()).unwrap();
    assert_eq!(der(&key), common::plain_pkcs8(&plain));
    assert_eq!(file.publics, plain.publics);
    assert_eq!(file.metadata, plain.metadata);

    let block = &file.metadata[0];
    assert_eq!(block.signed.json, JSON);
    assert_eq!(block.signed.signature, SIGNATURE);
    assert_eq!(block.metadata.hint.as_str(), "Büro 2026 🔑 published test key");
    assert_eq!(block.metadata.fingerprint, vector_key().1.fingerprint());
    assert_eq!(codec().metadata_json(&block.metadata).unwrap(), JSON);
}

#[test]
fn another_passphrase_does_not_unlock() {
    let file = decode(PROTECTED).unwrap();
    for wrong in ["", "correct horse, Buro 🔑", "correct horse, Büro 🔑\n"] {
        let result = codec().unlock(&file.privates[0], &common::passphrase(wrong));
        assert!(matches!(result, Err(ExportCodecError::NotUnlocked)));
    }
}

#[test]
fn openssl_reads_both_halves_of_an_export() {
    let Some(openssl) = Openssl::find() else { return };
    openssl.write("plain.pem", &encode(Protect::Unprotected));
    openssl.write("protected.pem", &protected());
    openssl.write("passphrase", vector_passphrase().expose());
    let (private, public) = vector_key();
    for (file, unlock) in [("plain.pem", ""), ("protected.pem", "-passin file:passphrase")] {
        let key = openssl.run(&format!("pkey -in {file} {unlock} -out key.pem"));
        assert!(key.is_empty());
        let key = openssl.run("pkcs8 -topk8 -nocrypt -in key.pem -outform DER");
        assert_eq!(key, private.expose());
        let spki = openssl.run(&format!("pkey -pubin -in {file} -outform DER"));
        assert_eq!(spki, public.spki_der());
    }
}

#[test]
fn openssl_verifies_the_signature_of_the_metadata() {
    let Some(openssl) = Openssl::find() else { return };
    let block = decode(UNPROTECTED).unwrap().metadata.remove(0);
    openssl.write("message", &codec().signed_message(&block.signed.json));
    openssl.write("signature", &block.signed.signature);
    openssl.write("export.pem", UNPROTECTED);
    openssl.run("pkey -pubin -in export.pem -out public.pem");
    openssl.run(
        "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify public.pem -signature signature \
         message",
    );
}
