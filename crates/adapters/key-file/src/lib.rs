//! A master key in a file that only its owner can read, or in a systemd credential.
//!
//! The content is one line of text: `keystead-master-key-v1:`, the 32 bytes of the key as 64 hexadecimal digits, and a line
//! feed. The same text is the same key in a file and in a credential: it has the same id, and opens what was sealed with it
//! at the other place, so a key file can become a credential without a rotation.
//!
//! A key file protects the database and its dumps, not a copy of the folder that holds both. A credential that was encrypted
//! to this machine (`systemd-creds encrypt`) protects also the copy of its disk, if the machine has a TPM2 and the copy comes
//! without it.
//!
//! Beside a key file F, `F.next` is the key that takes its place when a rotation is through, and `F.<id>.old` one whose place
//! was taken: old backups of the database need it.

mod credential;
mod file;
mod key;
mod place;
mod provider;
mod text;

pub use credential::{DEFAULT_CREDENTIAL, SystemdCredentialProvider};
pub use provider::KeyFileMasterKeyProvider;
pub use text::generate_key_text;

/// The name under which sealed rows remember the key file.
const KEY_FILE: &str = "key-file";
/// The name under which sealed rows remember the systemd credential.
const SYSTEMD_CREDENTIAL: &str = "systemd-credential";
