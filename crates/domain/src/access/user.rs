use std::fmt;
use std::str::FromStr;

use super::{Role, Roles};
use crate::keyset::Version;
use crate::{Passphrase, Removal, Timestamp, UserId};

/// The shortest password of a person, in characters.
pub const MIN_PASSWORD_CHARS: usize = 12;
/// The longest password, in bytes: hashing it is work that anybody can ask for.
const MAX_PASSWORD_BYTES: usize = 1024;
const MAX_NAME_CHARS: usize = 64;

/// What a person signs in as: 1 to 64 letters, digits, dots, dashes, underscores and at signs, in small letters, so that
/// one person has one name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Counts the changes.
    pub version: Version,
    /// What the person signs in as, which no other user has or had.
    pub name: UserName,
    /// What the person may do.
    pub roles: Roles,
    /// What the password is checked against.
    pub password: PasswordHash,
    /// When the password was set: sessions and tokens of before are none any more, where a person's password was lost.
    pub password_set_at: Timestamp,
    /// When the user was added.
    pub created_at: Timestamp,
    /// Set when the user was removed: nobody signs in as it then.
    pub removed: Option<Removal>,
}

/// A password hash in the PHC string format, such as `$argon2id$v=19$…`. Not a secret of the first rank, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A text that is no user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a user name has 1 to 64 characters: small letters a to z, digits, dots, dashes, underscores and at signs"
)]
pub struct InvalidUserName;

/// A password that would be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error("the password has {0} characters; it needs at least {MIN_PASSWORD_CHARS}")]
    Short(usize),
    /// Longer than what is hashed.
    #[error("the password has more than 1024 bytes")]
    Long,
    /// Made of the name, or of one character again and again.
    #[error("the password is the user's name, or one or two characters repeated")]
    Guessable,
}

/// Why a user is not changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserRefused {
    /// Somebody is, or was, called so.
    #[error(
        "there is, or was, a user \"{0}\"; names are not used again, so that the audit trail stays clear"
    )]
    NameTaken(UserName),
    /// A user without a role could do nothing.
    #[error("a user needs at least one role")]
    NoRole,
    /// The role of machines.
    #[error("backup-server is the role of enrolled machines; a person cannot have it")]
    ServerRole,
    /// Nobody could look after users any more.
    #[error("\"{0}\" is the last admin; make another user admin first")]
    LastAdmin(UserName),
    /// It was removed before.
    #[error("the user \"{0}\" was removed")]
    Removed(UserName),
}

impl UserName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = InvalidUserName;

    fn from_str(text: &str) -> Result<Self, InvalidUserName> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-@".contains(c);
        match !text.is_empty() && text.len() <= MAX_NAME_CHARS && text.chars().all(is_name) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidUserName),
        }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PasswordHash {
    /// A hash that the hashing port made.
    #[must_use]
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl Passphrase {
    /// Checks that this may be the password of that user.
    ///
    /// # Errors
    /// [`WeakPassword`].
    pub fn check_for_user(&self, name: &UserName) -> Result<(), WeakPassword> {
        if self.expose().len() > MAX_PASSWORD_BYTES {
            return Err(WeakPassword::Long);
        }
        let text = zeroize::Zeroizing::new(String::from_utf8_lossy(self.expose()).into_owned());
        let chars = text.chars().count();
        if chars < MIN_PASSWORD_CHARS {
            return Err(WeakPassword::Short(chars));
        }
        let mut different: Vec<char> = text.chars().collect();
        different.sort_unstable();
        different.dedup();
        match different.len() <= 2 || text.to_lowercase() == name.as_str() {
            true => Err(WeakPassword::Guessable),
            false => Ok(()),
        }
    }
}

impl User {
    /// A new user. `others` are all that there are and were.
    ///
    /// # Errors
    /// [`UserRefused`].
    pub fn add(
        id: UserId,
        name: UserName,
        roles: Roles,
        password: PasswordHash,
        at: Timestamp,
        others: &[Self],
    ) -> Result<Self, UserRefused> {
        check_roles(roles)?;
        if others.iter().any(|other| other.name == name) {
            return Err(UserRefused::NameTaken(name));
        }
        Ok(Self {
            id,
            version: Version(1),
            name,
            roles,
            password,
            password_set_at: at,
            created_at: at,
            removed: None,
        })
    }

    /// The same user with other roles.
    ///
    /// # Errors
    /// [`UserRefused`].
    pub fn with_roles(&self, roles: Roles, all: &[Self]) -> Result<Self, UserRefused> {
        check_roles(roles)?;
        self.check_there()?;
        if !roles.has(Role::Admin) {
            self.check_not_last_admin(all)?;
        }
        Ok(Self {
            roles,
            ..self.changed()
        })
    }

    /// The same user with another password.
    ///
    /// # Errors
    /// When it was removed.
    pub fn with_password(&self, password: PasswordHash, at: Timestamp) -> Result<Self, UserRefused> {
        self.check_there()?;
        Ok(Self {
            password,
            password_set_at: at,
            ..self.changed()
        })
    }

    /// The same user, removed.
    ///
    /// # Errors
    /// When it is the last admin, or was removed before.
    pub fn taken_off(&self, removal: Removal, all: &[Self]) -> Result<Self, UserRefused> {
        self.check_there()?;
        self.check_not_last_admin(all)?;
        Ok(Self {
            removed: Some(removal),
            ..self.changed()
        })
    }

    /// Whether this user is there and an admin.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.removed.is_none() && self.roles.has(Role::Admin)
    }

    fn check_there(&self) -> Result<(), UserRefused> {
        match self.removed {
            None => Ok(()),
            Some(_) => Err(UserRefused::Removed(self.name.clone())),
        }
    }

    fn check_not_last_admin(&self, all: &[Self]) -> Result<(), UserRefused> {
        let another = all.iter().any(|user| user.id != self.id && user.is_admin());
        match self.is_admin() && !another {
            true => Err(UserRefused::LastAdmin(self.name.clone())),
            false => Ok(()),
        }
    }

    fn changed(&self) -> Self {
        Self {
            version: Version(self.version.0.saturating_add(1)),
            ..self.clone()
        }
    }
}

