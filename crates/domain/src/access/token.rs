use std::time::Duration;

use super::{Operation, Role};
use crate::keyset::Version;
use crate::{PersonName, Removal, Sha256Digest, Timestamp, TokenId};

/// How long a token holds when nobody says.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
/// The longest time that a token holds.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a program signs in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, which is no secret.
    pub id: TokenId,
    /// Counts the changes.
    pub version: Version,
    /// What it is for, for people.
    pub name: PersonName,
    /// What it may do.
    pub role: Role,
    /// Whether it may export private keys. People are asked for their password then; a program cannot be.
    pub may_export: bool,
    /// The SHA-256 digest of its secret.
    pub digest: Sha256Digest,
    /// Who made it, for people.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Set when it was revoked.
    pub revoked: Option<Removal>,
}

/// A token that would hold too short or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token holds for at least a minute and at most 366 days")]
pub struct InvalidTokenLifetime;

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefused {
    /// It ended.
    #[error("the token ended {0}")]
    Expired(Timestamp),
    /// Somebody revoked it.
    #[error("the token was revoked {0}")]
    Revoked(Timestamp),
    /// A token that may export is one that may do the rest too.
    #[error("only a token of the role admin can be allowed to export")]
    ExportWithoutAdmin,
    /// The role of machines.
    #[error(
        "backup-server is the role of enrolled machines, which sign in with their identity and need no token"
    )]
    ServerRole,
}

impl Token {
    /// Checks what a new token may be.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub fn check_new(role: Role, may_export: bool) -> Result<(), TokenRefused> {
        match role {
            Role::BackupServer => Err(TokenRefused::ServerRole),
            Role::Auditor | Role::RecoveryOfficer if may_export => Err(TokenRefused::ExportWithoutAdmin),
            Role::Admin | Role::Auditor | Role::RecoveryOfficer => Ok(()),
        }
    }

    /// The time that a new token holds.
    ///
    /// # Errors
    /// When that is too short or too long.
    pub fn check_lifetime(lifetime: Duration) -> Result<Duration, InvalidTokenLifetime> {
        match lifetime >= Duration::from_secs(60) && lifetime <= MAX_TOKEN_LIFETIME {
            true => Ok(lifetime),
            false => Err(InvalidTokenLifetime),
        }
    }

    /// Checks that it holds now.
    ///
    /// # Errors
    /// [`TokenRefused`].
    pub fn check_holds(&self, now: Timestamp) -> Result<(), TokenRefused> {
        match &self.revoked {
            Some(Removal { at, .. }) => Err(TokenRefused::Revoked(*at)),
            None if self.expires_at <= now => Err(TokenRefused::Expired(self.expires_at)),
            None => Ok(()),
        }
    }

    /// Whether it may do that.
    #[must_use]
    pub fn may(&self, operation: Operation) -> bool {
        self.role.may(operation) && (operation != Operation::ExportKeysets || self.may_export)
    }

    /// The same token, revoked. One that was revoked before stays as it was.
    #[must_use]
    pub fn revoked(&self, removal: Removal) -> Self {
        match self.revoked {
            Some(_) => self.clone(),
            None => Self {
                version: Version(self.version.0.saturating_add(1)),
                revoked: Some(removal),
                ..self.clone()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn token() -> Token {
        Token {
            id: TokenId::from_random_bytes([1; 16]),
            version: Version(1),
            name: "nightly".parse().unwrap(),
            role: Role::Admin,
            may_export: false,
            digest: Sha256Digest::of(b"x"),
            created_by: "user:ada".into(),
            created_at: at(0),
            expires_at: at(100),
            revoked: None,
        }
    }

    #[test]
    fn a_token_ends_and_can_be_revoked_once() {
        assert_eq!(token().check_holds(at(99)), Ok(()));
        assert_eq!(token().check_holds(at(100)), Err(TokenRefused::Expired(at(100))));
        let removal = |at| Removal { at, reason: None };
        let revoked = token().revoked(removal(at(5)));
        assert_eq!(revoked.check_holds(at(6)), Err(TokenRefused::Revoked(at(5))));
        assert_eq!(revoked.revoked(removal(at(7))), revoked);
        assert_eq!(
            Token::check_lifetime(Duration::from_secs(59)),
            Err(InvalidTokenLifetime)
        );
        assert!(Token::check_lifetime(TOKEN_LIFETIME).is_ok());
    }

    #[test]
    fn an_admins_token_exports_only_when_that_was_said() {
        assert!(!token().may(Operation::ExportKeysets));
        assert!(token().may(Operation::ChangeKeysets));
        let exporting = Token {
            may_export: true,
            ..token()
        };
        assert!(exporting.may(Operation::ExportKeysets));
        assert_eq!(
            Token::check_new(Role::Auditor, true),
            Err(TokenRefused::ExportWithoutAdmin)
        );
        assert_eq!(
            Token::check_new(Role::BackupServer, false),
            Err(TokenRefused::ServerRole)
        );
        assert_eq!(Token::check_new(Role::Admin, true), Ok(()));
    }
}
