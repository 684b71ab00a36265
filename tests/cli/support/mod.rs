//! Drives the real binary as a user would, each test with an installation of its own in a temporary folder.

#![allow(dead_code, unreachable_pub)] // Each test file uses a part of this.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use serde_json::Value;

pub mod corpus;
pub mod recovery;
pub mod servers;
pub mod shares;
pub mod story;
pub mod tools;

/// A machine: a home folder with a data folder in it. Several can be made; they know nothing of each other.
pub struct Machine {
    home: Arc<tempfile::TempDir>,
    environment: Vec<(String, String)>,
}

/// What a finished command left.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub out: String,
    pub err: String,
}

pub const PASSPHRASE: &str = "correct horse battery staple";

impl Machine {
    /// An empty machine.
    pub fn new() -> Self {
        let home = tempfile::Builder::new()
            .prefix("keystead-test-")
            .tempdir()
            .unwrap();
        fs::write(home.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        fs::write(home.path().join("password"), "backup password\n").unwrap();
        Self {
            home: Arc::new(home),
            environment: Vec::new(),
        }
    }

    /// The same machine, for another thread.
    pub fn again(&self) -> Self {
        Self {
            home: Arc::clone(&self.home),
            environment: self.environment.clone(),
        }
    }

    /// Sets an environment variable for every command from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// What is in the environment of every command beside the usual.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// A machine with an installation whose Active keyset is small, because most tests need it soon.
    pub fn initialised() -> Self {
        let machine = Self::new();
        machine.ok(["init", "--bits", "2048", "--hint", "first"]);
        machine
    }

    /// A path in the home folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The same as text, for arguments.
    pub fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    /// The command, with an environment in which nothing of the developer's own is left.
    pub fn command<I, S>(&self, args: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keystead"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("KEYSTEAD_DATA_DIR", self.data_dir())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run<I, S>(&self, args: I) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        ran(self.command(args).output().unwrap())
    }

    /// Runs a command that has to succeed, and gives its standard output.
    pub fn ok<I, S>(&self, args: I) -> String
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let ran = self.run(args);
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
        ran.out
    }

    /// Runs a command that has to end with this status, and gives what it said.
    pub fn refused<I, S>(&self, status: i32, args: I) -> String
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let ran = self.run(args);
        assert_eq!(ran.status, status, "{}{}", ran.out, ran.err);
        for line in ["error: ", "  why: ", "  fix: "] {
            assert!(ran.err.contains(line), "no \"{line}\" in: {}", ran.err);
        }
        ran.err
    }

    /// Runs a command with bytes on its standard input.
    pub fn piped<I, S>(&self, args: I, input: &[u8]) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // A thread of its own, or both sides could wait for each other. The child may stop reading early.
        let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        ran(output)
    }

    /// The JSON that a command prints.
    pub fn json<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Value {
        let out = self.ok(args.into_iter().chain(["--output", "json"]));
        serde_json::from_str(&out).unwrap()
    }

    /// Every keyset, as JSON.
    pub fn keysets(&self) -> Vec<Value> {
        self.json(["keyset", "list"])["keysets"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// The keyset that is Active, as JSON.
    pub fn active(&self) -> Value {
        self.json(["keyset", "show", "active"])
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.at(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Exports the Active keyset without protection, and gives the path.
    pub fn export_plain(&self, name: &str) -> String {
        self.ok([
            "keyset",
            "export",
            "active",
            "--to",
            &self.at(name),
            "--unprotected",
        ]);
        self.at(name)
    }

    /// Exports the Active keyset with [`PASSPHRASE`], and gives the path.
    pub fn export_protected(&self, name: &str) -> String {
        let file = self.at("passphrase");
        self.ok([
            "keyset",
            "export",
            "active",
            "--to",
            &self.at(name),
            "--passphrase-file",
            &file,
        ]);
        self.at(name)
    }
}

pub fn ran(output: Output) -> Ran {
    Ran {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        stdout: output.stdout,
    }
}

/// A content that no accident makes: different at every place, and as long as it should be.
pub fn content(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key} in {value}"))
}
