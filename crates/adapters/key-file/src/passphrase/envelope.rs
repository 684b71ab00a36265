use std::fmt::Write as _;

use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64, Encoding};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use keystead_domain::{
    ARGON2_MAX_LANES, ARGON2_MAX_MEMORY_KIB, ARGON2_MAX_PASSES, Argon2Cost, MasterKeyId, Passphrase,
};
use zeroize::Zeroizing;

use crate::cipher::{KEY_LEN, Secret};
use crate::file::Content;

const FIRST_LINE: &str = "keystead-passphrase-key-v1";
const SALT_LEN: usize = 16;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
const WRAPPED_LEN: usize = NONCE_LEN + KEY_LEN + TAG_LEN;

/// What a file holds: a master key under a passphrase.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    id: MasterKeyId,
    cost: Argon2Cost,
    salt: [u8; SALT_LEN],
    wrapped: [u8; WRAPPED_LEN],
}

/// The random bytes that one envelope takes, which need not be kept secret.
pub(crate) struct Salts {
    pub(crate) salt: [u8; SALT_LEN],
    pub(crate) nonce: [u8; NONCE_LEN],
}

impl Envelope {
    /// Encrypts a key under a passphrase. This takes a while.
    pub(crate) fn wrap(
        secret: &Secret,
        id: MasterKeyId,
        passphrase: &Passphrase,
        salts: Salts,
    ) -> Result<Self, String> {
        let Salts { salt, nonce } = salts;
        let mut envelope = Self {
            id,
            cost: Argon2Cost::DEFAULT,
            salt,
            wrapped: [0; WRAPPED_LEN],
        };
        let header = envelope.header();
        let payload = Payload {
            msg: secret.as_slice(),
            aad: header.as_bytes(),
        };
        let body = envelope
            .cipher(passphrase)?
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|e| e.to_string())?;
        let (first, rest) = envelope.wrapped.split_at_mut(NONCE_LEN);
        first.copy_from_slice(&nonce);
        rest.copy_from_slice(&body);
        Ok(envelope)
    }

    /// Decrypts the key; `None` when the passphrase is wrong or something was changed. This takes a while.
    pub(crate) fn open(&self, passphrase: &Passphrase) -> Result<Option<Secret>, String> {
        let Some((nonce, body)) = self.wrapped.split_first_chunk::<NONCE_LEN>() else {
            return Ok(None);
        };
        let header = self.header();
        let payload = Payload {
            msg: body,
            aad: header.as_bytes(),
        };
        let opened = self
            .cipher(passphrase)?
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Zeroizing::new);
        let Some(opened) = opened.ok().filter(|opened| opened.len() == KEY_LEN) else {
            return Ok(None);
        };
        let mut secret = Zeroizing::new([0; KEY_LEN]);
        secret.copy_from_slice(&opened);
        Ok(Some(secret))
    }

    pub(crate) fn id(&self) -> &MasterKeyId {
        &self.id
    }

    /// The content of the file.
    pub(crate) fn render(&self) -> Content {
        let wrapped = Base64::encode_string(&self.wrapped);
        Zeroizing::new(format!("{}wrapped: {wrapped}\n", self.header()).into_bytes())
    }

    /// Reads the content of a file. Nothing in it is believed before the key was decrypted; the cost is bounded.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, String> {
        let found = decode(content).ok_or(
            "it does not hold a passphrase-protected master key of this program (keystead-passphrase-key-v1); \
             put the right file there, from a backup if need be",
        )?;
        let Argon2Cost {
            memory_kib,
            passes,
            lanes,
        } = found.cost;
        found.cost.check().map_err(|_| {
            format!(
                "it asks for {} MiB of memory, {passes} passes and {lanes} lanes to open it; at most {} MiB, \
                 {ARGON2_MAX_PASSES} and {ARGON2_MAX_LANES} are computed; put the right file there, from a backup if need be",
                memory_kib / 1024,
                ARGON2_MAX_MEMORY_KIB / 1024,
            )
        })?;
        Ok(found)
    }

    fn header(&self) -> String {
        let Argon2Cost {
            memory_kib,
            passes,
            lanes,
        } = self.cost;
        let mut header = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(header, "{FIRST_LINE}");
        let _ = writeln!(header, "id: {}", self.id);
        let _ = writeln!(header, "argon2id: m={memory_kib},t={passes},p={lanes}");
        let _ = writeln!(header, "salt: {}", Base64::encode_string(&self.salt));
        header
    }

    fn cipher(&self, passphrase: &Passphrase) -> Result<XChaCha20Poly1305, String> {
        let Argon2Cost {
            memory_kib,
            passes,
            lanes,
        } = self.cost.check().map_err(|e| e.to_string())?;
        let failed = |e: argon2::Error| e.to_string();
        let params = Params::new(memory_kib, passes, lanes, Some(KEY_LEN)).map_err(failed)?;
        let mut key = Zeroizing::new([0; KEY_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose(), &self.salt, key.as_mut_slice())
            .map_err(failed)?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}

fn decode(content: &[u8]) -> Option<Envelope> {
    let text = std::str::from_utf8(content).ok()?;
    let mut lines = text.trim_ascii_end().lines();
    if lines.next()? != FIRST_LINE {
        return None;
    }
    let id = lines.next()?.strip_prefix("id: ")?.parse().ok()?;
    let mut cost = lines.next()?.strip_prefix("argon2id: ")?.split(',');
    let mut number = |name| cost.next()?.strip_prefix(name)?.parse().ok();
    let cost = Argon2Cost {
        memory_kib: number("m=")?,
        passes: number("t=")?,
        lanes: number("p=")?,
    };
    let salt = decode_bytes(lines.next()?.strip_prefix("salt: ")?)?;
    let wrapped = decode_bytes(lines.next()?.strip_prefix("wrapped: ")?)?;
    let found = Envelope {
        id,
        cost,
        salt,
        wrapped,
    };
    lines.next().is_none().then_some(found)
}

fn decode_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    Base64::decode_vec(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
