//! Who may do what over the network: roles, accounts and what proves them.

mod attempts;
mod code;
mod operation;
mod secret_text;
mod session;
mod token;
mod user;

pub use attempts::{Attempts, TooManyAttempts};
pub use code::{Code, CodePurpose, CodeRefused, SERVER_CODE_LIFETIME, SETUP_CODE_LIFETIME};
pub use operation::{InvalidRole, Operation, Role, Roles};
pub use secret_text::{
    CODE_BYTES, InvalidCredential, SECRET_BYTES, code_digest, code_text, secret_digest, session_text,
    token_text,
};
pub use session::{Session, SessionEnded};
pub use token::{InvalidTokenLifetime, MAX_TOKEN_LIFETIME, TOKEN_LIFETIME, Token, TokenRefused};
pub use user::{
    InvalidUserName, MIN_PASSWORD_CHARS, PasswordHash, User, UserName, UserRefused, WeakPassword,
};
