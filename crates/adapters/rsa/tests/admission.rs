//! What is accepted as a private key, and what is not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use common::Openssl;
use common::keys::{Numbers, Order, pkcs1, pkcs8, prime};
use crypto_bigint::{BoxedUint, ConcatenatingMul};
use keystead_application::ports::{EncodedPrivateKey, EncodedPublicKey, RsaEngine, RsaError};
use keystead_domain::SecretBytes;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::asn1::{BitStringRef, OctetStringRef};
use pkcs8::der::{Decode, Encode};

on_both_engines!(
    keys_of_openssl_are_admitted,
    odd_sizes_and_uneven_primes_are_admitted,
    primes_in_either_order_are_admitted,
    d_is_right_modulo_phi_and_lambda,
    other_kinds_of_keys_are_named,
    sizes_and_exponents_out_of_range_are_refused,
    multi_prime_keys_are_refused,
    factors_that_are_not_primes_are_refused,
    numbers_that_do_not_fit_are_refused,
    what_follows_the_key_is_refused,
    a_public_key_beside_the_private_one_is_checked,
    zero_and_negative_numbers_are_refused,
);

/// Admits the key, uses it, and checks that its canonical encoding is admitted as the same.
async fn works(engine: &dyn RsaEngine, key: EncodedPrivateKey) -> Vec<u8> {
    let pair = engine.admit(key).await.unwrap();
    let secret = SecretBytes::new(b"sixteen bytes :)".to_vec());
    let ciphertext = engine.encrypt(&pair.public, b"label", &secret).unwrap();
    let loaded = engine.load(&pair.private).await.unwrap();
    let plaintext = loaded.decrypt(b"label", &ciphertext).await.unwrap();
    assert_eq!(plaintext.expose(), secret.expose());
    let signature = loaded.sign(b"message").await.unwrap();
    engine.verify(&pair.public, b"message", &signature).unwrap();

    let der = pair.private.expose().to_vec();
    let again = engine.admit(pkcs8(&der)).await.unwrap();
    assert_eq!(again.private.expose(), der);
    assert_eq!(again.public, pair.public);
    der
}

