//! WebDAV servers (RFC 4918) as a file share: `webdavs:` with TLS, `webdav:` without.
//!
//! A file is sent to a temporary name in the folder that it will stand in, and moved to its own name with the server's
//! word that nothing is replaced (`Overwrite: F`). RFC 4918 promises nobody that this happens in one step, that two
//! clients do not come in between, that anything reaches the medium, or who may read a file: most servers do it well, and
//! none can be asked. So nothing is promised here either.
//!
//! - Signing in is by user name and password (HTTP Basic), and only to the server of the address: no redirect is followed.
//! - Certificates are checked against those of the operating system, or of the setting `ca_file`.
//! - Without TLS, everything can be read on the way: `webdav:` is for this machine, unless `insecure` is `allow`.
//! - Proxies of the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) are used for `webdavs:` to other machines, where
//!   all that they see is the name of the server.
//! - WebDAV knows no symbolic links; whether one in the server's folder is followed is the server's setting.

mod client;
mod error;
mod multistatus;
mod provider;
mod share;
mod upload;
mod writer;

pub use provider::WebDavShareProvider;
pub use share::WebDavFileShare;
