//! The bytes of a header, which are text: a line that says what it is, the length of a JSON text, the text, and the code.
//! Length and code are hexadecimal digits.

use keystead_application::ports::{HeaderPlan, ParsedHeader, SealedFormatError, SealedHeader};
use keystead_domain::{Argon2Cost, Fingerprint, KeysetSlot, PasswordSlot, RecipientTag, SealInfo};
use serde_json::{Value, json};

const MARK: &[u8] = b"keystead memory sealed file v1\n";
/// Hexadecimal digits of the length.
const LENGTH: usize = 16;
/// Hexadecimal digits of the code.
const CODE: usize = 64;
const LONGEST: usize = 1024 * 1024;

pub(super) fn write(plan: &HeaderPlan) -> Result<Vec<u8>, SealedFormatError> {
    let HeaderPlan {
        keysets,
        password,
        info,
    } = plan;
    let text = json!({
        "keysets": keysets.iter().map(|slot| json!({
            "tag": hex(&slot.tag.0),
            "wrapped": hex(&slot.wrapped),
        })).collect::<Vec<_>>(),
        "password": password.as_ref().map(|slot| json!({
            "salt": hex(&slot.salt),
            "cost": [slot.cost.memory_kib, slot.cost.passes, slot.cost.lanes],
            "hint": slot.hint.as_ref().map(keystead_domain::Hint::as_str),
            "wrapped": hex(&slot.wrapped),
        })),
        "file_id": info.file_id.to_string(),
        "server_id": info.server_id,
        "sealed_at": info.sealed_at.to_string(),
        "fingerprints": info.fingerprints.iter().map(Fingerprint::to_string).collect::<Vec<_>>(),
    })
    .to_string();
    if text.len() > LONGEST {
        return Err(SealedFormatError::HeaderTooLong(LONGEST));
    }
    let length = hex(&(text.len() as u64).to_be_bytes());
    Ok([MARK, length.as_bytes(), text.as_bytes()].concat())
}

/// The code as it stands behind the text.
pub(super) fn code(mac: &[u8; 32]) -> Vec<u8> {
    hex(mac).into_bytes()
}

pub(super) fn parse(bytes: &[u8]) -> Result<ParsedHeader, SealedFormatError> {
    let Some(rest) = bytes.strip_prefix(MARK) else {
        return if MARK.starts_with(bytes) {
            Ok(ParsedHeader::NeedsMore)
        } else {
            Err(SealedFormatError::NotSealed(
                "it does not begin like one".to_owned(),
            ))
        };
    };
    let Some((length, rest)) = rest.split_first_chunk::<LENGTH>() else {
        return Ok(ParsedHeader::NeedsMore);
    };
    let damaged = |what: &str| SealedFormatError::HeaderDamaged(what.to_owned());
    let length = exact::<8>(length).ok_or_else(|| damaged("its length cannot be read"))?;
    let length = usize::try_from(u64::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(SealedFormatError::HeaderTooLong(LONGEST));
    }
    let Some((text, rest)) = rest.split_at_checked(length) else {
        return Ok(ParsedHeader::NeedsMore);
    };
    let Some(mac) = rest.first_chunk::<CODE>() else {
        return Ok(ParsedHeader::NeedsMore);
    };
    let end = MARK.len() + LENGTH + length;
    let mac = exact::<32>(mac).ok_or_else(|| damaged("its code cannot be read"))?;
    let header = read(text, bytes[..end].to_vec(), mac).ok_or_else(|| damaged("its text cannot be read"))?;
    Ok(ParsedHeader::Complete {
        header: Box::new(header),
        len: end + CODE,
    })
}

fn read(text: &[u8], authenticated: Vec<u8>, mac: [u8; 32]) -> Option<SealedHeader> {
    let object: Value = serde_json::from_slice(text).ok()?;
    let fingerprints: Vec<Fingerprint> = list(&object, "fingerprints")?
        .iter()
        .map(|digits| digits.as_str()?.parse().ok())
        .collect::<Option<_>>()?;
    let keysets = list(&object, "keysets")?
        .iter()
        .enumerate()
        .map(|(n, slot)| {
            Some(KeysetSlot {
                tag: RecipientTag(bytes(slot, "tag")?.try_into().ok()?),
                fingerprint: fingerprints.get(n).copied(),
                wrapped: bytes(slot, "wrapped")?,
            })
        })
        .collect::<Option<_>>()?;
    let passwords = match object.get("password")? {
        Value::Null => Vec::new(),
        slot => vec![password_slot(slot)?],
    };
    let info = SealInfo {
        file_id: object.get("file_id")?.as_str()?.parse().ok()?,
        server_id: optional_text(&object, "server_id")?,
        sealed_at: object.get("sealed_at")?.as_str()?.parse().ok()?,
        fingerprints,
    };
    Some(SealedHeader {
        authenticated,
        mac,
        keysets,
        passwords,
        info: Some(info),
        others: Vec::new(),
    })
}

fn password_slot(slot: &Value) -> Option<PasswordSlot> {
    let cost: Vec<u32> = list(slot, "cost")?
        .iter()
        .map(|number| u32::try_from(number.as_u64()?).ok())
        .collect::<Option<_>>()?;
    let [memory_kib, passes, lanes] = cost[..] else {
        return None;
    };
    let hint = match optional_text(slot, "hint")? {
        None => None,
        Some(text) => Some(text.parse().ok()?),
    };
    Some(PasswordSlot {
        salt: bytes(slot, "salt")?.try_into().ok()?,
        cost: Argon2Cost {
            memory_kib,
            passes,
            lanes,
        },
        hint,
        wrapped: bytes(slot, "wrapped")?.try_into().ok()?,
    })
}

fn list<'a>(object: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    object.get(name)?.as_array()
}

/// A text or null; nothing when it is something else.
fn optional_text(object: &Value, name: &str) -> Option<Option<String>> {
    match object.get(name)? {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        _ => None,
    }
}

fn bytes(object: &Value, name: &str) -> Option<Vec<u8>> {
    let digits = object
        .get(name)?
        .as_str()
        .filter(|digits| digits.is_ascii() && digits.len() % 2 == 0)?;
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// The bytes of these digits, in the one spelling that is written.
fn exact<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let text = std::str::from_utf8(digits).ok()?;
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..text.len()).step_by(2).map(byte).collect::<Option<_>>()?;
    let bytes: [u8; N] = bytes.try_into().ok()?;
    (hex(&bytes).as_bytes() == digits).then_some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