/// Refuses the key, and the message holds these words.
async fn refused(engine: &dyn RsaEngine, key: EncodedPrivateKey, words: &str) {
    let error = match engine.admit(key).await {
        Ok(_) => panic!("admitted, and should not be: {words}"),
        Err(error) => error,
    };
    assert!(
        matches!(error, RsaError::NotAccepted(_) | RsaError::Malformed { .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains(words),
        "\"{error}\" does not hold \"{words}\""
    );
}

async fn keys_of_openssl_are_admitted(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    for bits in [2048, 3072] {
        let der = openssl.genpkey(&format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"));
        // OpenSSL writes what the engine writes.
        assert_eq!(works(engine, pkcs8(&der)).await, der);
        let traditional = openssl.run("rsa -in key.pem -traditional -outform DER");
        assert_eq!(works(engine, pkcs1(&traditional)).await, der);
    }
}

async fn odd_sizes_and_uneven_primes_are_admitted(engine: &dyn RsaEngine) {
    for (p, q) in [
        (1025, 1024),
        (1029, 1028),
        (1500, 1500),
        (1280, 768),
        (768, 1280),
        (1536, 513),
    ] {
        works(engine, pkcs8(&Numbers::of_prime_bits(p, q).pkcs8())).await;
    }
}

async fn primes_in_either_order_are_admitted(engine: &dyn RsaEngine) {
    let key = Numbers::good();
    let (large, small) = if key.p > key.q {
        (key.p, key.q)
    } else {
        (key.q, key.p)
    };
    for (p, q) in [(large.clone(), small.clone()), (small, large)] {
        let key = Numbers::of(p, q, 65_537, Order::Phi).unwrap();
        works(engine, pkcs8(&key.pkcs8())).await;
    }
}

async fn d_is_right_modulo_phi_and_lambda(engine: &dyn RsaEngine) {
    // A prime just below the greatest exponent: it has an inverse whatever the primes are.
    const LARGE_EXPONENT: u64 = (1 << 33) - 9;
    let Numbers { p, q, .. } = Numbers::good();
    for (e, order) in [
        (65_537, Order::Phi),
        (65_537, Order::Lambda),
        (LARGE_EXPONENT, Order::Lambda),
    ] {
        let key = Numbers::of(p.clone(), q.clone(), e, order).unwrap();
        works(engine, pkcs8(&key.pkcs8())).await;
    }
}

async fn other_kinds_of_keys_are_named(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    openssl.run("genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa.pem");
    for (options, name) in [
        (
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            "elliptic-curve (EC)",
        ),
        ("-algorithm ED25519", "Ed25519"),
        ("-algorithm ED448", "Ed448"),
        ("-algorithm X25519", "X25519"),
        (
            "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "may only sign (RSA-PSS)",
        ),
        ("-paramfile dsa.pem", "DSA"),
    ] {
        refused(engine, pkcs8(&openssl.genpkey(options)), name).await;
        let public = openssl.run("pkey -in key.pem -pubout -outform DER");
        let error = engine.read_public(&EncodedPublicKey::Spki(public)).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let unknown = PrivateKeyInfoRef::new(
        pkcs8::spki::AlgorithmIdentifierRef {
            oid: pkcs8::ObjectIdentifier::new_unwrap("1.2.3.4"),
            parameters: None,
        },
        OctetStringRef::new(b"?").unwrap(),
    );
    refused(engine, pkcs8(&unknown.to_der().unwrap()), "1.2.3.4").await;
}

async fn sizes_and_exponents_out_of_range_are_refused(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    let small = openssl.genpkey("-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    refused(engine, pkcs8(&small), "1024 bits").await;
    let three = openssl.genpkey("-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3");
    refused(engine, pkcs8(&three), "exponent 3").await;

    let almost = Numbers::of_prime_bits(1024, 1023);
    refused(engine, pkcs8(&almost.pkcs8()), "2047 bits").await;
    let even = Numbers::good().with(|key| key.e = BoxedUint::from(65_538_u64));
    refused(engine, pkcs8(&even.pkcs8()), "exponent 65538").await;
    let long = Numbers::good().with(|key| key.e = key.n.clone());
    refused(engine, pkcs8(&long.pkcs8()), "exponent of 256 bytes").await;

    let ones = |bits: u32| BoxedUint::from_be_slice(&vec![0xff; bits as usize / 8], bits).unwrap();
    for bits in [8200, 16_384, 65_536] {
        let large = Numbers::good().with(|key| {
            key.n = ones(bits);
            key.d = ones(bits);
            key.p = ones(bits);
            key.q = ones(bits);
        });
        refused(engine, pkcs8(&large.pkcs8()), &format!("{bits} bits")).await;
    }
    refused(engine, pkcs8(&vec![0x30; 70_000]), "70000 bytes").await;
}

async fn multi_prime_keys_are_refused(engine: &dyn RsaEngine) {
    let Some(openssl) = Openssl::find() else { return };
    let three = openssl.genpkey("-algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3");
    refused(engine, pkcs8(&three), "multi-prime RSA key (with 3 primes)").await;
}

async fn factors_that_are_not_primes_are_refused(engine: &dyn RsaEngine) {
    // All equations hold for this one; only the primality is missing.
    let q = Numbers::good().q;
    let key = loop {
        let composite = prime(512).concatenating_mul(&prime(512));
        match Numbers::of(composite, q.clone(), 65_537, Order::Lambda) {
            Some(key) if key.n.bit_width() == 2048 => break key,
            _ => {}
        }
    };
    refused(engine, pkcs8(&key.pkcs8()), "not a prime number").await;
    let turned = Numbers::of(key.q, key.p, 65_537, Order::Lambda).unwrap();
    refused(engine, pkcs8(&turned.pkcs8()), "not a prime number").await;

    let good = Numbers::good();
    let p = if good.p > good.q { good.p } else { good.q };
    let square = Numbers::of(p.clone(), p, 65_537, Order::Phi).unwrap();
    refused(engine, pkcs8(&square.pkcs8()), "are the same").await;

    // n = n · 1
    let trivial = Numbers::good().with(|key| {
        key.p = key.n.clone();
        key.q = BoxedUint::one();
    });
    refused(engine, pkcs8(&trivial.pkcs8()), "not a prime number").await;
}

async fn numbers_that_do_not_fit_are_refused(engine: &dyn RsaEngine) {
    let good = Numbers::good();
    works(engine, pkcs8(&good.pkcs8())).await;
    let other = Numbers::good();
    let two = BoxedUint::from(2_u64);
    let longer = good.n.concatenating_mul(&other.n);
    let changed = |change: &dyn Fn(&mut Numbers)| pkcs8(&good.clone().with(change).pkcs8());

    for (key, words) in [
        (changed(&|k| k.n = other.n.clone()), "product of its primes"),
        (changed(&|k| k.p = other.p.clone()), "product of its primes"),
        (
            changed(&|k| k.n = k.n.wrapping_sub(BoxedUint::one())),
            "modulus is even",
        ),
        (
            changed(&|k| k.d = k.d.wrapping_sub(&two)),
            "private exponent does not belong",
        ),
        (
            changed(&|k| k.d = k.n.clone()),
            "private exponent is out of range",
        ),
        (
            changed(&|k| k.d = BoxedUint::one()),
            "private exponent is out of range",
        ),
        (changed(&|k| k.d = longer.clone()), "longer than its modulus"),
        (changed(&|k| k.q = longer.clone()), "longer than its modulus"),
        (changed(&|k| k.d_p = other.d_p.clone()), "CRT exponents is wrong"),
        (
            changed(&|k| k.d_q = k.d_q.wrapping_sub(&two)),
            "CRT exponents is wrong",
        ),
        (
            changed(&|k| std::mem::swap(&mut k.d_p, &mut k.d_q)),
            "CRT exponents is wrong",
        ),
        (
            changed(&|k| k.q_inv = other.q_inv.clone()),
            "CRT coefficient is wrong",
        ),
        (
            changed(&|k| k.q_inv = k.q_inv.concatenating_add(&k.p)),
            "CRT coefficient is wrong",
        ),
    ] {
        refused(engine, key, words).await;
    }
}

async fn what_follows_the_key_is_refused(engine: &dyn RsaEngine) {
    let key = Numbers::good();
    let mut long = key.pkcs8();
    long.push(0);
    refused(engine, pkcs8(&long), "damaged").await;
    let mut long = key.pkcs1();
    long.extend_from_slice(&[5, 0]);
    refused(engine, pkcs1(&long), "damaged").await;
    let inner = PrivateKeyInfoRef::new(pkcs1::ALGORITHM_ID, OctetStringRef::new(&long).unwrap());
    refused(engine, pkcs8(&inner.to_der().unwrap()), "damaged").await;
    for cut in [0, 1, 10, 500, 1000] {
        refused(engine, pkcs8(&key.pkcs8()[..cut]), "damaged").await;
        refused(engine, pkcs1(&key.pkcs1()[..cut]), "damaged").await;
    }
}

async fn a_public_key_beside_the_private_one_is_checked(engine: &dyn RsaEngine) {
    let (key, other) = (Numbers::good(), Numbers::good());
    let inner = key.pkcs1();
    let with_public = |numbers: &Numbers| {
        let inner_public = numbers.pkcs1();
        let public = pkcs1::RsaPrivateKeyRef::from_der(&inner_public)
            .unwrap()
            .public_key()
            .to_der()
            .unwrap();
        let mut info = PrivateKeyInfoRef::new(pkcs1::ALGORITHM_ID, OctetStringRef::new(&inner).unwrap());
        info.public_key = Some(BitStringRef::from_bytes(&public).unwrap());
        info.to_der().unwrap()
    };
    // What comes out is version 1, without the copy.
    assert_eq!(works(engine, pkcs8(&with_public(&key))).await, key.pkcs8());
    refused(engine, pkcs8(&with_public(&other)), "belongs to another key").await;
}

async fn zero_and_negative_numbers_are_refused(engine: &dyn RsaEngine) {
    let good = Numbers::good();
    let zero = BoxedUint::zero();
    for change in [
        &(|k: &mut Numbers| k.n = BoxedUint::zero()) as &dyn Fn(&mut Numbers),
        &|k| k.e = zero.clone(),
        &|k| k.d = zero.clone(),
        &|k| k.p = zero.clone(),
        &|k| k.q = zero.clone(),
        &|k| k.d_p = zero.clone(),
        &|k| k.d_q = zero.clone(),
        &|k| k.q_inv = zero.clone(),
    ] {
        let key = good.clone().with(change);
        assert!(engine.admit(pkcs8(&key.pkcs8())).await.is_err());
    }
    // The modulus of a full-length key starts with a zero byte for its sign; without it the number is negative.
    let der = good.pkcs1();
    let at = der.windows(5).position(|w| w == [2, 0x82, 1, 1, 0]).unwrap();
    let mut negative = der.clone();
    negative[at + 4] = 0x80;
    refused(engine, pkcs1(&negative), "damaged").await;
}