fn check_roles(roles: Roles) -> Result<(), UserRefused> {
    match (roles.is_empty(), roles.has(Role::BackupServer)) {
        (true, _) => Err(UserRefused::NoRole),
        (_, true) => Err(UserRefused::ServerRole),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_micros(1).unwrap()
    }

    fn user(n: u8, name: &str, role: Role, others: &[User]) -> Result<User, UserRefused> {
        let id = UserId::from_random_bytes([n; 16]);
        let hash = PasswordHash::new("$argon2id$");
        User::add(
            id,
            name.parse().unwrap(),
            [role].into_iter().collect(),
            hash,
            at(),
            others,
        )
    }

    #[test]
    fn there_is_always_an_admin() {
        let ada = user(1, "ada", Role::Admin, &[]).unwrap();
        let bob = user(2, "bob", Role::Auditor, std::slice::from_ref(&ada)).unwrap();
        let all = [ada.clone(), bob.clone()];
        let removal = || Removal {
            at: at(),
            reason: None,
        };
        let refused = Err(UserRefused::LastAdmin(ada.name.clone()));
        assert_eq!(ada.taken_off(removal(), &all), refused);
        assert_eq!(
            ada.with_roles([Role::Auditor].into_iter().collect(), &all),
            refused
        );
        let bob = bob.with_roles([Role::Admin].into_iter().collect(), &all).unwrap();
        assert_eq!(bob.version, Version(2));
        let all = [ada.clone(), bob];
        let gone = ada.taken_off(removal(), &all).unwrap();
        assert!(matches!(
            gone.with_password(PasswordHash::new("x"), at()),
            Err(UserRefused::Removed(_))
        ));
    }

    #[test]
    fn a_name_is_one_persons_for_good() {
        let ada = user(1, "ada", Role::Admin, &[]).unwrap();
        assert!(matches!(
            user(2, "ada", Role::Auditor, &[ada]),
            Err(UserRefused::NameTaken(_))
        ));
        assert_eq!(
            user(2, "srv", Role::BackupServer, &[]),
            Err(UserRefused::ServerRole)
        );
        for no_name in ["", "Ada", "a b", "ä", &"a".repeat(65)] {
            assert!(no_name.parse::<UserName>().is_err(), "{no_name}");
        }
    }

    #[test]
    fn a_password_that_would_be_guessed_is_refused() {
        let check = |text: &str| {
            let password = Passphrase::new(Zeroizing::new(text.as_bytes().to_vec()));
            password.check_for_user(&"ada.lovelace".parse().unwrap())
        };
        assert_eq!(check("short"), Err(WeakPassword::Short(5)));
        assert_eq!(check("Ada.Lovelace"), Err(WeakPassword::Guessable));
        assert_eq!(check("abababababababab"), Err(WeakPassword::Guessable));
        assert_eq!(check(&"ab c".repeat(257)), Err(WeakPassword::Long));
        assert_eq!(check("correct horse battery"), Ok(()));
    }
}
