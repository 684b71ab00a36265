use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{Home, Running, free_port};
use crate::programs::{command, python};
use crate::{Certificates, PASSWORD, USER, have};

/// Who wrote the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WebDavSoftware {
    /// `rclone serve webdav`, on the WebDAV package of Go.
    #[default]
    Rclone,
    /// WsgiDAV, in Python.
    WsgiDav,
}

/// How a server runs.
#[derive(Clone, Copy, Default)]
pub struct WebDavSettings<'a> {
    /// Which one.
    pub software: WebDavSoftware,
    /// With TLS, by rclone alone.
    pub certificates: Option<&'a Certificates>,
    /// The size of a file system of its own that the folder is on, in bytes.
    pub room: Option<u64>,
    /// Nothing can be written there.
    pub read_only: bool,
}

/// A WebDAV server with one user, [`USER`](crate::USER) with [`PASSWORD`](crate::PASSWORD). Dropping it ends it and
/// removes its data.
pub struct WebDavServer {
    running: Option<Running>,
    home: Home,
    port: u16,
    software: WebDavSoftware,
    with_tls: bool,
    room: Option<u64>,
    read_only: bool,
}

impl WebDavServer {
    /// A server that is ready; `None` when the program is missing.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start(settings: WebDavSettings<'_>) -> Option<Self> {
        let program = match settings.software {
            WebDavSoftware::Rclone => "rclone".to_owned(),
            WebDavSoftware::WsgiDav => python(),
        };
        if !have(&[&program]) || (settings.room.is_some() && !can_mount()) {
            return None;
        }
        let home = Home::new("www-data");
        if let Some(certificates) = settings.certificates {
            home.write("server.pem", &certificates.server_certificate());
            home.write("server.key", &certificates.server_key());
        }
        let mut server = Self {
            running: None,
            home,
            port: 0,
            software: settings.software,
            with_tls: settings.certificates.is_some(),
            room: settings.room,
            read_only: settings.read_only,
        };
        let root = server.home.path("root");
        fs::create_dir(&root).unwrap();
        server.home.give(&root);
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

    /// The URL of its top, without credentials.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.with_tls { "webdavs" } else { "webdav" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The folder that it serves, as seen from outside.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        let root = self.home.path("root");
        match (&self.running, self.room) {
            // The file system of its own is there for the server alone.
            (Some(running), Some(_)) => {
                let namespace = Path::new("/proc").join(running.id().to_string()).join("root");
                namespace.join(root.strip_prefix("/").unwrap_or(&root))
            }
            _ => root,
        }
    }

    /// Makes a folder in the top.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn make_folder(&self, name: &str) {
        let folder = self.root().join(name);
        fs::create_dir_all(&folder).unwrap();
        self.home.give(&folder);
    }

    /// Ends the server at once, as a crash does.
    pub fn stop(&mut self) {
        self.home.order(None);
        self.running = None;
    }

    /// Starts it again on the same port, and waits until it is ready. A file system of its own begins empty.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.try_run().unwrap();
    }

    fn try_run(&mut self) -> Result<(), String> {
        let mut server = match self.software {
            WebDavSoftware::Rclone => self.rclone(),
            WebDavSoftware::WsgiDav => self.wsgidav(),
        };
        if let Some(room) = self.room {
            server = on_small_disk(&server, &self.home.path("root"), room);
        }
        let port = self.port;
        let is_ready = move || TcpStream::connect(("127.0.0.1", port)).is_ok();
        self.running = Some(self.home.start(server, is_ready)?);
        Ok(())
    }

    fn rclone(&self) -> Command {
        let mut rclone = self.home.command("rclone");
        rclone.args(["serve", "webdav", "--config", ""]);
        rclone.arg("--cache-dir").arg(self.home.path("cache"));
        // What is changed past the server shows at once.
        rclone.args([
            "--vfs-cache-mode",
            "off",
            "--dir-cache-time",
            "0s",
            "--poll-interval",
            "0",
        ]);
        rclone.args(["--user", USER, "--pass", PASSWORD]);
        rclone.arg("--addr").arg(format!("127.0.0.1:{}", self.port));
        if self.with_tls {
            rclone.arg("--cert").arg(self.home.path("server.pem"));
            rclone.arg("--key").arg(self.home.path("server.key"));
        }
        if self.read_only {
            rclone.arg("--read-only");
        }
        rclone.arg(self.home.path("root"));
        rclone
    }

    fn wsgidav(&self) -> Command {
        let configuration = format!(
            "host: 127.0.0.1\n\
             port: {}\n\
             provider_mapping: {{\"/\": {{root: {:?}, readonly: {}}}}}\n\
             simple_dc: {{user_mapping: {{\"*\": {{\"{USER}\": {{password: \"{PASSWORD}\"}}}}}}}}\n\
             http_authenticator: {{accept_basic: true, accept_digest: false, default_to_digest: false}}\n",
            self.port,
            self.home.path("root"),
            self.read_only,
        );
        let configuration = self.home.write("wsgidav.yaml", configuration.as_bytes());
        // Its user could not read a program in somebody's home.
        let mut wsgidav = command(&python());
        wsgidav
            .args(["-m", "wsgidav.server.server_cli", "-c"])
            .arg(configuration);
        wsgidav.current_dir(self.home.path("")).stdin(Stdio::null());
        wsgidav
    }
}

impl Drop for WebDavServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether a file system can be mounted for one process. Where that is missing, it is as with a program.
fn can_mount() -> bool {
    have(&["unshare"])
        && match unshare()
            .arg("true")
            .status()
            .is_ok_and(|status| status.success())
        {
            true => true,
            false => have(&["unshare that may mount a file system"]),
        }
}

fn unshare() -> Command {
    let mut unshare = command("unshare");
    unshare.arg("--mount").stdout(Stdio::null()).stderr(Stdio::null());
    if !rustix::process::geteuid().is_root() {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare
}

/// The same command, with a small and empty file system of its own at a folder.
fn on_small_disk(server: &Command, at: &Path, bytes: u64) -> Command {
    const MOUNT: &str = "mount -t tmpfs -o size=\"$0\",mode=1777 tmpfs \"$1\" && shift && exec \"$@\"";
    let mut whole = unshare();
    whole.args(["--", "sh", "-c", MOUNT, &bytes.to_string()]).arg(at);
    whole.arg(server.get_program()).args(server.get_args());
    if let Some(folder) = server.get_current_dir() {
        whole.current_dir(folder);
    }
    whole.stdin(Stdio::null());
    whole
}
