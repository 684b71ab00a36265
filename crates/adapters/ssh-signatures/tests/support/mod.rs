//! What these tests share: OpenSSH's own tools, and signatures put together by hand.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use tempfile::TempDir;

pub(crate) const NAMESPACE: &str = "keystead-test";

/// `ssh-keygen` with a folder of its own, and an agent when there is one.
pub(crate) struct OpenSsh {
    folder: TempDir,
    agent: Option<Child>,
}

impl OpenSsh {
    /// `None` when a program is missing; the test then says that it was not run.
    pub(crate) fn find(programs: &[&str]) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let missing = programs
            .iter()
            .find(|program| !std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
        if let Some(missing) = missing {
            assert!(
                std::env::var_os("KEYSTEAD_TEST_ALL").is_none(),
                "{missing} is missing, and KEYSTEAD_TEST_ALL asks for every test"
            );
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "not run: {missing} is missing");
            return None;
        }
        Some(Self {
            folder: TempDir::new().unwrap(),
            agent: None,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a key, and returns the line of its `.pub` file.
    pub(crate) fn make_key(&self, name: &str, kind: &[&str]) -> String {
        let file = self.path(name);
        let file = file.to_str().unwrap();
        self.run(
            "ssh-keygen",
            &[kind, &["-q", "-N", "", "-C", "ada@example.org", "-f", file]].concat(),
        );
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    pub(crate) fn sign(&self, key: &str, message: &[u8], options: &[&str]) -> String {
        fs::write(self.path("message"), message).unwrap();
        let key = self.path(key);
        let sign = [
            "-Y",
            "sign",
            "-n",
            NAMESPACE,
            "-f",
            key.to_str().unwrap(),
            "message",
        ];
        self.run("ssh-keygen", &[options, &sign].concat());
        let armored = fs::read_to_string(self.path("message.sig")).unwrap();
        fs::remove_file(self.path("message.sig")).unwrap();
        armored
    }

    /// Whether `ssh-keygen -Y verify` accepts a signature.
    pub(crate) fn accepts(&self, public_key: &str, message: &[u8], armored: &str) -> bool {
        fs::write(self.path("allowed"), format!("ada {public_key}")).unwrap();
        fs::write(self.path("signature"), armored).unwrap();
        let verify = [
            "-Y",
            "verify",
            "-n",
            NAMESPACE,
            "-f",
            "allowed",
            "-I",
            "ada",
            "-s",
            "signature",
        ];
        let mut child = self
            .command("ssh-keygen")
            .args(verify)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // It may refuse before it has read all of the message.
        let _ = child.stdin.take().unwrap().write_all(message);
        child.wait().unwrap().success()
    }

    pub(crate) fn start_agent(&mut self) {
        let mut agent = self
            .command("ssh-agent")
            .args(["-D", "-a"])
            .arg(self.path("agent"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(agent.stdout.take().unwrap());
        self.agent = Some(agent);
        said.read_line(&mut String::new()).unwrap();
    }

    /// Moves a private key into the agent; its file is gone afterwards.
    pub(crate) fn move_into_agent(&self, key: &str) {
        self.run("ssh-add", &["-q", self.path(key).to_str().unwrap()]);
        fs::remove_file(self.path(key)).unwrap();
    }

    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = self.command(program).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        output.stdout
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env("SSH_AUTH_SOCK", self.path("agent"));
        command
    }
}

impl Drop for OpenSsh {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
    }
}

/// Strings in wire format.
pub(crate) fn strings(strings: &[&[u8]]) -> Vec<u8> {
    let with_len = |string: &&[u8]| [&(string.len() as u32).to_be_bytes(), *string].concat();
    strings.iter().flat_map(with_len).collect()
}

/// The parts of a signature, to be put together right or wrong.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) version: u32,
    pub(crate) public_key: Vec<u8>,
    pub(crate) namespace: Vec<u8>,
    pub(crate) reserved: Vec<u8>,
    pub(crate) hash: &'static str,
    /// The kind and the bytes of the signature itself.
    pub(crate) signature: Vec<u8>,
}

impl Parts {
    pub(crate) fn new(public_key: Vec<u8>) -> Self {
        Self {
            version: 1,
            public_key,
            namespace: NAMESPACE.into(),
            reserved: Vec::new(),
            hash: "sha512",
            signature: Vec::new(),
        }
    }

    /// What is signed.
    pub(crate) fn signed(&self, message: &[u8]) -> Vec<u8> {
        let hash = match self.hash {
            "sha256" => digest(&SHA256, message),
            _ => digest(&SHA512, message),
        };
        let inner = strings(&[
            &self.namespace,
            &self.reserved,
            self.hash.as_bytes(),
            hash.as_ref(),
        ]);
        [b"SSHSIG", inner.as_slice()].concat()
    }

    /// The whole.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let inner = strings(&[
            &self.public_key,
            &self.namespace,
            &self.reserved,
            self.hash.as_bytes(),
            &self.signature,
        ]);
        [b"SSHSIG", self.version.to_be_bytes().as_slice(), &inner].concat()
    }

    pub(crate) fn armored(&self) -> String {
        armored(&self.bytes())
    }
}

pub(crate) fn armored(signature: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(signature);
    let lines: Vec<_> = text.as_bytes().chunks(70).map(String::from_utf8_lossy).collect();
    format!(
        "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n",
        lines.join("\n")
    )
}
