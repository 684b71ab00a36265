use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::process::{Home, Running, free_port};
use crate::programs::{command, python, run};
use crate::{Certificates, have};

/// How a server runs.
#[derive(Clone, Copy, Default)]
pub struct S3Settings<'a> {
    /// With TLS.
    pub certificates: Option<&'a Certificates>,
}

/// An S3 server, moto, that knows three users and checks their signatures. What it holds is in its memory. Dropping it
/// ends it.
pub struct S3Server {
    running: Option<Running>,
    home: Home,
    port: u16,
    with_tls: bool,
}

/// The server with its users. Each bucket that is named in the arguments is there when it is ready.
const PROGRAM: &str = r#"
import json, sys, threading
import moto.server
from moto import settings
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
port, certificate, key, *buckets = sys.argv[1:]
iam, s3 = iam_backends["123456789012"]["aws"], s3_backends["123456789012"]["aws"]
def user(name, access_key_id, secret, actions):
    iam.create_user("us-east-1", name)
    access_key = iam.create_access_key(name)
    iam.access_keys.pop(access_key.access_key_id)
    access_key.access_key_id, access_key.secret_access_key = access_key_id, secret
    iam.access_keys[access_key_id] = access_key
    statement = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    iam.put_user_policy(name, "s3", json.dumps({"Version": "2012-10-17", "Statement": statement}))
user("writer", "AKIAKEYSTEADWRITER00", "quiet-river-27", ["s3:*"])
user("reader", "AKIAKEYSTEADREADER00", "quiet-river-27", ["s3:GetObject", "s3:ListBucket"])
user("nobody", "AKIAKEYSTEADNOBODY00", "quiet-river-27", ["ec2:DescribeRegions"])
for bucket in buckets:
    s3.create_bucket(bucket, "us-east-1")
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
tls = ["-c", certificate, "-k", key] if certificate else []
# It looks for an object and stores another one without a lock; S3 does that in one step.
lock, serve = threading.Lock(), moto.server.run_simple
def serve_one_by_one(host, port, app, **more):
    def one_by_one(environ, start_response):
        with lock:
            return app(environ, start_response)
    serve(host, port, one_by_one, **more)
moto.server.run_simple = serve_one_by_one
moto.server.main(["-H", "127.0.0.1", "-p", port, *tls])
"#;

impl S3Server {
    /// The bucket that there is.
    pub const BUCKET: &'static str = "escrow";
    /// The access key id of a user that may do everything with buckets and objects.
    pub const ACCESS_KEY_ID: &'static str = "AKIAKEYSTEADWRITER00";
    /// The access key id of a user that may only read and list.
    pub const READERS_ACCESS_KEY_ID: &'static str = "AKIAKEYSTEADREADER00";
    /// The access key id of a user that may do nothing there.
    pub const NOBODYS_ACCESS_KEY_ID: &'static str = "AKIAKEYSTEADNOBODY00";
    /// The secret of each.
    pub const SECRET: &'static str = crate::PASSWORD;

    /// A server that is ready; `None` when the program is missing.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start(settings: S3Settings<'_>) -> Option<Self> {
        if !have(&[&python()]) {
            return None;
        }
        let home = Home::new("www-data");
        if let Some(certificates) = settings.certificates {
            home.write("server.pem", &certificates.server_certificate());
            home.write("server.key", &certificates.server_key());
        }
        home.write("server.py", PROGRAM.as_bytes());
        let mut server = Self {
            running: None,
            home,
            port: 0,
            with_tls: settings.certificates.is_some(),
        };
        // Somebody else may take the port in between.
        let mut tried = Ok(());
        for _ in 0..3 {
            server.port = free_port();
            tried = server.try_run();
            if tried.is_ok() {
                break;
            }
        }
        tried.unwrap();
        Some(server)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the bucket.
    #[must_use]
    pub fn url(&self) -> String {
        format!("s3://{}", Self::BUCKET)
    }

    /// What the setting `endpoint` of a share has to be.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let scheme = if self.with_tls { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Runs `s3cmd` as the user who may do everything, and gives what it prints; without TLS alone.
    ///
    /// # Panics
    /// When it fails.
    pub fn s3cmd(&self, args: &[&str]) -> String {
        let mut s3cmd = command("s3cmd");
        s3cmd
            .arg("--config=/dev/null")
            .arg("--no-ssl")
            .arg("--no-progress");
        s3cmd.arg(format!("--access_key={}", Self::ACCESS_KEY_ID));
        s3cmd.arg(format!("--secret_key={}", Self::SECRET));
        let host = format!("127.0.0.1:{}", self.port);
        s3cmd
            .arg(format!("--host={host}"))
            .arg(format!("--host-bucket={host}"));
        run(s3cmd
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.home.path("")))
    }

    /// A file that another program may use.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    /// Ends the server at once, as a crash does. What it held is gone.
    pub fn stop(&mut self) {
        self.home.order(None);
        self.running = None;
    }

    /// Starts it again on the same port, with an empty bucket, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.try_run().unwrap();
    }

    fn try_run(&mut self) -> Result<(), String> {
        let file = |name: &str| match self.with_tls {
            true => self.home.path(name),
            false => PathBuf::new(),
        };
        // Its user could not read a program in somebody's home.
        let mut moto: Command = command(&python());
        moto.arg(self.home.path("server.py")).arg(self.port.to_string());
        moto.arg(file("server.pem"))
            .arg(file("server.key"))
            .arg(Self::BUCKET);
        moto.current_dir(self.home.path("")).stdin(Stdio::null());
        let port = self.port;
        let is_ready = move || TcpStream::connect(("127.0.0.1", port)).is_ok();
        self.running = Some(self.home.start(moto, is_ready)?);
        Ok(())
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop();
    }
}
