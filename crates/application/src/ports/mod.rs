//! The roles that adapters play.

mod clock;
mod export_codec;
mod file_share;
mod master_key;
mod randomness;
mod rsa_engine;
mod schema;
mod sealed_format;
mod signing;
mod store;

pub use clock::Clock;
pub use export_codec::{
    DecodedFile, EncodePlan, ExportCodec, ExportCodecError, MetadataBlock, PrivateBlock, Protect,
    PublicBlock, SignedMetadata,
};
pub use file_share::{
    EntryKind, FileShare, FileShares, LocatedShare, Location, Replace, ShareCapabilities, ShareError,
    ShareErrorKind, SharePath, ShareProvider, ShareWriter, WriteReceipt,
};
pub use master_key::{MasterKey, MasterKeyError, MasterKeyProvider, MasterKeyProviders, Promotion};
pub use randomness::{Randomness, RandomnessError, RandomnessExt};
pub use rsa_engine::{EncodedPrivateKey, EncodedPublicKey, KeyPair, LoadedKey, RsaEngine, RsaError};
pub use schema::{Schema, SchemaStatus, StoreProvider};
pub use sealed_format::{
    HeaderPlan, ParsedHeader, PayloadStream, SealedFormat, SealedFormatError, SealedHeader,
};
pub use signing::{SigningEngine, SigningError, SigningKeyPair};
pub use store::{
    DamagedKeyset, KeyCount, KeysetCursor, KeysetPage, MasterKeyCensus, Snapshot, Store, StoreError,
    StoreErrorKind, UnitOfWork, UnstagedKey,
};

#[cfg(any(test, feature = "mocks"))]
pub use store::{MockStore, MockUnitOfWork};
