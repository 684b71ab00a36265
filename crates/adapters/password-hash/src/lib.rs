//! People's passwords, hashed with Argon2id (RFC 9106).
//!
//! A hash is a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$salt$output`, which every other implementation of Argon2 reads:
//! 19 MiB, two passes, one lane (the least that OWASP's password storage cheat sheet recommends), 16 bytes of salt and 32
//! bytes of output. A stored hash may have other parameters, up to 256 MiB, 16 passes and 4 lanes.
//!
//! At most two passwords are hashed at a time, on blocking threads; others wait. So signing in never takes more than two
//! processors and twice the memory of one hashing, however many try at once. Who may try how often is decided elsewhere.

mod argon;
mod hasher;

pub use hasher::Argon2PasswordHasher;
