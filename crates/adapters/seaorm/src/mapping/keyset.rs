use keystead_application::ports::StoreError;
use keystead_domain::keyset::{LastExport, Origin, StoredKeyset, Version};
use keystead_domain::{KeyBits, Keyset, PublicKey, RecipientTag, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};

use super::Row;
use crate::entities::keysets;

const GENERATED: &str = "generated";
const IMPORTED: &str = "imported";

pub(crate) fn keyset_to_model(keyset: &Keyset) -> keysets::Model {
    let StoredKeyset {
        id,
        version,
        hint,
        public_key,
        fingerprint,
        origin,
        // Kept by the pointer alone.
        pointed_at: _,
        created_at,
        activated_at,
        deactivated_at,
        superseded_by,
        last_export,
    } = keyset.to_stored();
    let (origin, exported_as) = match origin {
        Origin::Generated => (GENERATED, None),
        Origin::Imported { exported_as } => (IMPORTED, exported_as),
    };
    let (last_exported_at, last_export_to) = match last_export {
        Some(LastExport { at, to }) => (Some(at.as_micros()), Some(to)),
        None => (None, None),
    };
    keysets::Model {
        id: id.to_string(),
        version: i64::from(version.0),
        hint: hint.as_str().into(),
        spki: public_key.spki_der().into(),
        fingerprint: fingerprint.to_string(),
        bits: i32::from(public_key.bits().get()),
        recipient_tag: hex_tag(public_key.tag()),
        origin: origin.into(),
        exported_as: exported_as.map(|id| id.to_string()),
        created_at: created_at.as_micros(),
        activated_at: activated_at.map(Timestamp::as_micros),
        deactivated_at: deactivated_at.map(Timestamp::as_micros),
        superseded_by: superseded_by.map(|by| by.to_string()),
        last_exported_at,
        last_export_to,
    }
}

/// What can change in the life of a keyset. Its id, its key and where it comes from cannot, and are not written again.
pub(crate) fn changed_columns(keyset: &Keyset) -> keysets::ActiveModel {
    let keysets::Model {
        id: _,
        version,
        hint,
        spki: _,
        fingerprint: _,
        bits: _,
        recipient_tag: _,
        origin: _,
        exported_as: _,
        created_at: _,
        activated_at,
        deactivated_at,
        superseded_by,
        last_exported_at,
        last_export_to,
    } = keyset_to_model(keyset);
    keysets::ActiveModel {
        id: NotSet,
        version: Set(version),
        hint: Set(hint),
        spki: NotSet,
        fingerprint: NotSet,
        bits: NotSet,
        recipient_tag: NotSet,
        origin: NotSet,
        exported_as: NotSet,
        created_at: NotSet,
        activated_at: Set(activated_at),
        deactivated_at: Set(deactivated_at),
        superseded_by: Set(superseded_by),
        last_exported_at: Set(last_exported_at),
        last_export_to: Set(last_export_to),
    }
}

pub(crate) fn keyset_from_model(row: keysets::Model, pointed_at: bool) -> Result<Keyset, StoreError> {
    let keysets::Model {
        id,
        version,
        hint,
        spki,
        fingerprint,
        bits,
        recipient_tag,
        origin,
        exported_as,
        created_at,
        activated_at,
        deactivated_at,
        superseded_by,
        last_exported_at,
        last_export_to,
    } = row;
    let row = Row(format!("keyset {id}"));
    let origin = match (origin.as_str(), exported_as) {
        (GENERATED, None) => Origin::Generated,
        (IMPORTED, exported_as) => Origin::Imported {
            exported_as: row.optional("exported_as", exported_as.as_deref())?,
        },
        _ => return Err(row.corrupt("origin", "it is none that this program knows")),
    };
    let last_export = match (last_exported_at, last_export_to) {
        (None, None) => None,
        (Some(at), Some(to)) => Some(LastExport {
            at: row.time("last_exported_at", at)?,
            to,
        }),
        _ => {
            return Err(row.corrupt(
                "last_exported_at",
                "the time and the place of an export go together",
            ));
        }
    };
    let bits = usize::try_from(bits).map_err(|e| row.corrupt("bits", e))?;
    let bits = KeyBits::new(bits).map_err(|e| row.corrupt("bits", e))?;
    let tag = tag_from_hex(&recipient_tag).ok_or_else(|| row.corrupt("recipient_tag", "it is no tag"))?;
    let stored = StoredKeyset {
        id: row.parsed("id", &id)?,
        version: Version(u32::try_from(version).map_err(|e| row.corrupt("version", e))?),
        hint: row.parsed("hint", &hint)?,
        public_key: PublicKey::from_stored(spki, bits, tag),
        fingerprint: row.parsed("fingerprint", &fingerprint)?,
        origin,
        pointed_at,
        created_at: row.time("created_at", created_at)?,
        activated_at: activated_at.map(|at| row.time("activated_at", at)).transpose()?,
        deactivated_at: deactivated_at
            .map(|at| row.time("deactivated_at", at))
            .transpose()?,
        superseded_by: row.optional("superseded_by", superseded_by.as_deref())?,
        last_export,
    };
    Ok(Keyset::from_stored(stored)?)
}

pub(crate) fn hex_tag(tag: RecipientTag) -> String {
    format!("{:08x}", u32::from_be_bytes(tag.0))
}

fn tag_from_hex(text: &str) -> Option<RecipientTag> {
    let tag = u32::from_str_radix(text, 16).ok()?;
    let tag = RecipientTag(tag.to_be_bytes());
    (hex_tag(tag) == text).then_some(tag)
}
