use std::fs;
use std::path::PathBuf;

use crate::process::{Home, Running, free_port};
use crate::programs::{command, run};
use crate::{PASSWORD, USER, have};

/// rclone's SFTP server: another one than OpenSSH's, which takes a password and knows few extensions. Dropping it ends it
/// and removes its folder.
pub struct RcloneSftpServer {
    running: Option<Running>,
    home: Home,
    port: u16,
}

impl RcloneSftpServer {
    /// A server that is ready; `None` when the programs are missing. [`USER`] signs in with [`PASSWORD`].
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !have(&["rclone", "ssh-keygen"]) {
            return None;
        }
        let home = Home::new("nobody");
        fs::create_dir(home.path("share")).unwrap();
        home.give(&home.path("share"));
        let key = home.path("host_key");
        run(command("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key));
        home.give(&key);
        let mut server = Self {
            running: None,
            home,
            port: 0,
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

    /// The URL of the folder: the top of what this server shows.
    #[must_use]
    pub fn url(&self) -> String {
        format!("sftp://{USER}@127.0.0.1:{}/", self.port)
    }

    /// The folder that is given out, as this machine sees it.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.home.path("share")
    }

    /// Makes a folder below the one that is given out.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn make_folder(&self, name: &str) -> PathBuf {
        let folder = self.root().join(name);
        fs::create_dir(&folder).unwrap();
        self.home.give(&folder);
        folder
    }

    /// The fingerprint of its host key, as `ssh-keygen -l` prints it.
    ///
    /// # Panics
    /// When `ssh-keygen` fails.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let line = run(command("ssh-keygen").arg("-lf").arg(self.home.path("host_key")));
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    fn try_run(&mut self) -> Result<(), String> {
        let mut server = self.home.command("rclone");
        server.args(["serve", "sftp", "--config", "/dev/null", "--addr"]);
        server.arg(format!("127.0.0.1:{}", self.port));
        server.arg("--key").arg(self.home.path("host_key"));
        // What tests put there from outside is seen at once.
        server.args(["--dir-cache-time", "0", "--poll-interval", "0"]);
        server.arg(self.home.path("share"));
        server.env("RCLONE_USER", USER).env("RCLONE_PASS", PASSWORD);
        server
            .env("HOME", self.home.path(""))
            .env("XDG_CACHE_HOME", self.home.path("cache"));
        let port = self.port;
        let is_ready = move || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        self.running = Some(self.home.start(server, is_ready)?);
        Ok(())
    }
}

impl Drop for RcloneSftpServer {
    fn drop(&mut self) {
        self.home.order(None);
        self.running = None;
    }
}
