//! What the tests share: the codec, the published test key, and the `openssl` command as an oracle.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of tests has no public interface")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first failure, and says when it is not run"
)]

use std::path::PathBuf;
use std::process::Command;

use keystead_application::ports::{
    DecodedFile, EncodedPrivateKey, EncodedPublicKey, ExportCodec, ExportCodecError, PrivateBlock,
};
use keystead_domain::{KeyBits, Passphrase, PrivateKey, PublicKey, RecipientTag, SecretBytes};
use keystead_pem::{PemExportCodec, PemOptions};
use tempfile::TempDir;

pub const UNPROTECTED: &[u8] = include_bytes!("../vectors/unprotected.pem");
pub const PROTECTED: &[u8] = include_bytes!("../vectors/protected.pem");
pub const JSON: &[u8] = include_bytes!("../vectors/keyset.json");
pub const SIGNATURE: &[u8] = include_bytes!("../vectors/signature.bin");
const PASSPHRASE: &[u8] = include_bytes!("../vectors/passphrase.txt");

pub fn codec() -> PemExportCodec {
    PemExportCodec::new(PemOptions::default()).unwrap()
}

pub fn passphrase(text: impl AsRef<[u8]>) -> Passphrase {
    Passphrase::new(text.as_ref().to_vec().into())
}

pub fn vector_passphrase() -> Passphrase {
    Passphrase::from_file_content(PASSPHRASE.to_vec().into())
}

pub fn decode(file: impl AsRef<[u8]>) -> Result<DecodedFile, ExportCodecError> {
    codec().decode(&SecretBytes::new(file.as_ref().to_vec()))
}

/// The error of a file that is not to be read.
pub fn refusal(file: impl AsRef<[u8]>) -> ExportCodecError {
    match decode(file) {
        Ok(_) => panic!("the file was read"),
        Err(error) => error,
    }
}

pub fn der(key: &EncodedPrivateKey) -> &[u8] {
    match key {
        EncodedPrivateKey::Pkcs8(der) | EncodedPrivateKey::Pkcs1(der) => der.expose(),
    }
}

/// The one private key of a file without protection, as DER PKCS#8.
pub fn plain_pkcs8(file: &DecodedFile) -> Vec<u8> {
    match &file.privates[..] {
        [PrivateBlock::Plain(EncodedPrivateKey::Pkcs8(der))] => der.expose().to_vec(),
        _ => panic!("not one private key in PKCS#8"),
    }
}

pub fn vector_key() -> (PrivateKey, PublicKey) {
    let file = decode(UNPROTECTED).unwrap();
    let private = PrivateKey::from_pkcs8_der(SecretBytes::new(plain_pkcs8(&file)));
    let EncodedPublicKey::Spki(spki) = file.publics[0].0.clone() else {
        panic!("the vector holds SubjectPublicKeyInfo")
    };
    let public = PublicKey::from_stored(spki, KeyBits::new(2048).unwrap(), RecipientTag([0; 4]));
    (private, public)
}

pub fn block(label: &str, contents: &[u8]) -> String {
    pem::encode(&pem::Pem::new(label, contents))
}

/// The `openssl` command with a folder of its own for files.
pub struct Openssl {
    folder: TempDir,
}

impl Openssl {
    /// `None` when there is no openssl; the test then says that it was not run.
    pub fn find() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert!(
                std::env::var_os("KEYSTEAD_TEST_ALL").is_none(),
                "openssl is missing, and KEYSTEAD_TEST_ALL asks for every test"
            );
            eprintln!("not run: openssl is missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        Some(Self { folder })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs openssl with these words as arguments; it has to succeed. Returns its standard output.
    pub fn run(&self, arguments: &str) -> Vec<u8> {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}
