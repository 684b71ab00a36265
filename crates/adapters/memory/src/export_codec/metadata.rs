use keystead_application::ports::ExportCodecError;
use keystead_domain::{EXPORT_FORMAT_VERSION, ExportMetadata, KeyBits};
use serde_json::{Value, json};

pub(super) fn to_json(metadata: &ExportMetadata) -> Result<Vec<u8>, ExportCodecError> {
    let ExportMetadata {
        id,
        hint,
        bits,
        created_at,
        exported_at,
        fingerprint,
    } = metadata;
    let object = json!({
        "format": EXPORT_FORMAT_VERSION,
        "id": id.to_string(),
        "hint": hint.as_str(),
        "bits": bits.get(),
        "created_at": created_at.to_string(),
        "exported_at": exported_at.to_string(),
        "fingerprint": fingerprint.to_string(),
    });
    serde_json::to_vec(&object).map_err(|error| ExportCodecError::Encode(error.to_string()))
}

pub(super) fn from_json(bytes: &[u8], block: &str) -> Result<ExportMetadata, ExportCodecError> {
    let damaged = |why: String| ExportCodecError::Damaged {
        block: block.to_owned(),
        why,
    };
    let object: Value = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    let text = |name: &str| {
        let value = object.get(name).and_then(Value::as_str);
        value.ok_or_else(|| damaged(format!("{name} is missing")))
    };
    let bits = object
        .get("bits")
        .and_then(Value::as_u64)
        .and_then(|bits| usize::try_from(bits).ok());
    let bits = bits.ok_or_else(|| damaged("bits is missing".to_owned()))?;
    Ok(ExportMetadata {
        id: text("id")?.parse().map_err(|error| damaged(format!("{error}")))?,
        hint: text("hint")?
            .parse()
            .map_err(|error| damaged(format!("{error}")))?,
        bits: KeyBits::new(bits).map_err(|error| damaged(format!("{error}")))?,
        created_at: text("created_at")?
            .parse()
            .map_err(|error| damaged(format!("{error}")))?,
        exported_at: text("exported_at")?
            .parse()
            .map_err(|error| damaged(format!("{error}")))?,
        fingerprint: text("fingerprint")?
            .parse()
            .map_err(|error| damaged(format!("{error}")))?,
    })
}
