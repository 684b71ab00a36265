//! The roles that adapters play.

mod clock;
mod export_codec;
mod file_share;
mod file_shares;
mod master_key;
mod message_cipher;
mod password_hasher;
mod randomness;
mod rsa_engine;
mod schema;
mod sealed_format;
mod server_folder;
mod share_address;
mod share_error;
mod share_location;
mod share_path;
mod signing;
mod ssh_signatures;
mod store;
mod temporaries;
mod whole_files;

pub use clock::Clock;
pub use export_codec::{
    DecodedFile, EncodePlan, ExportCodec, ExportCodecError, MetadataBlock, PrivateBlock, Protect,
    PublicBlock, SignedMetadata,
};
pub use file_share::{EntryKind, FileShare, Replace, ShareCapabilities, ShareWriter, WriteReceipt};
pub use file_shares::{ConfiguredShare, FileShares, ShareSecrets};
pub use master_key::{MasterKey, MasterKeyError, MasterKeyProvider, MasterKeyProviders, Promotion};
pub use message_cipher::{MessageCipher, MessageCipherError, MessageKeyPair};
pub use password_hasher::{PasswordHasher, PasswordHasherError};
pub use randomness::{Randomness, RandomnessError, RandomnessExt};
pub use rsa_engine::{EncodedPrivateKey, EncodedPublicKey, KeyPair, LoadedKey, RsaEngine, RsaError};
pub use schema::{Schema, SchemaStatus, StoreProvider};
pub use sealed_format::{
    HeaderPlan, ParsedHeader, PayloadStream, SealedFormat, SealedFormatError, SealedHeader,
};
pub use server_folder::{
    DocumentName, FolderError, FolderErrorKind, FolderLock, InvalidDocumentName, ServerFolder,
};
pub use share_address::{ShareAddress, harmless_location};
pub use share_error::{ShareError, ShareErrorKind};
pub use share_location::{LocatedShare, Location, ShareAccess, SharePatience, ShareProvider, ShareSetting};
pub use share_path::SharePath;
pub use signing::{SigningEngine, SigningError, SigningKeyPair};
pub use ssh_signatures::{SshSignatureError, SshSignatures};
pub use store::{
    DamagedKeyset, KeyCount, KeysetCursor, KeysetPage, MAX_RECORD_DOCUMENT, MAX_RECORD_KEY, MasterKeyCensus,
    Record, RecordKind, RecordReads, RecordWrites, RecoveryCursor, RecoveryDocument, RecoveryReads,
    RecoveryWrites, Snapshot, Store, StoreError, StoreErrorKind, UnitOfWork, UnstagedKey,
};
pub use temporaries::{Processes, Temporaries, is_temporary_name};
pub use whole_files::{WholeFileShare, WholeFiles};

#[cfg(any(test, feature = "mocks"))]
pub use store::{MockStore, MockUnitOfWork};
