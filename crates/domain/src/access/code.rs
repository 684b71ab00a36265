use std::time::Duration;

use crate::keyset::Version;
use crate::{ServerId, ServerName, Sha256Digest, Timestamp};

/// How long the code holds that makes the first admin.
pub const SETUP_CODE_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long a code holds that enrols a backup server.
pub const SERVER_CODE_LIFETIME: Duration = Duration::from_secs(3600);

/// A code that lets somebody do one thing once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The SHA-256 digest of the code.
    pub digest: Sha256Digest,
    /// Counts the changes.
    pub version: Version,
    /// What it is for.
    pub purpose: CodePurpose,
    /// Who made it, for people.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// What a code is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodePurpose {
    /// Make the first admin.
    FirstAdmin,
    /// Enrol a backup server.
    EnrolServer {
        /// What it will be called; its own name when absent.
        name: Option<ServerName>,
        /// The server that gets another identity by it; a new one when absent.
        again: Option<ServerId>,
    },
}

/// Why a code is not taken. Which of them it was is for the audit trail; who tries codes is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodeRefused {
    /// There is none like that, or it is for something else.
    #[error("there is no such code")]
    Unknown,
    /// It ended.
    #[error("the code ended {0}")]
    Expired(Timestamp),
    /// It was used.
    #[error("the code was used {0}")]
    Used(Timestamp),
}

impl Code {
    /// The same code, used.
    ///
    /// # Errors
    /// [`CodeRefused`].
    pub fn used(&self, now: Timestamp) -> Result<Self, CodeRefused> {
        if let Some(at) = self.used_at {
            return Err(CodeRefused::Used(at));
        }
        if self.expires_at <= now {
            return Err(CodeRefused::Expired(self.expires_at));
        }
        Ok(Self {
            version: Version(self.version.0.saturating_add(1)),
            used_at: Some(now),
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_used_once_and_in_time() {
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).unwrap();
        let code = Code {
            digest: Sha256Digest::of(b"c"),
            version: Version(1),
            purpose: CodePurpose::FirstAdmin,
            created_by: "manager".into(),
            created_at: at(0),
            expires_at: at(10),
            used_at: None,
        };
        let used = code.used(at(9)).unwrap();
        assert_eq!(used.used(at(9)), Err(CodeRefused::Used(at(9))));
        assert_eq!(code.used(at(10)), Err(CodeRefused::Expired(at(10))));
    }
}
