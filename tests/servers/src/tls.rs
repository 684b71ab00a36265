use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::have;
use crate::programs::{command, run};

/// A certificate authority and a certificate of a server, made by `openssl`.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// A new authority, and the certificate of a server that is called `name`; `None` when `openssl` is missing.
    ///
    /// # Panics
    /// When `openssl` fails, or is missing where everything has to run.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        if !have(&["openssl"]) {
            return None;
        }
        let folder = TempDir::new().unwrap();
        let openssl = |line: &str| {
            let mut openssl = command("openssl");
            run(openssl.args(line.split_whitespace()).current_dir(&folder));
        };
        let kind = if name.parse::<std::net::IpAddr>().is_ok() {
            "IP"
        } else {
            "DNS"
        };
        let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc";
        openssl(&format!(
            "req -x509 {new_key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority"
        ));
        openssl(&format!(
            "req {new_key} -keyout server.key -out server.csr -subj /CN=test-server \
             -addext subjectAltName={kind}:{name}"
        ));
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 \
             -copy_extensions copy",
        );
        Some(Self { folder })
    }

    /// The certificate of the authority.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    pub(crate) fn server_certificate(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("server.pem")).unwrap()
    }

    pub(crate) fn server_key(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("server.key")).unwrap()
    }
}
