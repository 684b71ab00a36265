//! Files that OpenSSL made, and files that went through mail programs and editors.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use common::{Openssl, PROTECTED, UNPROTECTED, codec, decode, der, passphrase, plain_pkcs8, refusal};
use keystead_application::ports::{
    EncodedPrivateKey, EncodedPublicKey, ExportCodec, ExportCodecError, PrivateBlock,
};
use keystead_domain::{Kdf, Protection};

fn new_key(openssl: &Openssl) -> Vec<u8> {
    openssl.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem");
    openssl.run("pkcs8 -topk8 -nocrypt -in key.pem -outform DER")
}

#[test]
fn keys_in_the_clear_are_read() {
    let Some(openssl) = Openssl::find() else { return };
    let pkcs8 = new_key(&openssl);
    assert_eq!(plain_pkcs8(&decode(openssl.read("key.pem")).unwrap()), pkcs8);

    let file = decode(openssl.run("rsa -in key.pem -traditional")).unwrap();
    let [PrivateBlock::Plain(EncodedPrivateKey::Pkcs1(key))] = &file.privates[..] else {
        panic!("not PKCS#1");
    };
    assert_eq!(
        key.expose(),
        openssl.run("rsa -in key.pem -traditional -outform DER")
    );

    let both = [
        openssl.run("rsa -in key.pem -RSAPublicKey_out"),
        openssl.read("key.pem"),
        openssl.run("pkey -in key.pem -pubout"),
    ];
    let publics = decode(both.concat()).unwrap().publics;
    assert_eq!(
        publics[0].0,
        EncodedPublicKey::Pkcs1(openssl.run("rsa -in key.pem -RSAPublicKey_out -outform DER"))
    );
    assert_eq!(
        publics[1].0,
        EncodedPublicKey::Spki(openssl.run("pkey -in key.pem -pubout -outform DER"))
    );
}

#[test]
fn every_accepted_encryption_is_read() {
    let Some(openssl) = Openssl::find() else { return };
    let pkcs8 = new_key(&openssl);
    let secret = "pässwörd 🔑 with blanks";
    openssl.write("passphrase", secret.as_bytes());
    let pbkdf2 = |iterations| Kdf::Pbkdf2 { iterations };
    let scrypt = |mib: u64| Kdf::Scrypt { memory: mib << 20 };
    for (options, kdf) in [
        ("-v2 aes-256-cbc", pbkdf2(2048)),
        ("-v2 aes-256-cbc -v2prf hmacWithSHA1", pbkdf2(2048)),
        ("-v2 aes-128-cbc -v2prf hmacWithSHA384", pbkdf2(2048)),
        (
            "-v2 aes-192-cbc -v2prf hmacWithSHA256 -iter 10000",
            pbkdf2(10_000),
        ),
        ("-v2 aes-256-cbc -v2prf hmacWithSHA384 -iter 1", pbkdf2(1)),
        ("-v2 aes-128-cbc -v2prf hmacWithSHA512", pbkdf2(2048)),
        ("-v2 des3 -v2prf hmacWithSHA1", pbkdf2(2048)),
        ("-v2 des3 -v2prf hmacWithSHA256", pbkdf2(2048)),
        ("-v2 aes-256-cbc -scrypt", scrypt(16)),
        (
            "-v2 aes-128-cbc -scrypt -scrypt_N 1024 -scrypt_r 8 -scrypt_p 16",
            scrypt(1),
        ),
    ] {
        let file = openssl.run(&format!(
            "pkcs8 -topk8 -in key.pem -passout file:passphrase {options}"
        ));
        let decoded = decode(&file).unwrap();
        let [block] = &decoded.privates[..] else {
            panic!("{options}: not one key")
        };
        assert_eq!(block.protection(), Protection::Passphrase(kdf), "{options}");
        let key = codec().unlock(block, &passphrase(secret)).unwrap();
        assert!(matches!(key, EncodedPrivateKey::Pkcs8(_)));
        assert_eq!(der(&key), pkcs8, "{options}");
        let wrong = codec().unlock(block, &passphrase("another"));
        assert!(matches!(wrong, Err(ExportCodecError::NotUnlocked)), "{options}");
    }
}

