//! Buckets of S3 and of the servers that speak its protocol, as a file share: `s3://bucket/prefix`.
//!
//! An object appears whole or not at all, so that files need no temporary ones. Up to 8 MiB are sent in one request; more
//! is sent in parts of 8 MiB to 512 MiB, which become an object when the last one has arrived. They grow with the file, as
//! S3 takes 10,000 of them: up to 12 GiB they are of 8 MiB, at 100 GB of 70 MB, from 768 GiB on of 512 MiB, and the largest
//! file has about 2 TB. Two of them are in memory.
//!
//! - What is not to be replaced is sent with `If-None-Match: *`. Servers that know the condition keep other writers away
//!   even at the same moment. AWS does. Of any other server it is found out before the first file: an object with a
//!   temporary name is stored in the same folder, stored once more with the condition, and removed. A server that takes it
//!   the second time does not know the condition; there, a look before the write is the next best. Before the first file
//!   in parts the same is done with an upload of 5 MiB. What is not found out is not promised. Where nothing may be
//!   removed, the object with the temporary name stays.
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

mod conditions;
mod error;
mod key;
mod part;
mod provider;
mod refusal;
mod share;
mod transport;
mod writer;

pub use provider::S3ShareProvider;
pub use share::S3FileShare;
