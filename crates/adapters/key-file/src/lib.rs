//! Master keys that are files: a key file that only its owner can read, a systemd credential, and a file that a passphrase
//! opens.
//!
//! A **key file** and a **credential** hold one line of text: `keystead-master-key-v1:`, the 32 bytes of the key as 64
//! hexadecimal digits, and a line feed. The same text is the same key in a file and in a credential: it has the same id, and
//! opens what was sealed with it at the other place, so a key file can become a credential without a rotation.
//!
//! A key file protects the database and its dumps, not a copy of the folder that holds both. A credential that was encrypted
//! to this machine (`systemd-creds encrypt`) protects also the copy of its disk, if the machine has a TPM2 and the copy comes
//! without it.
//!
//! A **passphrase-protected file** holds a random key of 32 bytes, encrypted under a key that Argon2id (RFC 9106) makes of the
//! passphrase. The file is worthless without the passphrase, and the passphrase is worthless without the file: both have to
//! be kept, in different places. What somebody who has the file can do is guess passphrases, so its strength is that of the
//! passphrase. The file is text:
//!
//! ```text
//! keystead-passphrase-key-v1
//! id: 0123456789abcdef
//! argon2id: m=65536,t=3,p=1
//! salt: <16 bytes in Base64>
//! wrapped: <72 bytes in Base64: nonce, and the key in XChaCha20-Poly1305>
//! ```
//!
//! The lines before the last one, each with its line feed, are the associated data of the encryption. Nothing asks for the
//! passphrase before the key is used for the first time, and then once.
//!
//! Beside a file F of either kind, `F.next` is the key that takes its place when a rotation is through, and `F.<id>.old` one
//! whose place was taken: old backups of the database need it, and its passphrase if it has one. Where F is a symbolic link, they
//! stand beside the file that it leads to. No key is made or promoted in a folder that others can write to: whoever can put
//! an `F.next` there decides what the next key is.

mod cipher;
mod credential;
mod file;
mod folder;
mod key_file;
mod passphrase;
mod place;
mod plain;
mod text;

pub use credential::SystemdCredentialProvider;
pub use key_file::KeyFileMasterKeyProvider;
pub use passphrase::{Ask, PassphraseMasterKeyProvider, PassphraseSource};
pub use text::generate_key_text;

/// The name under which sealed rows remember the key file.
const KEY_FILE: &str = "key-file";
/// The name under which sealed rows remember the systemd credential.
const SYSTEMD_CREDENTIAL: &str = "systemd-credential";
/// The name under which sealed rows remember the passphrase-protected file.
const PASSPHRASE: &str = "passphrase";
