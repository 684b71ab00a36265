use std::time::Duration;

use crate::keyset::Version;
use crate::{Sha256Digest, Timestamp, User, UserName};

/// The time after which a person signs in again, whatever was done.
const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 3600);
/// The time without a request after which a session is over.
const SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
/// How often it is written down that a session is in use.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// A person who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The SHA-256 digest of its secret.
    pub digest: Sha256Digest,
    /// Counts the changes.
    pub version: Version,
    /// Who signed in.
    pub user: UserName,
    /// When.
    pub began_at: Timestamp,
    /// When it was used last, to the minute.
    pub seen_at: Timestamp,
}

/// A session that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnded {
    /// Nothing was done for long.
    #[error("the session ended because nothing was done for 30 minutes")]
    Idle,
    /// It lasted as long as a session can.
    #[error("the session ended after 12 hours")]
    Lifetime,
    /// The password was changed, the user removed.
    #[error("the session ended because the user was changed")]
    UserChanged,
}

impl Session {
    /// Begins one.
    #[must_use]
    pub fn begin(digest: Sha256Digest, user: UserName, now: Timestamp) -> Self {
        Self {
            digest,
            version: Version(1),
            user,
            began_at: now,
            seen_at: now,
        }
    }

    /// When it is over at the latest.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.began_at.after(SESSION_LIFETIME)
    }

    /// Checks that it holds now, for the user as it is now.
    ///
    /// # Errors
    /// [`SessionEnded`].
    pub fn check_holds(&self, user: &User, now: Timestamp) -> Result<(), SessionEnded> {
        if user.name != self.user || user.removed.is_some() || user.password_set_at > self.began_at {
            return Err(SessionEnded::UserChanged);
        }
        if self.ends_at() <= now {
            return Err(SessionEnded::Lifetime);
        }
        match self.seen_at.after(SESSION_IDLE) <= now {
            true => Err(SessionEnded::Idle),
            false => Ok(()),
        }
    }

    /// The session with the time of its last use, when that is worth writing down.
    #[must_use]
    pub fn seen(&self, now: Timestamp) -> Option<Self> {
        (self.seen_at.after(SEEN_EVERY) <= now).then(|| Self {
            version: Version(self.version.0.saturating_add(1)),
            seen_at: now,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PasswordHash, Removal, Role, UserId};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros(minutes * 60_000_000).unwrap()
    }

    fn user() -> User {
        let id = UserId::from_random_bytes([1; 16]);
        let roles = [Role::Auditor].into_iter().collect();
        User::add(
            id,
            "ada".parse().unwrap(),
            roles,
            PasswordHash::new("x"),
            at(0),
            &[],
        )
        .unwrap()
    }

    #[test]
    fn a_session_ends_when_idle_when_old_and_with_its_user() {
        let session = Session::begin(Sha256Digest::of(b"s"), user().name, at(1));
        assert_eq!(session.check_holds(&user(), at(30)), Ok(()));
        assert_eq!(session.check_holds(&user(), at(31)), Err(SessionEnded::Idle));
        assert!(session.seen(at(1)).is_none());
        let mut session = session;
        for minute in (20..=700).step_by(20) {
            session = session.seen(at(minute)).unwrap();
        }
        assert_eq!(session.check_holds(&user(), at(720)), Ok(()));
        assert_eq!(session.check_holds(&user(), at(721)), Err(SessionEnded::Lifetime));

        let changed = user().with_password(PasswordHash::new("y"), at(2)).unwrap();
        assert_eq!(
            session.check_holds(&changed, at(705)),
            Err(SessionEnded::UserChanged)
        );
        let removed = User {
            removed: Some(Removal {
                at: at(3),
                reason: None,
            }),
            ..user()
        };
        assert_eq!(
            session.check_holds(&removed, at(705)),
            Err(SessionEnded::UserChanged)
        );
    }
}
