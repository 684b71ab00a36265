use keystead_application::ports::{ExportCodecError, MetadataBlock, SignedMetadata};
use keystead_domain::{EXPORT_FORMAT_VERSION, ExportMetadata, KeyBits};
use serde::{Deserialize, Serialize};

use crate::label::Label;

/// What stands before the JSON in the message that is signed, so that no other signature can be taken for this one.
const PURPOSE: &[u8] = b"keystead-keyset-v1\0";

pub(crate) fn to_json(metadata: &ExportMetadata) -> Result<Vec<u8>, ExportCodecError> {
    let ExportMetadata {
        id,
        hint,
        bits,
        created_at,
        exported_at,
        fingerprint,
    } = metadata;
    let wire = WireMetadata {
        format: EXPORT_FORMAT_VERSION,
        id: id.to_string(),
        hint: hint.to_string(),
        bits: bits.get(),
        created_at: created_at.to_string(),
        exported_at: exported_at.to_string(),
        fingerprint: fingerprint.to_string(),
    };
    serde_json::to_vec(&wire).map_err(|error| ExportCodecError::Encode(error.to_string()))
}

pub(crate) fn signed_message(json: &[u8]) -> Vec<u8> {
    [PURPOSE, json].concat()
}

/// The body of a block. JSON holds no zero byte, so the first one ends it.
pub(crate) fn to_body(signed: &SignedMetadata) -> Vec<u8> {
    [&signed.json, &[0][..], &signed.signature].concat()
}

pub(crate) fn from_body(body: &[u8]) -> Result<MetadataBlock, ExportCodecError> {
    let end = body
        .iter()
        .position(|byte| *byte == 0)
        .ok_or_else(|| damaged("the zero byte before its signature is missing"))?;
    let (json, signature) = (&body[..end], &body[end + 1..]);
    if signature.is_empty() {
        return Err(damaged("its signature is missing"));
    }
    Ok(MetadataBlock {
        metadata: from_json(json)?,
        signed: SignedMetadata {
            json: json.to_vec(),
            signature: signature.to_vec(),
        },
    })
}

fn from_json(json: &[u8]) -> Result<ExportMetadata, ExportCodecError> {
    // The format decides what else is there, so it is read alone first.
    let FormatOnly { format } = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
    if format != u64::from(EXPORT_FORMAT_VERSION) {
        return Err(ExportCodecError::NotAccepted {
            found: format!(
                "the KEYSTEAD KEYSET block has format {format}; this program reads {EXPORT_FORMAT_VERSION}"
            ),
            fix: "import the file with the release of keystead that wrote it, or a newer one".into(),
        });
    }
    let WireMetadata {
        format: _,
        id,
        hint,
        bits,
        created_at,
        exported_at,
        fingerprint,
    } = serde_json::from_slice(json).map_err(|error| damaged(error.to_string()))?;
    Ok(ExportMetadata {
        id: id.parse().map_err(|error| field("id", error))?,
        hint: hint.parse().map_err(|error| field("hint", error))?,
        bits: KeyBits::new(usize::from(bits)).map_err(|error| field("bits", error))?,
        created_at: created_at.parse().map_err(|error| field("created_at", error))?,
        exported_at: exported_at.parse().map_err(|error| field("exported_at", error))?,
        fingerprint: fingerprint.parse().map_err(|error| field("fingerprint", error))?,
    })
}

// Fields that a later release adds are passed over: they must not make its exports unreadable here.
#[derive(Serialize, Deserialize)]
struct WireMetadata {
    format: u32,
    id: String,
    hint: String,
    bits: u16,
    created_at: String,
    exported_at: String,
    fingerprint: String,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u64,
}

fn damaged(why: impl Into<String>) -> ExportCodecError {
    Label::Keyset.damaged(why)
}

// The domain's messages quote the value; what they quote comes from a file, so nothing of it goes to a terminal raw.
fn field(name: &str, error: impl std::fmt::Display) -> ExportCodecError {
    let why: String = error.to_string().chars().filter(|c| !c.is_control()).collect();
    damaged(format!("its field {name} is wrong: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"format":1,"id":"6f1c2d3e-0000-4000-8000-000000000007","hint":"Büro \"2026\"","bits":2048,"created_at":"2025-11-24T16:00:00Z","exported_at":"2025-11-24T16:00:01.5Z","fingerprint":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#;

    fn body(json: &str) -> Vec<u8> {
        [json.as_bytes(), b"\0signature"].concat()
    }

    #[test]
    fn the_json_is_fixed() {
        let block = from_body(&body(JSON)).unwrap();
        assert_eq!(block.metadata.hint.as_str(), "Büro \"2026\"");
        assert_eq!(block.signed.json, JSON.as_bytes());
        assert_eq!(block.signed.signature, b"signature");
        assert_eq!(to_json(&block.metadata).unwrap(), JSON.as_bytes());
        assert_eq!(to_body(&block.signed), body(JSON));
    }

    #[test]
    fn a_field_of_a_later_release_is_passed_over_and_another_format_is_not() {
        let later = JSON.replace("\"bits\"", "\"colour\":\"red\",\"bits\"");
        assert_eq!(from_body(&body(&later)).unwrap().signed.json, later.as_bytes());
        let other = JSON.replace("\"format\":1", "\"format\":2");
        let error = from_body(&body(&other)).unwrap_err();
        assert!(matches!(error, ExportCodecError::NotAccepted { .. }));
        assert!(error.to_string().contains("format 2"));
        assert!(
            from_body(&body(r#"{"format":2,"all":"else"}"#))
                .unwrap_err()
                .to_string()
                .contains("format 2")
        );
    }

    #[test]
    fn what_is_not_metadata_is_damaged() {
        for bad in [
            "",
            "{}",
            "[]",
            "{\"format\":1}",
            &JSON.replace("2048", "1024"),
            &JSON.replace("6f1c", "xxxx"),
            &JSON.replace("Büro", "\\u001b[2J"),
            &JSON.replace("ba7816", ""),
            &JSON.replace("2025", "20x5"),
            &JSON.replace("\"format\":1,", "\"format\":1,\"format\":1,"),
            &JSON.replace('}', "} "),
            &JSON.replace("}", "}{}"),
        ] {
            let read = from_body(&body(bad));
            if bad.ends_with("} ") {
                assert!(read.is_ok(), "blanks are JSON");
                continue;
            }
            let error = read.unwrap_err();
            assert!(
                matches!(error, ExportCodecError::Damaged { .. }),
                "{bad}: {error}"
            );
            assert!(!error.to_string().contains('\u{1b}'));
        }
        assert!(from_body(JSON.as_bytes()).is_err());
        assert!(from_body(&[JSON.as_bytes(), &[0]].concat()).is_err());
    }
}
