//! The password slot: age's `scrypt` recipient with Argon2id in the place of scrypt, because age forbids its own
//! `scrypt` stanza beside others.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use keystead_application::ports::SealedFormatError;
use keystead_domain::{FileKey, Passphrase, PasswordSlot};
use zeroize::Zeroizing;

/// Goes before the slot's salt, so that the derived key serves this purpose only.
const SALT_LABEL: &[u8] = b"keystead.argon2id/v1";

pub(crate) fn wrap(
    slot: PasswordSlot,
    password: &Passphrase,
    file_key: &FileKey,
) -> Result<PasswordSlot, SealedFormatError> {
    let cipher = cipher(&slot, password)?;
    let mut body = Zeroizing::new(file_key.expose().to_vec());
    let tag = cipher
        .seal_in_place_separate_tag(zero_nonce(), Aad::empty(), &mut body)
        .map_err(|_| SealedFormatError::Cipher("wrapping failed".into()))?;
    let mut wrapped = [0; 32];
    wrapped[..16].copy_from_slice(&body);
    wrapped[16..].copy_from_slice(tag.as_ref());
    Ok(PasswordSlot { wrapped, ..slot })
}

pub(crate) fn unwrap(slot: &PasswordSlot, password: &Passphrase) -> Result<FileKey, SealedFormatError> {
    let cipher = cipher(slot, password)?;
    let (ciphertext, tag) = slot.wrapped.split_at(FileKey::LEN);
    let mut file_key = Zeroizing::new([0; FileKey::LEN]);
    cipher
        .open_separate_gather(
            zero_nonce(),
            Aad::empty(),
            ciphertext,
            tag,
            file_key.as_mut_slice(),
        )
        .map_err(|_| SealedFormatError::NotUnlocked)?;
    Ok(FileKey::new(file_key))
}

fn cipher(slot: &PasswordSlot, password: &Passphrase) -> Result<LessSafeKey, SealedFormatError> {
    // Bounds first: nothing is allocated for a slot that asks for too much.
    let cost = slot.cost.check()?;
    let failed = |e: argon2::Error| SealedFormatError::Cipher(e.to_string());
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    let salt = [SALT_LABEL, &slot.salt].concat();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.expose(), &salt, key.as_mut_slice())
        .map_err(failed)?;
    UnboundKey::new(&CHACHA20_POLY1305, key.as_slice())
        .map(LessSafeKey::new)
        .map_err(|_| SealedFormatError::Cipher("the key has the wrong length".into()))
}

/// Every slot has its own salt and so its own key, which encrypts one file key and nothing else.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
