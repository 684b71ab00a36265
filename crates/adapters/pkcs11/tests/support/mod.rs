//! A SoftHSM token for one test, and the process of its own that the test needs for it: SoftHSM takes the place of its
//! tokens from the environment when it is initialised.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by several tests, of which each uses a part"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keystead_application::ports::{Randomness, RandomnessError};
use keystead_domain::Passphrase;
use keystead_pkcs11::{PinSource, Pkcs11MasterKeyProvider, Pkcs11Options};
use tempfile::TempDir;
use zeroize::Zeroizing;

pub const LABEL: &str = "keystead test";
pub const PIN: &str = "4711-geheim";
pub const SO_PIN: &str = "0815-officer";

const FOLDER: &str = "KEYSTEAD_PKCS11_TEST_FOLDER";
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// SoftHSM with its tokens in a folder.
pub struct SoftHsm {
    pub module: PathBuf,
    folder: PathBuf,
}

/// Runs a test with a new token. `test` is the name of the test that calls this.
pub fn with_softhsm(test: &str, body: impl FnOnce(SoftHsm)) {
    let module = MODULES.iter().map(PathBuf::from).find(|path| path.is_file());
    let (Some(module), true) = (module, have("softhsm2-util") && have("pkcs11-tool")) else {
        return missing(test);
    };
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = folder.into();
        return body(SoftHsm { module, folder });
    }
    let folder = TempDir::new().unwrap();
    let softhsm = SoftHsm {
        module,
        folder: folder.path().to_owned(),
    };
    softhsm.configure();
    softhsm.init_token(LABEL);
    let child = softhsm
        .command(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .args([test, "--exact", "--nocapture"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && shown.contains("1 passed"),
        "{shown}{}",
        String::from_utf8_lossy(&child.stderr)
    );
}

impl SoftHsm {
    fn configure(&self) {
        let tokens = self.folder.join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(self.configuration(), text).unwrap();
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("SOFTHSM2_CONF", self.configuration())
            .stdin(Stdio::null());
        command
    }

    pub fn init_token(&self, label: &str) {
        let made = self
            .command("softhsm2-util")
            .args(["--init-token", "--free", "--label", label])
            .args(["--pin", PIN, "--so-pin", SO_PIN])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// What a client that was not written by us does with the token.
    pub fn pkcs11_tool(&self, args: &[&str]) -> Output {
        self.command("pkcs11-tool")
            .arg("--module")
            .arg(&self.module)
            .args(["--token-label", LABEL])
            .args(args)
            .output()
            .unwrap()
    }

    /// The same, as the user; it has to succeed.
    pub fn as_user(&self, args: &[&str]) -> String {
        let login = [&["--login", "--pin", PIN], args].concat();
        let done = self.pkcs11_tool(&login);
        assert!(done.status.success(), "{args:?}: {done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    pub fn options(&self, pin: &Arc<Pin>) -> Pkcs11Options {
        Pkcs11Options {
            module: self.module.clone(),
            token_label: LABEL.to_owned(),
            key_label: "my key".to_owned(),
            pin: Arc::clone(pin) as _,
        }
    }

    pub fn provider(&self) -> Pkcs11MasterKeyProvider {
        provider(self.options(&Pin::right()))
    }
}

pub fn provider(options: Pkcs11Options) -> Pkcs11MasterKeyProvider {
    Pkcs11MasterKeyProvider::new(options, Arc::new(System))
}

/// Answers with these PINs, with the last one from then on, with none if there are none, and counts how often it is asked.
pub struct Pin {
    pins: &'static [&'static str],
    asked: AtomicUsize,
}

impl Pin {
    pub fn right() -> Arc<Self> {
        Self::of(&[PIN])
    }

    pub fn of(pins: &'static [&'static str]) -> Arc<Self> {
        Arc::new(Self {
            pins,
            asked: AtomicUsize::new(0),
        })
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl PinSource for Pin {
    async fn pin(&self, token_label: &str) -> Result<Passphrase, String> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::timeout(std::time::Duration::from_millis(1), std::future::pending::<()>())
            .await
            .unwrap_err();
        assert_eq!(token_label, LABEL);
        let last = self.pins.last().ok_or("nobody is there to ask")?;
        let pin = self.pins.get(asked).unwrap_or(last);
        Ok(Passphrase::new(Zeroizing::new(pin.as_bytes().to_vec())))
    }
}

/// Random bytes, because ids on a token must not meet again.
pub struct System;

impl Randomness for System {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let source = std::fs::File::open("/dev/urandom");
        source
            .and_then(|mut source| std::io::Read::read_exact(&mut source, buffer))
            .map_err(|e| RandomnessError(e.to_string()))
    }
}

fn have(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder: PathBuf| Path::new(&folder).join(program).is_file())
}

/// Where everything has to run (KEYSTEAD_TEST_ALL is set), nothing may be missing.
fn missing(test: &str) {
    assert!(
        std::env::var_os("KEYSTEAD_TEST_ALL").is_none(),
        "softhsm2-util, its module or pkcs11-tool is missing"
    );
    let note = format!("not run: {test}: softhsm2-util, its module or pkcs11-tool is missing\n");
    // Past the test harness, which would swallow it.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), note.as_bytes());
}
