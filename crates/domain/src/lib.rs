//! The rules of Keystead: what a keyset is, how it lives, and what may be done with it.
//!
//! Architecture invariant: nothing in this crate waits, reads, writes, serialises or knows a database. It holds values
//! that cannot be constructed wrong and decisions that are functions of those values. Use cases bring the values
//! together; adapters carry them in and out.

mod access;
mod audit;
mod audit_chain;
mod backup;
mod content_digest;
mod export;
mod fingerprint;
mod hint;
mod ids;
mod installation;
mod job;
mod key_size;
pub mod keyset;
mod officer;
mod passphrase;
mod public_key;
mod recovery;
mod reference;
mod secret;
mod secret_room;
mod server;
mod signed_note;
mod ssh;
mod time;

pub use access::{
    Attempts, CODE_BYTES, Code, CodePurpose, CodeRefused, InvalidCredential, InvalidRole,
    InvalidTokenLifetime, InvalidUserName, MAX_TOKEN_LIFETIME, MIN_PASSWORD_CHARS, Operation, PasswordHash,
    Role, Roles, SECRET_BYTES, SERVER_CODE_LIFETIME, SETUP_CODE_LIFETIME, Session, SessionEnded,
    TOKEN_LIFETIME, Token, TokenRefused, TooManyAttempts, User, UserName, UserRefused, WeakPassword,
    code_digest, code_text, secret_digest, session_text, token_text,
};
pub use audit::{Action, Actor, ActorKind, AuditEvent, InvalidActor, Outcome, Sequence};
pub use audit_chain::{AuditHead, ChainHash, Checkpoint, InvalidChainHash, InvalidCheckpoint};
pub use backup::{
    ARGON2_MAX_LANES, ARGON2_MAX_MEMORY_KIB, ARGON2_MAX_PASSES, Argon2Cost, CostRefused, KeysetSlot,
    PasswordSlot, SealInfo,
};
pub use content_digest::{ContentDigest, InvalidDigest, Sha256Digest};
pub use export::{
    EXPORT_FORMAT_VERSION, ExportMetadata, Kdf, MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, PairingRefused,
    Protection, pair_by_fingerprint,
};
pub use fingerprint::{ExpectedFingerprint, Fingerprint, FingerprintPrefix, InvalidFingerprint};
pub use hint::{HINT_MAX_CHARS, Hint, InvalidText, PersonName, Reason, ServerName};
pub use ids::{
    FileId, InstallationId, InvalidId, JobId, KeysetId, OfficerId, RequestId, ServerId, TokenId, UserId,
};
pub use installation::{
    Installation, ManagerIdentity, MasterKeyId, OtherMasterKey, SealedBytes, keyset_sealing_context,
};
pub use job::{Job, JobFailure, JobState, JobWork, MAX_JOB_TRIES};
pub use key_size::{
    GenerateBits, InvalidKeySize, KeyBits, MAX_BITS, MAX_PUBLIC_EXPONENT, MIN_BITS, MIN_PRIME_BITS,
    MIN_PUBLIC_EXPONENT, check_public_exponent,
};
pub use keyset::{Keyset, State};
pub use officer::{Officer, OfficerRefused, SshPublicKey};
pub use passphrase::{GENERATED_PASSPHRASE_BYTES, MIN_PASSPHRASE_CHARS, WeakPassphrase, generate_passphrase};
pub use public_key::{PublicKey, RecipientTag};
pub use recovery::{
    APPROVAL_NAMESPACE, Approval, CLOCK_TOLERANCE, InvalidPolicy, InvalidRegister, MAX_APPROVALS,
    MAX_REQUEST_LIFETIME, MAX_REQUESTED_FILES, MAX_RESPONSE_LIFETIME, NotValidNow, Origin, Origins,
    Permission, REQUEST_LIFETIME, Recovery, RecoveryPolicy, RecoveryRefused, RecoveryRequest, RecoveryState,
    Register, RequestedFile, SignedRequest, Standing, Validity, approval_statement, check_enough,
    register_digest,
};
pub use reference::KeysetReference;
pub use secret::{FileKey, Passphrase, PrivateKey, SecretBytes};
pub use secret_room::make_room;
pub use server::{
    BackupServer, EnrolmentRefused, IdentityKeys, InvalidMessageKey, MessageKey, Removal, ServerIdentity,
};
pub use signed_note::{InvalidNote, NoteKey, SignedNote};
pub use ssh::{InvalidRecipient, Recipient, RsaPublicNumbers};
pub use time::{InvalidTimestamp, Timestamp};
