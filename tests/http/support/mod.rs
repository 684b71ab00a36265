//! Starts the real service, and speaks to it with curl.

#![allow(dead_code, unreachable_pub)] // Each test file uses a part of this.

#[path = "../../cli/support/mod.rs"]
pub mod cli;
pub mod plain;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

pub use cli::Machine;

pub const PASSWORD: &str = "an admin's long password";

/// A running service. Dropping it ends it.
pub struct Served {
    child: Child,
    /// Kept open, so that the service can print.
    _out: BufReader<ChildStdout>,
    pub url: String,
    /// Of its certificate.
    pub fingerprint: Option<String>,
    /// The one-time code for the first admin.
    pub code: Option<String>,
}

/// Somebody who makes requests.
#[derive(Clone)]
pub struct Client {
    pub url: String,
    certificate: Option<PathBuf>,
    pub token: Option<String>,
    /// Cookies and the CSRF token.
    session: Option<(PathBuf, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A machine with an installation that says where its master key is, as a service needs it.
pub fn manager() -> Machine {
    let mut machine = Machine::new();
    let key = machine.at("master.key");
    machine.set("KEYSTEAD__MASTER_KEY__FILE", &key);
    machine.set("KEYSTEAD__SERVE__LISTEN", "127.0.0.1:0");
    machine
}

/// The same, initialised with a small keyset.
pub fn initialised() -> Machine {
    let machine = manager();
    machine.ok(["init", "--bits", "2048", "--hint", "first"]);
    machine
}

impl Served {
    pub fn start(machine: &Machine) -> Self {
        Self::start_as(machine, &[])
    }

    /// With more in the environment.
    pub fn start_as(machine: &Machine, environment: &[(&str, &str)]) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(machine.path("service.log"))
            .unwrap();
        let mut child = machine
            .command(["serve"])
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (mut url, mut fingerprint, mut code) = (None, None, None);
        loop {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let log = std::fs::read_to_string(machine.path("service.log")).unwrap();
                panic!("the service did not start: {log}");
            }
            let line = line.trim();
            if let Some(at) = line.strip_prefix("keystead serves ") {
                url = Some(at.to_owned());
            } else if let Some(value) = line.strip_prefix("certificate: ") {
                fingerprint = Some(value.to_owned());
            } else if let Some((_, value)) = line.split_once("good for 24 hours: ") {
                code = Some(value.to_owned());
            } else if line == "ready" {
                break;
            }
        }
        Self {
            child,
            _out: out,
            url: url.unwrap(),
            fingerprint,
            code,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Tells it to stop, and gives its exit status.
    pub fn stop(mut self) -> i32 {
        self.signal(Signal::SIGTERM);
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Somebody who is not signed in.
    pub fn client(&self, machine: &Machine) -> Client {
        Client {
            url: self.url.clone(),
            certificate: Some(machine.path("data/tls/certificate.pem")).filter(|path| path.exists()),
            token: None,
            session: None,
        }
    }

    /// The first admin, signed in.
    pub fn admin(&self, machine: &Machine) -> Client {
        let client = self.client(machine);
        let code = self.code.as_ref().unwrap();
        let made = client.post(
            "/v1/setup",
            json!({"code": code, "name": "ada", "password": PASSWORD}),
        );
        assert_eq!(made.status, 201, "{made:?}");
        client.signed_in(machine, "ada", PASSWORD)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    /// The same service, for somebody with a token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            session: None,
            ..self.clone()
        }
    }

    pub fn nobody(&self) -> Self {
        Self {
            token: None,
            session: None,
            ..self.clone()
        }
    }

    /// Signs in with a password.
    pub fn signed_in(&self, machine: &Machine, name: &str, password: &str) -> Self {
        static JARS: AtomicU32 = AtomicU32::new(0);
        let jar = machine.path(&format!("cookies.{}", JARS.fetch_add(1, Ordering::Relaxed)));
        let fresh = Self {
            token: None,
            session: Some((jar.clone(), String::new())),
            ..self.clone()
        };
        let session = fresh.post("/v1/sessions", json!({"name": name, "password": password}));
        assert_eq!(session.status, 201, "{session:?}");
        let csrf = session.json()["csrf_token"].as_str().unwrap().to_owned();
        Self {
            session: Some((jar, csrf)),
            ..fresh
        }
    }

    /// The CSRF token of the session.
    pub fn csrf(&self) -> String {
        self.session.as_ref().unwrap().1.clone()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, &[])
    }

    pub fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(&body), &[])
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None, &[])
    }

    /// Makes a request with curl.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>, headers: &[&str]) -> Answer {
        let mut command = self.curl(path);
        command.args(["-X", method]);
        if let Some((_, csrf)) = self.session.as_ref().filter(|_| method != "GET") {
            command.args(["-H", &format!("X-CSRF-Token: {csrf}")]);
        }
        for header in headers {
            command.args(["-H", header]);
        }
        let body = body.map(Value::to_string);
        if body.is_some() {
            command.args(["-H", "Content-Type: application/json", "--data-binary", "@-"]);
        }
        finished(command, body.as_deref().unwrap_or_default().as_bytes())
    }

    /// curl with what everybody brings, and its answer with the headers.
    pub fn curl(&self, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["-sS", "-i", "--path-as-is", "--max-time", "120"]);
        if let Some(certificate) = &self.certificate {
            command.arg("--cacert").arg(certificate);
        }
        if let Some(token) = &self.token {
            command.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        if let Some((jar, _)) = &self.session {
            command.arg("-b").arg(jar).arg("-c").arg(jar);
        }
        command.arg(format!("{}{path}", self.url));
        command
    }

    /// Waits for a job, and gives it.
    pub fn job(&self, begun: &Answer) -> Value {
        assert_eq!(begun.status, 202, "{begun:?}");
        let location = begun.header("location").unwrap().to_owned();
        loop {
            let job = self.get(&format!("{location}?wait=25"));
            assert_eq!(job.status, 200, "{job:?}");
            let job = job.json();
            if !matches!(job["state"].as_str().unwrap(), "queued" | "running") {
                return job;
            }
        }
    }

    /// A token of a role, made by an admin.
    pub fn token(&self, role: &str) -> String {
        let made = self.post(
            "/v1/tokens",
            json!({"name": format!("a token of {role}"), "role": role}),
        );
        assert_eq!(made.status, 201, "{made:?}");
        made.json()["token"].as_str().unwrap().to_owned()
    }
}

