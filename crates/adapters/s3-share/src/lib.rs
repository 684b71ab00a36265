//! Buckets of S3 and of the servers that speak its protocol, as a file share: `s3://bucket/prefix`.
//!
//! An object appears whole or not at all, so there are no temporary files. Up to 8 MiB are sent in one request; more is
//! sent in parts of at least 8 MiB and at most a thousandth of the file, which become an object when the last one has
//! arrived.
//!
//! - What is not to be replaced is sent with `If-None-Match: *`. Servers that know the condition keep other writers away
//!   even at the same moment. The first file of a share that is sent so is sent twice: a server that takes it the second
//!   time does not know the condition, and that is said of all that follow. There, a look before the write is the next
//!   best. Of a file in parts it is believed that the server knows it, until it was found out otherwise.
//! - Each object carries the number of its write as metadata (`keystead-write`): when the answer to a write is lost, the
//!   object tells whether it was done.
//! - Parts of an upload that was cut off stay on the server, seen by nobody and paid for. When a writer is dropped they
//!   are removed; for what a killed process leaves, give the bucket a lifecycle rule `AbortIncompleteMultipartUpload`.
//! - There are no folders, only names with slashes in them.
//! - Who may read an object is decided by the policies of the bucket.
//! - To tell a missing object from a forbidden one, the access key needs `s3:ListBucket` beside `s3:GetObject`,
//!   `s3:PutObject`, `s3:DeleteObject` and `s3:AbortMultipartUpload`.
//! - Certificates are checked against those of the operating system, or of the setting `ca_file`. No redirect is
//!   followed. Proxies of the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) are used for `https:` endpoints on other
//!   machines, where all that they see is the name of the server.

mod error;
mod key;
mod provider;
mod refusal;
mod share;
mod transport;
mod writer;

pub use provider::S3ShareProvider;
pub use share::S3FileShare;
