//! OpenSSL understands what the engines make, and the engines what OpenSSL makes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use std::sync::Arc;

use common::keys::{Numbers, pkcs8};
use common::{NoRandomness, Openssl};
use keystead_application::ports::{EncodedPublicKey, KeyPair, RsaEngine, RsaError};
use keystead_domain::{GenerateBits, PublicKey, RsaPublicNumbers, SecretBytes};
use keystead_rsa::{AwsLcRsaEngine, PureRsaEngine};
use sha2::{Digest, Sha256};

on_both_engines!(
    generated_keys_have_the_size_asked_for,
    fingerprints_are_those_of_openssl,
    public_keys_are_encoded_anew,
    openssl_decrypts_what_we_encrypt,
    we_decrypt_what_openssl_encrypts,
    openssl_verifies_our_signatures,
    we_verify_signatures_of_openssl,
    what_was_changed_is_not_decrypted,
    a_text_that_is_too_long_is_refused,
    bytes_that_are_no_key_are_not_loaded,
);

const OAEP: &str = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256";
const PSS: &str = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha256";
const LABEL: &[u8] = b"age-encryption.org/v1/ssh-rsa";

async fn generated(engine: &dyn RsaEngine) -> KeyPair {
    engine.generate(GenerateBits::B2048).await.unwrap()
}

