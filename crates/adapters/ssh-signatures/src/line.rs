use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_domain::SshPublicKey;

use crate::key;

/// The kinds that are accepted, and with them those that are known well enough to say why they are not.
const KINDS: [&str; 8] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
];

/// More than the longest key has, with a comment of any reasonable length.
const MOST_BYTES: usize = 16 * 1024;

/// Reads the line of a `.pub` file. The error says what it is instead.
pub(crate) fn read(line: &str) -> Result<SshPublicKey, String> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.len() > MOST_BYTES {
        return Err("this is longer than any public key".to_owned());
    }
    if line.trim_start().starts_with("-----BEGIN") {
        return Err("this is a PEM file, perhaps a private key; give the .pub file beside it".to_owned());
    }
    if line.contains(['\n', '\r', '\0']) {
        return Err("these are several lines; give one public key".to_owned());
    }
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let (Some(kind), Some(text)) = (words.next(), words.next()) else {
        return Err(
            "this is not a public key: one begins with its kind, such as ssh-ed25519, and its text"
                .to_owned(),
        );
    };
    if !KINDS.contains(&kind) {
        let behind_options = line.split([' ', '\t']).any(|word| KINDS.contains(&word));
        return Err(match behind_options {
            true => {
                "the line begins with options, as in authorized_keys; give the key without them".to_owned()
            }
            false => key::not_accepted(kind),
        });
    }
    let wire = STANDARD
        .decode(text)
        .map_err(|_| "the text of the public key is not base64; a part of it may be missing".to_owned())?;
    let key = key::from_wire(&wire)?;
    match key.kind() == kind {
        true => Ok(key),
        false => Err(format!(
            "the line says {kind}, and the key in it is {}",
            key.kind()
        )),
    }
}
