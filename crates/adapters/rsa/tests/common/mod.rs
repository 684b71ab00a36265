//! What the tests of both engines share: the engines, the `openssl` command as an oracle, and keys to break.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "a module of tests has no public interface")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may stop at the first failure, and says when it is not run"
)]

pub mod keys;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use keystead_application::ports::{Randomness, RandomnessError};
use keystead_rsa::{AwsLcRsaEngine, PureRsaEngine};
use rand_core::TryRng;
use tempfile::TempDir;

pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        getrandom::SysRng
            .try_fill_bytes(buffer)
            .map_err(|e| RandomnessError(e.to_string()))
    }
}

pub struct NoRandomness;

impl Randomness for NoRandomness {
    fn fill(&self, _buffer: &mut [u8]) -> Result<(), RandomnessError> {
        Err(RandomnessError("none today".into()))
    }
}

pub fn aws_lc() -> AwsLcRsaEngine {
    AwsLcRsaEngine::new(Arc::new(OsRandomness))
}

pub fn pure() -> PureRsaEngine {
    PureRsaEngine::new(Arc::new(OsRandomness))
}

/// Runs each named test function on both engines.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod aws_lc {
            $(#[tokio::test] async fn $name() { super::$name(&super::common::aws_lc()).await })+
        }
        mod pure {
            $(#[tokio::test] async fn $name() { super::$name(&super::common::pure()).await })+
        }
    };
}

/// The `openssl` command with a folder of its own for files.
pub struct Openssl {
    folder: TempDir,
}

impl Openssl {
    /// `None` when there is no openssl; the test then says that it was not run.
    pub fn find() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            assert!(
                std::env::var_os("KEYSTEAD_TEST_ALL").is_none(),
                "openssl is missing, and KEYSTEAD_TEST_ALL asks for every test"
            );
            eprintln!("not run: openssl is missing");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        Some(Self { folder })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs openssl with these words as arguments; it has to succeed. Returns its standard output.
    pub fn run(&self, arguments: &str) -> Vec<u8> {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "openssl {arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// A new private key as DER PKCS#8, made by `openssl genpkey` with these options.
    pub fn genpkey(&self, options: &str) -> Vec<u8> {
        self.run(&format!("genpkey {options} -out key.pem"));
        self.run("pkcs8 -topk8 -nocrypt -in key.pem -outform DER")
    }
}
