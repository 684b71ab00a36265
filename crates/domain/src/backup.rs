use crate::{FileId, Fingerprint, Hint, RecipientTag, Timestamp};

/// The most memory that a password slot may ask for, in KiB (1 GiB).
pub const ARGON2_MAX_MEMORY_KIB: u32 = 1024 * 1024;
/// The most passes that a password slot may ask for.
pub const ARGON2_MAX_PASSES: u32 = 16;
/// The most lanes that a password slot may ask for.
pub const ARGON2_MAX_LANES: u32 = 16;

/// One wrapped copy of a sealed file's file key, for a keyset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysetSlot {
    /// What the slot names its key by.
    pub tag: RecipientTag,
    /// The full fingerprint, if the file's information stanza names one for this slot. Unverified until the header is.
    pub fingerprint: Option<Fingerprint>,
    /// The file key, encrypted with RSA-OAEP.
    pub wrapped: Vec<u8>,
}

/// The cost of turning a password into a key with Argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// A cost that is not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the password slot asks for {} MiB of memory, {} passes and {} lanes; at most {} MiB, {ARGON2_MAX_PASSES} and {ARGON2_MAX_LANES} are computed",
    .0.memory_kib / 1024, .0.passes, .0.lanes, ARGON2_MAX_MEMORY_KIB / 1024
)]
pub struct CostRefused(Argon2Cost);

impl Argon2Cost {
    /// The cost of new password slots: 64 MiB, three passes (the second recommendation of RFC 9106, section 4, on one lane).
    pub const DEFAULT: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };

    /// Checks that the cost may be computed, before anything is allocated.
    ///
    /// # Errors
    /// When it is out of bounds.
    pub fn check(self) -> Result<Self, CostRefused> {
        let lanes = 1..=ARGON2_MAX_LANES;
        let in_bounds = lanes.contains(&self.lanes)
            && (1..=ARGON2_MAX_PASSES).contains(&self.passes)
            && (8 * self.lanes..=ARGON2_MAX_MEMORY_KIB).contains(&self.memory_kib);
        if in_bounds {
            Ok(self)
        } else {
            Err(CostRefused(self))
        }
    }
}

/// One wrapped copy of a sealed file's file key, for a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordSlot {
    /// The salt.
    pub salt: [u8; 16],
    /// The cost.
    pub cost: Argon2Cost,
    /// The password hint, if one was given. Everybody who has the file can read it.
    pub hint: Option<Hint>,
    /// The file key, encrypted with ChaCha20-Poly1305.
    pub wrapped: [u8; 32],
}

/// What a sealed file says about itself beside its slots. Shown as unverified until the header's MAC was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealInfo {
    /// Names this sealed file.
    pub file_id: FileId,
    /// The backup server that sealed it, if it is enrolled with a manager.
    pub server_id: Option<String>,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// The fingerprints of the keysets, in the order of their slots.
    pub fingerprints: Vec<Fingerprint>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_bounded_on_every_side() {
        let cost = |memory_kib, passes, lanes| {
            Argon2Cost {
                memory_kib,
                passes,
                lanes,
            }
            .check()
        };
        assert!(Argon2Cost::DEFAULT.check().is_ok());
        assert!(cost(8, 1, 1).is_ok());
        assert!(cost(ARGON2_MAX_MEMORY_KIB, 16, 16).is_ok());
        for (m, t, p) in [
            (7, 1, 1),
            (ARGON2_MAX_MEMORY_KIB + 1, 1, 1),
            (64, 0, 1),
            (64, 17, 1),
            (64, 1, 0),
            (4096, 1, 17),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert!(cost(m, t, p).is_err(), "{m} {t} {p}");
        }
    }
}