#[test]
fn other_encryptions_are_named() {
    let Some(openssl) = Openssl::find() else { return };
    new_key(&openssl);
    for (options, name) in [
        ("-v1 PBE-SHA1-3DES", "PKCS#12 encryption (SHA-1 and 3DES)"),
        ("-v2 camellia-256-cbc", "Camellia"),
        ("-v2 aria-256-cbc", "the cipher 1.2.410.200046.1.1.12"),
        ("-v2 aes-256-cbc -v2prf hmacWithSHA512-256", "1.2.840.113549.2.13"),
    ] {
        let file = openssl.run(&format!(
            "pkcs8 -topk8 -in key.pem -passout pass:secret {options}"
        ));
        let ExportCodecError::NotAccepted { found, fix } = refusal(file) else {
            panic!("{options}: another error");
        };
        assert!(found.contains(name), "{options}: {found}");
        assert!(fix.contains("openssl pkey"), "{fix}");
    }
    let old = openssl.run("rsa -in key.pem -traditional -aes256 -passout pass:secret");
    let ExportCodecError::NotAccepted { found, fix } = refusal(old) else {
        panic!("another error");
    };
    assert!(
        found.contains("RSA PRIVATE KEY") && found.contains("DEK-Info"),
        "{found}"
    );
    assert!(fix.contains("openssl pkey"), "{fix}");
}

#[test]
fn a_certificate_and_its_key_are_told_apart() {
    let Some(openssl) = Openssl::find() else { return };
    let pkcs8 = new_key(&openssl);
    openssl.run("req -x509 -new -key key.pem -subj /CN=test -out cert.pem");
    openssl.run("pkcs12 -export -inkey key.pem -in cert.pem -passout pass:secret -out store.p12");
    // This one comes with "Bag Attributes" around its blocks.
    let file = openssl.run("pkcs12 -in store.p12 -passin pass:secret -noenc");
    assert!(file.starts_with(b"Bag Attributes"));
    assert_eq!(plain_pkcs8(&decode(file).unwrap()), pkcs8);

    let ExportCodecError::NoPrivateKey { found } = refusal(openssl.read("cert.pem")) else {
        panic!("another error");
    };
    assert!(found.contains("only CERTIFICATE"), "{found}");
    for binary in [openssl.read("store.p12"), pkcs8] {
        let ExportCodecError::NotAccepted { found, fix } = refusal(binary) else {
            panic!("another error");
        };
        assert!(found.contains("binary DER"), "{found}");
        assert!(fix.contains("-inform DER") && fix.contains("pkcs12"), "{fix}");
    }
}

#[test]
fn what_editors_and_mail_programs_change_does_not_matter() {
    let text = std::str::from_utf8(UNPROTECTED).unwrap();
    let expected = decode(text).unwrap();
    let spaced = text.replace('\n', "  \t\n\n");
    let broken =
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n-----BEGIN DH PARAMETERS-----\n";
    for variant in [
        text.replace('\n', "\r\n"),
        format!("\u{feff}{text}"),
        format!("\u{feff}{}", text.replace('\n', "\r\n")),
        text.trim_end().to_owned(),
        spaced,
        text.lines().map(|line| format!("    {line}\n")).collect(),
        format!("Dear all,\n-----\n{text}-----BEGIN\n\u{1b}[2J -----END PRIVATE KEY----- of text\nbye"),
        format!("{broken}{text}{broken}-----END X-----\n"),
    ] {
        let file = decode(&variant).unwrap_or_else(|error| panic!("{error}\n{variant}"));
        assert_eq!(plain_pkcs8(&file), plain_pkcs8(&expected));
        assert_eq!(file.publics, expected.publics);
        assert_eq!(file.metadata, expected.metadata);
    }
}

#[test]
fn several_keysets_and_any_order_are_read() {
    let mut blocks = pem::parse_many([UNPROTECTED, PROTECTED].concat()).unwrap();
    blocks.reverse();
    let file = decode(pem::encode_many(&blocks)).unwrap();
    assert_eq!(
        (file.privates.len(), file.publics.len(), file.metadata.len()),
        (2, 2, 2)
    );
    assert!(matches!(file.privates[0], PrivateBlock::Protected { .. }));
    assert!(matches!(file.privates[1], PrivateBlock::Plain(_)));
}