/// Runs curl to its end.
pub fn finished(command: Command, body: &[u8]) -> Answer {
    heard(command, body).expect("there is an answer")
}

/// The same; `None` when the connection was cut before there was an answer.
pub fn heard(mut command: Command, body: &[u8]) -> Option<Answer> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = body.to_vec();
    // curl may answer without having read all of it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&body)));
    let (mut out, mut err) = (Vec::new(), String::new());
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    writer.join().unwrap();
    let _ = child.wait().unwrap();
    match out.is_empty() {
        true => {
            let note = format!("curl: {err}\n");
            let _ = std::io::stderr().write_all(note.as_bytes());
            None
        }
        false => Some(Answer::read(&out)),
    }
}

impl Answer {
    fn read(mut bytes: &[u8]) -> Self {
        loop {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            bytes = &bytes[end + 4..];
            let mut lines = head.lines();
            let status: u16 = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
            if status == 100 {
                continue;
            }
            let headers = lines.filter_map(|line| line.split_once(':'));
            let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
            return Self {
                status,
                headers: headers.collect(),
                body: bytes.to_vec(),
            };
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of the problem, which has to be one in every respect.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("urn:keystead:problem:{code}"));
        for word in ["title", "detail", "fix", "request_id"] {
            assert_ne!(problem[word].as_str().unwrap(), "", "{word}: {problem}");
        }
        code
    }

    /// An answer that has to have this status.
    pub fn ok(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{self:?} {}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }
}
