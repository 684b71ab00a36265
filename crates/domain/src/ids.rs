use std::fmt;
use std::str::FromStr;

use uuid::{Builder, Uuid};

/// A text that is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an id (expected a UUID such as 6f1c2d3e-…)")]
pub struct InvalidId(String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a random (version 4) identifier of 16 bytes from the randomness port.
            #[must_use]
            pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
                Self(Builder::from_random_bytes(bytes).into_uuid())
            }

            /// The identifier with these bytes, in network order.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The 16 bytes, in network order.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the one spelling that we print: a second spelling of an id is a second name for one thing.
                match Uuid::try_parse(text) {
                    Ok(uuid) if text.len() == 36 => Ok(Self(uuid)),
                    _ => Err(InvalidId(text.chars().take(64).collect())),
                }
            }
        }
    };
}

id! {
    /// Names a keyset within one installation. An import gives a new one.
    KeysetId
}
id! {
    /// Names one installation of the manager.
    InstallationId
}
id! {
    /// Names one sealed file; it is written into the file's header.
    FileId
}
id! {
    /// Names one backup server for good, whatever identity it has. It is written into the headers of what the server seals.
    ServerId
}
id! {
    /// Names one officer within one installation.
    OfficerId
}
id! {
    /// Names one recovery request. The backup server makes it.
    RequestId
}
id! {
    /// Names one person who may sign in.
    UserId
}
id! {
    /// Names one token.
    TokenId
}
id! {
    /// Names one piece of long work.
    JobId
}
