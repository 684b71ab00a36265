//! The stanzas that Keystead writes and reads.

use keystead_application::ports::SealedFormatError;
use keystead_domain::{Argon2Cost, KeysetSlot, PasswordSlot, RecipientTag, SealInfo};
use serde::{Deserialize, Serialize};

use crate::header::{Stanza, damaged, decode, encode};

/// The recipient type for RSA keys in OpenSSH form that every age implementation knows.
pub(crate) const KEYSET_KIND: &str = "ssh-rsa";
pub(crate) const PASSWORD_KIND: &str = "keystead-argon2id";
pub(crate) const INFO_KIND: &str = "keystead-info";
const INFO_VERSION: &str = "1";

pub(crate) fn keyset_stanza(slot: &KeysetSlot) -> Stanza {
    Stanza {
        kind: KEYSET_KIND.into(),
        args: vec![encode(&slot.tag.0)],
        body: slot.wrapped.clone(),
    }
}

pub(crate) fn read_keyset(stanza: &Stanza) -> Result<KeysetSlot, SealedFormatError> {
    let [tag] = stanza.args.as_slice() else {
        return Err(damaged("a keyset slot does not have one argument"));
    };
    let tag = decode(tag)?
        .try_into()
        .map_err(|_| damaged("a keyset slot's tag is not 4 bytes"))?;
    Ok(KeysetSlot {
        tag: RecipientTag(tag),
        fingerprint: None,
        wrapped: stanza.body.clone(),
    })
}

pub(crate) fn password_stanza(slot: &PasswordSlot) -> Stanza {
    let PasswordSlot {
        salt,
        cost,
        hint,
        wrapped,
    } = slot;
    let Argon2Cost {
        memory_kib,
        passes,
        lanes,
    } = cost;
    let mut args = vec![
        encode(salt),
        memory_kib.to_string(),
        passes.to_string(),
        lanes.to_string(),
    ];
    args.extend(hint.iter().map(|hint| encode(hint.as_str().as_bytes())));
    Stanza {
        kind: PASSWORD_KIND.into(),
        args,
        body: wrapped.to_vec(),
    }
}

pub(crate) fn read_password(stanza: &Stanza) -> Result<PasswordSlot, SealedFormatError> {
    let (fixed, hint) = match stanza.args.as_slice() {
        [salt, memory, passes, lanes] => ([salt, memory, passes, lanes], None),
        [salt, memory, passes, lanes, hint] => ([salt, memory, passes, lanes], Some(hint)),
        _ => return Err(damaged("a password slot does not have four or five arguments")),
    };
    let [salt, memory, passes, lanes] = fixed;
    let hint = match hint {
        None => None,
        Some(hint) => {
            let text =
                String::from_utf8(decode(hint)?).map_err(|_| damaged("a password hint is not UTF-8"))?;
            Some(
                text.parse()
                    .map_err(|_| damaged("a password hint is not one line of text"))?,
            )
        }
    };
    Ok(PasswordSlot {
        salt: decode(salt)?
            .try_into()
            .map_err(|_| damaged("a password slot's salt is not 16 bytes"))?,
        cost: Argon2Cost {
            memory_kib: number(memory)?,
            passes: number(passes)?,
            lanes: number(lanes)?,
        },
        hint,
        // Exactly one length is accepted: a longer body could hide a second key (age's partitioning oracle rule).
        wrapped: stanza
            .body
            .as_slice()
            .try_into()
            .map_err(|_| damaged("a password slot's body is not 32 bytes"))?,
    })
}

/// A decimal number in its one spelling: no sign, no leading zero.
fn number(text: &str) -> Result<u32, SealedFormatError> {
    match text.parse::<u32>() {
        Ok(number) if number.to_string() == text => Ok(number),
        _ => Err(damaged("a cost of a password slot is not a number")),
    }
}

#[derive(Serialize, Deserialize)]
struct WireInfo {
    file_id: String,
    keysets: Vec<String>,
    sealed_at: String,
    server_id: Option<String>,
}

pub(crate) fn info_stanza(info: &SealInfo) -> Result<Stanza, SealedFormatError> {
    let SealInfo {
        file_id,
        server_id,
        sealed_at,
        fingerprints,
    } = info;
    let wire = WireInfo {
        file_id: file_id.to_string(),
        keysets: fingerprints.iter().map(ToString::to_string).collect(),
        sealed_at: sealed_at.to_string(),
        server_id: server_id.clone(),
    };
    let body = serde_json::to_vec(&wire).map_err(|e| SealedFormatError::Cipher(e.to_string()))?;
    Ok(Stanza {
        kind: INFO_KIND.into(),
        args: vec![INFO_VERSION.into()],
        body,
    })
}

/// Reads an information stanza; `None` when a newer program wrote it in a version that is not known here.
pub(crate) fn read_info(stanza: &Stanza) -> Result<Option<SealInfo>, SealedFormatError> {
    if stanza.args != [INFO_VERSION] {
        return Ok(None);
    }
    let malformed = || damaged("its information stanza is malformed");
    let wire: WireInfo = serde_json::from_slice(&stanza.body).map_err(|_| malformed())?;
    let WireInfo {
        file_id,
        keysets,
        sealed_at,
        server_id,
    } = wire;
    Ok(Some(SealInfo {
        file_id: file_id.parse().map_err(|_| malformed())?,
        server_id,
        sealed_at: sealed_at.parse().map_err(|_| malformed())?,
        fingerprints: keysets
            .iter()
            .map(|f| f.parse())
            .collect::<Result<_, _>>()
            .map_err(|_| malformed())?,
    }))
}
