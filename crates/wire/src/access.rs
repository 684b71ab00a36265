//! Who may use the API.

use keystead_domain::{Role, Roles, Token, User};
use serde::{Deserialize, Serialize};

use crate::SecretText;
use crate::servers::removal;

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeJson {
    /// What signed in.
    pub kind: MeKind,
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it may do.
    #[cfg_attr(feature = "openapi", schema(example = json!(["admin"])))]
    pub roles: Vec<String>,
    /// Whether it may export private keys.
    pub may_export: bool,
    /// When the session or token ends; `null` for a backup server.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub ends_at: Option<String>,
}

/// What signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MeKind {
    /// A person.
    User,
    /// A program.
    Token,
    /// An enrolled backup server.
    BackupServer,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionJson {
    /// Who signed in.
    pub user: UserJson,
    /// What changes have to bring in the header `X-CSRF-Token`.
    pub csrf_token: SecretText,
    /// When the session ends at the latest.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub ends_at: String,
}

/// The people who may sign in, and those who might.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsersJson {
    /// The users.
    pub users: Vec<UserJson>,
}

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserJson {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// What the person signs in as.
    #[cfg_attr(feature = "openapi", schema(example = "ada"))]
    pub name: String,
    /// What the person may do: `admin`, `recovery-officer`, `auditor`.
    #[cfg_attr(feature = "openapi", schema(example = json!(["recovery-officer"])))]
    pub roles: Vec<String>,
    /// When the user was added.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When the password was set.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub password_set_at: String,
    /// When the user was removed.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub removed_at: Option<String>,
    /// Why.
    pub removed_because: Option<String>,
}

/// The words for roles.
fn words(roles: Roles) -> Vec<String> {
    roles.iter().map(|role: Role| role.as_str().to_owned()).collect()
}

impl UsersJson {
    /// A list.
    #[must_use]
    pub fn new(users: &[User]) -> Self {
        Self {
            users: users.iter().map(UserJson::from).collect(),
        }
    }
}

impl From<&User> for UserJson {
    fn from(user: &User) -> Self {
        let (removed_at, removed_because) = removal(user.removed.as_ref());
        Self {
            id: user.id.to_string(),
            name: user.name.to_string(),
            roles: words(user.roles),
            created_at: user.created_at.to_string(),
            password_set_at: user.password_set_at.to_string(),
            removed_at,
            removed_because,
        }
    }
}

/// The tokens of programs, with those that ended or were revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokensJson {
    /// The tokens.
    pub tokens: Vec<TokenJson>,
}

/// What a program signs in with, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenJson {
    /// Its id.
    #[cfg_attr(feature = "openapi", schema(format = "uuid"))]
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may do: `admin`, `recovery-officer` or `auditor`.
    pub role: String,
    /// Whether it may export private keys.
    pub may_export: bool,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When it ends.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
    /// When it was revoked.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub revoked_at: Option<String>,
    /// Why.
    pub revoked_because: Option<String>,
}

/// A token that was made, with its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewTokenJson {
    /// Its secret. It is not told again.
    #[cfg_attr(feature = "openapi", schema(example = "keystead_…"))]
    pub token: SecretText,
    /// The rest.
    #[serde(flatten)]
    pub about: TokenJson,
}

impl TokensJson {
    /// A list.
    #[must_use]
    pub fn new(tokens: &[Token]) -> Self {
        Self {
            tokens: tokens.iter().map(TokenJson::from).collect(),
        }
    }
}

impl From<&Token> for TokenJson {
    fn from(token: &Token) -> Self {
        let (revoked_at, revoked_because) = removal(token.revoked.as_ref());
        Self {
            id: token.id.to_string(),
            name: token.name.to_string(),
            role: token.role.as_str().to_owned(),
            may_export: token.may_export,
            created_by: token.created_by.clone(),
            created_at: token.created_at.to_string(),
            expires_at: token.expires_at.to_string(),
            revoked_at,
            revoked_because,
        }
    }
}