fn label_option() -> String {
    let hex: String = LABEL.iter().map(|b| format!("{b:02x}")).collect();
    format!("-pkeyopt rsa_oaep_label:{hex}")
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

async fn generated_keys_have_the_size_asked_for(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    for bits in [GenerateBits::B2048, GenerateBits::B3072] {
        let pair = engine.generate(bits).await.unwrap();
        assert_eq!(pair.public.bits().get(), bits.get());
        assert_eq!(engine.numbers(&pair.public).unwrap().exponent, [1, 0, 1]);
        openssl.write("key.der", pair.private.expose());
        let check = openssl.run("pkey -inform DER -in key.der -check -noout");
        assert_eq!(check, b"Key is valid\n");
        // Nothing is lost or added by OpenSSL: the encoding is canonical.
        let again = openssl.run("pkcs8 -topk8 -nocrypt -inform DER -in key.der -outform DER");
        assert_eq!(again, pair.private.expose());
        let public = openssl.run("pkey -inform DER -in key.der -pubout -outform DER");
        assert_eq!(public, pair.public.spki_der());
    }
}

async fn fingerprints_are_those_of_openssl(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    let der = openssl.genpkey("-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let pair = engine.admit(pkcs8(&der)).await.unwrap();
    let spki = openssl.run("pkey -in key.pem -pubout -outform DER");
    let pkcs1 = openssl.run("rsa -in key.pem -RSAPublicKey_out -outform DER");
    assert_eq!(pair.public.fingerprint().to_string(), hex_sha256(&spki));
    for encoded in [EncodedPublicKey::Spki(spki), EncodedPublicKey::Pkcs1(pkcs1)] {
        assert_eq!(engine.read_public(&encoded).unwrap(), pair.public);
    }
    let numbers = engine.numbers(&pair.public).unwrap();
    assert_eq!(engine.public_from_numbers(&numbers).unwrap(), pair.public);
}

async fn public_keys_are_encoded_anew(engine: &dyn RsaEngine) {
    let pair = generated(engine).await;
    let spki = pair.public.spki_der();
    // SEQUENCE { SEQUENCE { OID, NULL }, BIT STRING }: take the NULL out.
    assert_eq!(&spki[4..6], [0x30, 0x0d]);
    assert_eq!(&spki[17..19], [5, 0]);
    let mut without_null = [&spki[..17], &spki[19..]].concat();
    without_null[5] -= 2;
    let total = u16::from_be_bytes([spki[2], spki[3]]) - 2;
    without_null[2..4].copy_from_slice(&total.to_be_bytes());
    let read = engine.read_public(&EncodedPublicKey::Spki(without_null)).unwrap();
    assert_eq!(read, pair.public);

    let numbers = engine.numbers(&pair.public).unwrap();
    let padded = RsaPublicNumbers {
        modulus: [&[0, 0][..], &numbers.modulus].concat(),
        exponent: [&[0][..], &numbers.exponent].concat(),
    };
    assert_eq!(engine.public_from_numbers(&padded).unwrap(), pair.public);

    let mut long = spki.to_vec();
    long.push(0);
    for bad in [long, spki[..100].to_vec(), Vec::new(), b"ssh-rsa AAAA".to_vec()] {
        let error = engine.read_public(&EncodedPublicKey::Spki(bad)).unwrap_err();
        assert!(matches!(error, RsaError::Malformed { .. }), "{error}");
    }
    let even = RsaPublicNumbers {
        modulus: [&numbers.modulus[..255], &[0]].concat(),
        exponent: numbers.exponent.clone(),
    };
    assert!(engine.public_from_numbers(&even).is_err());
    let small = RsaPublicNumbers::new(&numbers.modulus[..128], &numbers.exponent);
    assert!(matches!(
        engine.public_from_numbers(&small),
        Err(RsaError::NotAccepted(_))
    ));
}

async fn openssl_decrypts_what_we_encrypt(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    for key in [
        generated(engine).await,
        engine
            .admit(pkcs8(&Numbers::of_prime_bits(1025, 1024).pkcs8()))
            .await
            .unwrap(),
    ] {
        openssl.write("key.der", key.private.expose());
        for (label, option) in [(LABEL, label_option()), (b"", String::new())] {
            let plaintext = SecretBytes::new(b"sixteen bytes :)".to_vec());
            openssl.write("in", &engine.encrypt(&key.public, label, &plaintext).unwrap());
            let out = openssl.run(&format!(
                "pkeyutl -decrypt -keyform DER -inkey key.der -in in {OAEP} {option}"
            ));
            assert_eq!(out, plaintext.expose());
        }
    }
}

async fn we_decrypt_what_openssl_encrypts(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    let key = generated(engine).await;
    let loaded = engine.load(&key.private).await.unwrap();
    openssl.write("public.der", key.public.spki_der());
    for (label, option) in [(LABEL, label_option()), (b"", String::new())] {
        // The longest text that fits, an ordinary one, and none.
        for plaintext in [&[1; 190][..], b"sixteen bytes :)", b""] {
            openssl.write("in", plaintext);
            let ciphertext = openssl.run(&format!(
                "pkeyutl -encrypt -pubin -keyform DER -inkey public.der -in in {OAEP} {option}"
            ));
            assert_eq!(
                loaded.decrypt(label, &ciphertext).await.unwrap().expose(),
                plaintext
            );
        }
    }
}

async fn openssl_verifies_our_signatures(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    let key = generated(engine).await;
    let loaded = engine.load(&key.private).await.unwrap();
    openssl.write("message", b"a message");
    openssl.write("signature", &loaded.sign(b"a message").await.unwrap());
    openssl.write("public.der", key.public.spki_der());
    openssl.run("pkey -pubin -inform DER -in public.der -out public.pem");
    let verdict = openssl.run(&format!(
        "dgst -sha256 {PSS} -verify public.pem -signature signature message"
    ));
    assert_eq!(verdict, b"Verified OK\n");
}

async fn we_verify_signatures_of_openssl(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    let key = engine
        .admit(pkcs8(
            &openssl.genpkey("-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
        ))
        .await
        .unwrap();
    openssl.write("message", b"a message");
    let signature = openssl.run(&format!("dgst -sha256 {PSS} -sign key.pem message"));
    engine.verify(&key.public, b"a message", &signature).unwrap();

    let refused = |public: &PublicKey, message: &[u8], signature: &[u8]| {
        matches!(
            engine.verify(public, message, signature),
            Err(RsaError::BadSignature)
        )
    };
    assert!(refused(&key.public, b"another message", &signature));
    assert!(refused(&key.public, b"a message", &signature[1..]));
    assert!(refused(&key.public, b"a message", &[]));
    assert!(refused(&generated(engine).await.public, b"a message", &signature));
    let short_salt = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20";
    let signature = openssl.run(&format!("dgst -sha256 {short_salt} -sign key.pem message"));
    assert!(refused(&key.public, b"a message", &signature));
    let signature = openssl.run("dgst -sha256 -sign key.pem message");
    assert!(refused(&key.public, b"a message", &signature));
}

async fn what_was_changed_is_not_decrypted(engine: &dyn RsaEngine) {
    let (key, other) = (generated(engine).await, generated(engine).await);
    let plaintext = SecretBytes::new(vec![7; 16]);
    let ciphertext = engine.encrypt(&key.public, LABEL, &plaintext).unwrap();
    assert_ne!(
        engine.encrypt(&key.public, LABEL, &plaintext).unwrap(),
        ciphertext
    );
    let mut changed = ciphertext.clone();
    changed[100] ^= 1;
    let to_other = engine.encrypt(&other.public, LABEL, &plaintext).unwrap();
    let padded = [&[0][..], &ciphertext].concat();
    let loaded = engine.load(&key.private).await.unwrap();
    for (label, text) in [
        (LABEL, &changed[..]),
        (b"another label", &ciphertext),
        (b"", &ciphertext),
        (LABEL, &ciphertext[..255]),
        (LABEL, &padded),
        (LABEL, &[]),
        (LABEL, &[0; 256]),
        (LABEL, &[0xff; 256]),
        (LABEL, &to_other),
    ] {
        assert!(matches!(
            loaded.decrypt(label, text).await,
            Err(RsaError::NotDecrypted)
        ));
    }
    assert!(loaded.decrypt(LABEL, &ciphertext).await.is_ok());
}

async fn a_text_that_is_too_long_is_refused(engine: &dyn RsaEngine) {
    let key = generated(engine).await;
    assert!(
        engine
            .encrypt(&key.public, LABEL, &SecretBytes::new(vec![7; 190]))
            .is_ok()
    );
    let error = engine
        .encrypt(&key.public, LABEL, &SecretBytes::new(vec![7; 191]))
        .unwrap_err();
    assert!(error.to_string().contains("at most 190"), "{error}");
}

async fn bytes_that_are_no_key_are_not_loaded(engine: &dyn RsaEngine) {
    use keystead_domain::PrivateKey;
    let Some(openssl) = Openssl::find() else { return };
    let small = openssl.genpkey("-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    let three = openssl.genpkey("-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3");
    for der in [small, three, Vec::new(), vec![0x30; 40]] {
        assert!(
            engine
                .load(&PrivateKey::from_pkcs8_der(SecretBytes::new(der)))
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn without_randomness_nothing_is_generated_or_encrypted() {
    let pair = generated(&common::pure()).await;
    let ciphertext = common::pure()
        .encrypt(&pair.public, LABEL, &SecretBytes::new(vec![7; 16]))
        .unwrap();
    let aws_lc = AwsLcRsaEngine::new(Arc::new(NoRandomness));
    let pure = PureRsaEngine::new(Arc::new(NoRandomness));
    for engine in [&aws_lc as &dyn RsaEngine, &pure] {
        assert!(matches!(
            engine.generate(GenerateBits::B2048).await,
            Err(RsaError::Engine(_))
        ));
        let secret = SecretBytes::new(vec![7; 16]);
        assert!(matches!(
            engine.encrypt(&pair.public, LABEL, &secret),
            Err(RsaError::Engine(_))
        ));
    }
    // The pure engine refuses to work unblinded.
    let loaded = pure.load(&pair.private).await.unwrap();
    assert!(matches!(
        loaded.decrypt(LABEL, &ciphertext).await,
        Err(RsaError::Engine(_))
    ));
    assert!(matches!(loaded.sign(b"message").await, Err(RsaError::Engine(_))));
}
