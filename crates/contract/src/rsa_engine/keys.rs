use std::sync::Arc;

use keystead_application::ports::{EncodedPrivateKey, EncodedPublicKey, RsaEngine};
use keystead_domain::{
    Fingerprint, GenerateBits, PrivateKey, PublicKey, Recipient, RsaPublicNumbers, SecretBytes,
};

use super::{RsaEngineFixture, bad_key, refused, with_key};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn RsaEngineFixture>> {
    cases![
        keys_are_made_in_the_size_asked_for,
        no_key_is_made_twice,
        a_public_key_comes_back_from_its_numbers,
        a_public_key_comes_back_from_its_bytes,
        numbers_out_of_bounds_are_refused,
        garbage_is_no_public_key,
        a_made_key_is_admitted_unchanged,
        garbage_is_not_admitted,
        garbage_is_not_loaded,
    ]
}

async fn keys_are_made_in_the_size_asked_for(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let engine = fixture.engine().await;
    for bits in [GenerateBits::B2048, GenerateBits::B3072] {
        let public = engine.generate(bits).await?.public;
        equal(public.bits().get(), bits.get(), "the size of the key")?;
        agrees_with_its_numbers(&*engine, &public)?;
        let numbers = engine.numbers(&public)?;
        equal(numbers.exponent, vec![1, 0, 1], "the public exponent")?;
    }
    Ok(())
}

fn agrees_with_its_numbers(engine: &dyn RsaEngine, public: &PublicKey) -> Verdict {
    let numbers = engine.numbers(public)?;
    equal(
        numbers.modulus_bits(),
        usize::from(public.bits().get()),
        "the length of the modulus",
    )?;
    equal(
        public.fingerprint(),
        Fingerprint::of_spki(public.spki_der()),
        "the fingerprint",
    )?;
    equal(public.tag(), Recipient::new(numbers).tag(), "the tag")
}

async fn no_key_is_made_twice(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, first) = with_key(&fixture).await?;
    let second = engine.generate(GenerateBits::B2048).await?;
    ensure!(first.public != second.public, "two public keys are the same");
    ensure!(
        first.private.expose() != second.private.expose(),
        "two private keys are the same"
    );
    Ok(())
}

async fn a_public_key_comes_back_from_its_numbers(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let numbers = engine.numbers(&pair.public)?;
    let again = engine.public_from_numbers(&numbers)?;
    ensure!(again == pair.public, "the key from the numbers is another one");
    equal(
        again.spki_der(),
        pair.public.spki_der(),
        "the bytes of the key from the numbers",
    )
}

async fn a_public_key_comes_back_from_its_bytes(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let again = engine.read_public(&EncodedPublicKey::Spki(pair.public.spki_der().to_vec()))?;
    ensure!(again == pair.public, "the key from the bytes is another one");
    agrees_with_its_numbers(&*engine, &again)
}

async fn numbers_out_of_bounds_are_refused(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let good = engine.numbers(&pair.public)?;
    let with_exponent = |exponent: &[u8]| RsaPublicNumbers::new(&good.modulus, exponent);
    let mut long = good.modulus.clone();
    long.extend(samples::bytes(1, 769));
    let bad = [
        (
            "1024 bits",
            RsaPublicNumbers::new(&good.modulus[..128], &good.exponent),
        ),
        (
            "2040 bits",
            RsaPublicNumbers::new(&good.modulus[..255], &good.exponent),
        ),
        ("8200 bits", RsaPublicNumbers::new(&long, &good.exponent)),
        ("no modulus", RsaPublicNumbers::new(&[], &good.exponent)),
        ("the exponent 3", with_exponent(&[3])),
        ("an even exponent", with_exponent(&[1, 0, 2])),
        ("an exponent above 2^33", with_exponent(&[2, 0, 0, 0, 1])),
        ("no exponent", with_exponent(&[])),
    ];
    for (what, numbers) in bad {
        refused(engine.public_from_numbers(&numbers), bad_key, what)?;
    }
    Ok(())
}

async fn garbage_is_no_public_key(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let good = pair.public.spki_der();
    let mut longer = good.to_vec();
    longer.push(0);
    for bytes in [
        vec![],
        vec![0],
        samples::bytes(2, 294),
        good[..good.len() - 1].to_vec(),
        longer,
    ] {
        let what = format!("a public key of {} bytes", bytes.len());
        refused(
            engine.read_public(&EncodedPublicKey::Spki(bytes.clone())),
            bad_key,
            &what,
        )?;
        refused(
            engine.read_public(&EncodedPublicKey::Pkcs1(bytes)),
            bad_key,
            &what,
        )?;
    }
    Ok(())
}

async fn a_made_key_is_admitted_unchanged(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    let copy = SecretBytes::new(pair.private.expose().to_vec());
    let admitted = engine.admit(EncodedPrivateKey::Pkcs8(copy)).await?;
    equal(
        admitted.public.fingerprint(),
        pair.public.fingerprint(),
        "the fingerprint of the admitted key",
    )?;
    ensure!(
        admitted.public == pair.public,
        "the admitted public key is another one"
    );
    let text = SecretBytes::new(b"to the made one".to_vec());
    let ciphertext = engine.encrypt(&pair.public, b"label", &text)?;
    let opened = engine
        .load(&admitted.private)
        .await?
        .decrypt(b"label", &ciphertext)
        .await?;
    ensure!(
        opened.expose() == text.expose(),
        "the admitted private key decrypts to something else"
    );
    Ok(())
}

/// Byte strings that are no private key, some of them close to one.
fn garbage(good: &[u8]) -> Vec<Vec<u8>> {
    let mut longer = good.to_vec();
    longer.push(0);
    let cut = good[..good.len() - 1].to_vec();
    vec![
        vec![],
        vec![0],
        b"not a key".to_vec(),
        samples::bytes(3, 1_218),
        cut,
        longer,
    ]
}

async fn garbage_is_not_admitted(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    for bytes in garbage(pair.private.expose()) {
        let what = format!("a private key of {} bytes", bytes.len());
        let as_pkcs8 = EncodedPrivateKey::Pkcs8(SecretBytes::new(bytes.clone()));
        refused(engine.admit(as_pkcs8).await, bad_key, &what)?;
        let as_pkcs1 = EncodedPrivateKey::Pkcs1(SecretBytes::new(bytes));
        refused(engine.admit(as_pkcs1).await, bad_key, &what)?;
    }
    Ok(())
}

async fn garbage_is_not_loaded(fixture: Arc<dyn RsaEngineFixture>) -> Verdict {
    let (engine, pair) = with_key(&fixture).await?;
    for bytes in garbage(pair.private.expose()) {
        let what = format!("a private key of {} bytes", bytes.len());
        let key = PrivateKey::from_pkcs8_der(SecretBytes::new(bytes));
        ensure!(engine.load(&key).await.is_err(), "{what} was loaded");
    }
    Ok(())
}
