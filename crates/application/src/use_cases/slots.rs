//! The slots of a sealed file, and the keysets here that they may belong to.

use std::collections::HashMap;

use keystead_domain::{Keyset, KeysetSlot, MAX_BITS, MIN_BITS, PublicKey, RecipientTag};

use super::BackupError;
use crate::ports::{SealedHeader, Store};

/// How many keysets with the same tag are tried for one slot. A tag has 32 bits, so more than one is an accident.
pub(super) const MAX_SAME_TAG: u32 = 8;
/// How many slots are tried with one keyset.
const MAX_SLOTS_PER_KEYSET: usize = 4;

/// A slot of a sealed file, for people.
#[derive(Debug, Clone)]
pub enum SlotView {
    /// For a keyset.
    Keyset {
        /// The slot.
        slot: KeysetSlot,
        /// The keyset here that it most likely belongs to.
        here: Option<Box<Keyset>>,
    },
    /// For a password.
    Password {
        /// The hint, if there is one.
        hint: Option<String>,
    },
    /// Of a kind that this program does not know.
    Other(String),
}

/// What opens a file, for messages.
#[must_use]
pub fn needed(header: &SealedHeader) -> String {
    let mut names: Vec<String> = Vec::new();
    for slot in &header.keysets {
        let name = match slot.fingerprint {
            Some(fingerprint) => format!("keyset {}", fingerprint.short()),
            None => "an RSA keyset that it does not name".to_owned(),
        };
        if names.len() < 8 && !names.contains(&name) {
            names.push(name);
        }
    }
    names.extend((!header.passwords.is_empty()).then(|| "its password".to_owned()));
    names.extend((!header.others.is_empty()).then(|| "keys of another program".to_owned()));
    names.join(" or ")
}

/// The file's own name for itself, if it has one. Unverified.
pub(super) fn file_name(header: &SealedHeader) -> String {
    header
        .info
        .as_ref()
        .map_or_else(|| "unnamed".to_owned(), |info| info.file_id.to_string())
}

/// The slots for keysets, those with the same tag together, so that each keyset is looked up and used once.
pub(super) fn by_tag(header: &SealedHeader) -> Vec<Vec<&KeysetSlot>> {
    let mut groups: Vec<Vec<&KeysetSlot>> = Vec::new();
    let mut places: HashMap<RecipientTag, usize> = HashMap::new();
    for slot in &header.keysets {
        let place = *places.entry(slot.tag).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(slot),
            None => groups.push(vec![slot]),
        }
    }
    groups
}

/// The slots that could be for this key: OAEP gives as many bytes as the modulus has. Only a made-up file has many.
pub(super) fn fitting<'a>(slots: &[&'a KeysetSlot], key: &PublicKey) -> Vec<&'a KeysetSlot> {
    let len = usize::from(key.bits().get()).div_ceil(8);
    slots
        .iter()
        .copied()
        .filter(|slot| slot.wrapped.len() == len)
        .take(MAX_SLOTS_PER_KEYSET)
        .collect()
}

/// Whether a slot may be anybody's. One of a length that no accepted key gives is nobody's: a header full of them costs no
/// look-ups.
pub(super) fn is_possible(slot: &KeysetSlot) -> bool {
    let possible = usize::from(MIN_BITS).div_ceil(8)..=usize::from(MAX_BITS).div_ceil(8);
    possible.contains(&slot.wrapped.len())
}

pub(super) async fn candidates(store: &dyn Store, slots: &[&KeysetSlot]) -> Result<Vec<Keyset>, BackupError> {
    let Some(first) = slots.iter().find(|slot| is_possible(slot)) else {
        return Ok(Vec::new());
    };
    let mut found = store
        .snapshot()
        .await?
        .find_by_tag(first.tag, MAX_SAME_TAG)
        .await?;
    // Those that the file names come first; what the file says is not believed beyond that.
    found.sort_by_key(|keyset| {
        !slots
            .iter()
            .any(|slot| slot.fingerprint == Some(keyset.fingerprint()))
    });
    Ok(found)
}
