//! Signatures of security keys, with an ordinary key in the place of one: what differs is what is signed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use ed25519_dalek::{Signer, SigningKey};
use keystead_application::ports::{SshSignatureError, SshSignatures};
use keystead_domain::SshPublicKey;
use keystead_ssh_signatures::OpenSshSignatures;
use ssh_key::Mpint;
use support::{NAMESPACE, OpenSsh, Parts, strings};

const MESSAGE: &[u8] = b"the officer says yes\n";
const TOUCHED: u8 = 0x01;
const VERIFIED_TOO: u8 = 0x05;
const SSH: OpenSshSignatures = OpenSshSignatures;

enum SecurityKey {
    Ed25519(SigningKey),
    Ecdsa(EcdsaKeyPair),
}

impl SecurityKey {
    fn all() -> [Self; 2] {
        let ecdsa = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        [
            Self::Ed25519(SigningKey::from_bytes(&[9; 32])),
            Self::Ecdsa(ecdsa),
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "sk-ssh-ed25519@openssh.com",
            Self::Ecdsa(_) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn wire(&self, application: &str) -> Vec<u8> {
        let (kind, application) = (self.kind().as_bytes(), application.as_bytes());
        match self {
            Self::Ed25519(key) => strings(&[kind, &key.verifying_key().to_bytes(), application]),
            Self::Ecdsa(key) => strings(&[kind, b"nistp256", key.public_key().as_ref(), application]),
        }
    }

    /// The bytes of a signature as an authenticator makes them (PROTOCOL.u2f).
    fn sign(&self, application: &str, flags: u8, signed: &[u8]) -> Vec<u8> {
        let trailer = [&[flags], 41_u32.to_be_bytes().as_slice()].concat();
        let application = digest(&SHA256, application.as_bytes());
        let message = digest(&SHA256, signed);
        let whole = [application.as_ref(), &trailer, message.as_ref()].concat();
        let bare = match self {
            Self::Ed25519(key) => key.sign(&whole).to_vec(),
            Self::Ecdsa(key) => {
                let numbers = key.sign(&SystemRandom::new(), &whole).unwrap();
                let (r, s) = numbers.as_ref().split_at(32);
                strings(&[r, s].map(mpint).each_ref().map(Vec::as_slice))
            }
        };
        let named = strings(&[self.kind().as_bytes(), &bare]);
        [named, trailer].concat()
    }

    fn signature(&self, application: &str, flags: u8) -> (SshPublicKey, Parts) {
        let key = SshPublicKey::new(self.kind(), self.wire(application));
        let mut parts = Parts::new(key.wire().to_vec());
        parts.signature = self.sign(application, flags, &parts.signed(MESSAGE));
        (key, parts)
    }
}

fn mpint(number: &[u8]) -> Vec<u8> {
    Mpint::from_positive_bytes(number).as_bytes().to_vec()
}

#[test]
fn a_touched_security_key_is_accepted_as_ssh_keygen_accepts_it() {
    let tools = OpenSsh::find(&["ssh-keygen"]);
    for security_key in SecurityKey::all() {
        for (application, flags) in [("ssh:", TOUCHED), ("ssh:keystead", VERIFIED_TOO)] {
            let (key, parts) = security_key.signature(application, flags);
            assert_eq!(SSH.read_key(&format!("{key} ada@example.org")).unwrap(), key);
            assert_eq!(SSH.claimed_key(&parts.bytes()).unwrap(), key);
            SSH.verify(&key, NAMESPACE, MESSAGE, &parts.bytes()).unwrap();
            if let Some(tools) = &tools {
                assert!(
                    tools.accepts(&key.to_string(), MESSAGE, &parts.armored()),
                    "{}",
                    key.kind()
                );
            }
        }
    }
}

#[test]
fn an_untouched_security_key_is_refused() {
    for security_key in SecurityKey::all() {
        for flags in [0x00, 0x04, 0xfe] {
            let (key, parts) = security_key.signature("ssh:", flags);
            let refused = SSH.verify(&key, NAMESPACE, MESSAGE, &parts.bytes());
            assert_eq!(refused, Err(SshSignatureError::BadSignature), "{flags:#x}");
        }
    }
}

#[test]
fn the_application_the_flags_and_the_counter_are_signed() {
    for security_key in SecurityKey::all() {
        let (key, parts) = security_key.signature("ssh:", TOUCHED);
        let signature = parts.bytes();
        for position in 0..signature.len() {
            for bit in 0..8 {
                let mut changed = signature.clone();
                changed[position] ^= 1 << bit;
                assert!(
                    SSH.verify(&key, NAMESPACE, MESSAGE, &changed).is_err(),
                    "{position}"
                );
            }
        }
        let elsewhere = SshPublicKey::new(security_key.kind(), security_key.wire("web:"));
        let moved = Parts {
            public_key: elsewhere.wire().to_vec(),
            ..parts
        };
        let refused = SSH.verify(&elsewhere, NAMESPACE, MESSAGE, &moved.bytes());
        assert_eq!(refused, Err(SshSignatureError::BadSignature));
    }
}

#[test]
fn a_signature_of_an_ordinary_key_is_none_of_a_security_key() {
    let [SecurityKey::Ed25519(ordinary), _] = SecurityKey::all() else {
        unreachable!("the first one is Ed25519")
    };
    let security_key = SecurityKey::Ed25519(ordinary.clone());
    let (key, mut parts) = security_key.signature("ssh:", TOUCHED);
    let bare = ordinary.sign(&parts.signed(MESSAGE));
    parts.signature = strings(&[b"ssh-ed25519", &bare.to_bytes()]);
    assert!(SSH.verify(&key, NAMESPACE, MESSAGE, &parts.bytes()).is_err());
}
