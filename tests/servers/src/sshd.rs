use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::process::{Home, Running, free_port};
use crate::programs::{command, find, run};
use crate::{PASSWORD, have};

/// How much fits on [`SshServer::small`].
const SMALL: &str = "256k";

/// The kinds of host key that the server has.
const HOST_KEYS: [&str; 2] = ["ed25519", "ecdsa"];

/// An OpenSSH server that gives out a folder by SFTP. It knows one user, who signs in with a key. Dropping it ends it and
/// removes its folder.
pub struct SshServer {
    running: Option<Running>,
    home: Home,
    user: String,
    port: u16,
    host_keys: Vec<PathBuf>,
    generation: u32,
    without: String,
    has_namespace: bool,
    id: u32,
}

impl SshServer {
    /// A server that is ready; `None` when the programs are missing. Where this may be done, it has two small file systems
    /// of its own: [`SshServer::small`] and [`SshServer::frozen`].
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_without("")
    }

    /// The same without some requests of the protocol, in the words of `sftp-server -P`: `hardlink,posix-rename`.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start_without(requests: &str) -> Option<Self> {
        if !have(&["sshd", "sftp", "ssh-keygen", "ssh-keyscan", "openssl"]) {
            return None;
        }
        // The server does not run as root, so that permissions are real. It lets in only the user that it runs as.
        let has_namespace = may_mount();
        let user = match is_root() {
            true if has_namespace => "nobody".to_owned(),
            // Without a list of its own the server finds that nobody is a locked account.
            true => {
                fs::create_dir_all("/run/sshd").unwrap();
                "root".to_owned()
            }
            false => run(command("id").arg("-un")).trim().to_owned(),
        };
        let home = Home::new(if user == "root" { "root" } else { "nobody" });
        for folder in ["share", "small", "frozen", "client"] {
            fs::create_dir(home.path(folder)).unwrap();
            home.give(&home.path(folder));
        }
        keygen(&home, "ed25519", "client/id_ed25519", "");
        fs::copy(home.path("client/id_ed25519.pub"), home.path("authorized_keys")).unwrap();
        home.give(&home.path("authorized_keys"));
        // The server's own list of passwords.
        let hash = run(command("openssl").args(["passwd", "-6", PASSWORD]));
        let shadow = format!("{user}:{}:20000:0:99999:7:::\n", hash.trim());
        home.write("shadow", shadow.as_bytes());
        let mut server = Self {
            running: None,
            has_namespace,
            home,
            user,
            port: 0,
            host_keys: Vec::new(),
            generation: 0,
            without: match requests {
                "" => String::new(),
                requests => format!(" -P {requests}"),
            },
            id: 0,
        };
        server.make_host_keys(&HOST_KEYS);
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

    /// The user that may sign in; with [`PASSWORD`] too, where [`SshServer::takes_password`] says so.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether the user may sign in with a password.
    #[must_use]
    pub fn takes_password(&self) -> bool {
        self.has_namespace
    }

    /// The private key that lets the user in.
    #[must_use]
    pub fn client_key(&self) -> PathBuf {
        self.home.path("client/id_ed25519")
    }

    /// The folder that is given out, as this machine sees it and as the server names it. It is the user's login folder.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.home.path("share")
    }

    /// The URL of the folder.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(&self.root())
    }

    /// The URL of another path of the server.
    #[must_use]
    pub fn url_of(&self, path: &Path) -> String {
        format!("sftp://{}@127.0.0.1:{}{}", self.user, self.port, path.display())
    }

    /// A folder on a file system with little room, as the server names it; `None` where there can be none.
    #[must_use]
    pub fn small(&self) -> Option<PathBuf> {
        self.has_namespace.then(|| self.home.path("small"))
    }

    /// A folder on a file system that is mounted read-only, as the server names it; `None` where there can be none.
    #[must_use]
    pub fn frozen(&self) -> Option<PathBuf> {
        self.has_namespace.then(|| self.home.path("frozen"))
    }

    /// Where this machine sees a path of the server, [`SshServer::small`] too.
    #[must_use]
    pub fn seen_from_outside(&self, path: &Path) -> PathBuf {
        match self.has_namespace {
            true => PathBuf::from(format!("/proc/{}/root{}", self.id, path.display())),
            false => path.to_owned(),
        }
    }

    /// Makes a folder that the user may write to below the one that is given out.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn make_folder(&self, name: &str) -> PathBuf {
        let folder = self.root().join(name);
        fs::create_dir(&folder).unwrap();
        self.home.give(&folder);
        folder
    }

    /// Lets another public key in too.
    ///
    /// # Panics
    /// When the file cannot be read.
    pub fn let_in(&self, public_key: &Path) {
        let known = fs::read_to_string(self.home.path("authorized_keys")).unwrap();
        let all = known + &fs::read_to_string(public_key).unwrap();
        self.home.write("authorized_keys", all.as_bytes());
    }

    /// A file in the form of `known_hosts` with all the host keys that the server has now, as `ssh-keyscan` sees them.
    ///
    /// # Panics
    /// When the server does not answer.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        let mut scan = command("ssh-keyscan");
        let found = run(scan.args(["-p", &self.port.to_string(), "127.0.0.1"]));
        self.home
            .write(&format!("known_hosts_{}", self.generation), found.as_bytes())
    }

    /// The fingerprint of its host key of a kind, as `ssh-keygen -l` prints it.
    ///
    /// # Panics
    /// When it has none of this kind.
    #[must_use]
    pub fn fingerprint(&self, kind: &str) -> String {
        let is_it = |key: &&PathBuf| key.to_string_lossy().ends_with(kind);
        let key = self.host_keys.iter().find(is_it).unwrap();
        let line = run(command("ssh-keygen").arg("-lf").arg(key));
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    /// Gives the server new host keys, and starts it again with them on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn change_host_keys(&mut self, kinds: &[&str]) {
        self.make_host_keys(kinds);
        self.restart();
    }

    /// Ends the server and all connections at once.
    pub fn stop(&mut self) {
        self.home.order(None);
        self.running = None;
    }

    /// Starts it again on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.try_run().unwrap();
    }

    /// Lets OpenSSH's `sftp` do something, such as `get a b`. Paths are counted from the folder that is given out.
    ///
    /// # Errors
    /// What it says when something failed.
    ///
    /// # Panics
    /// When it does not start.
    pub fn sftp(&self, batch: &str) -> Result<String, String> {
        self.sftp_trusting(&self.known_hosts(), batch)
    }

    /// The same with other known host keys than those of the server.
    ///
    /// # Errors
    /// What it says when something failed, such as that it does not know the server.
    ///
    /// # Panics
    /// When it does not start.
    pub fn sftp_trusting(&self, known_hosts: &Path, batch: &str) -> Result<String, String> {
        let output = self.command_trusting(known_hosts, batch).output().unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// The command that does so.
    ///
    /// # Panics
    /// When its orders cannot be written.
    #[must_use]
    pub fn sftp_command(&self, batch: &str) -> Command {
        self.command_trusting(&self.known_hosts(), batch)
    }

    fn command_trusting(&self, known_hosts: &Path, batch: &str) -> Command {
        // Several tests may give orders at the same time.
        static GIVEN: AtomicU32 = AtomicU32::new(0);
        let number = GIVEN.fetch_add(1, Ordering::Relaxed);
        let orders = self.home.path(&format!("orders-{number}"));
        fs::write(&orders, batch).unwrap();
        let mut sftp = command("sftp");
        sftp.args(["-q", "-F", "/dev/null", "-P", &self.port.to_string()]);
        sftp.arg("-o")
            .arg(format!("UserKnownHostsFile={}", known_hosts.display()));
        sftp.args(["-o", "GlobalKnownHostsFile=/dev/null"]);
        sftp.arg("-o").arg("StrictHostKeyChecking=yes");
        sftp.arg("-i").arg(self.client_key());
        sftp.arg("-b").arg(orders);
        sftp.arg(format!("{}@127.0.0.1", self.user));
        sftp
    }

    fn make_host_keys(&mut self, kinds: &[&str]) {
        self.generation += 1;
        self.host_keys = kinds
            .iter()
            .map(|kind| {
                let name = format!("host_{}_{kind}", self.generation);
                keygen(&self.home, kind, &name, "")
            })
            .collect();
    }

    fn try_run(&mut self) -> Result<(), String> {
        let mut lines = vec![
            format!("Port {}", self.port),
            "ListenAddress 127.0.0.1".to_owned(),
            "UsePAM no".to_owned(),
            "StrictModes no".to_owned(),
            "PermitRootLogin yes".to_owned(),
            "PasswordAuthentication yes".to_owned(),
            "KbdInteractiveAuthentication no".to_owned(),
            "PidFile none".to_owned(),
            "LogLevel ERROR".to_owned(),
            "MaxStartups 500".to_owned(),
            "MaxSessions 100".to_owned(),
            "UseDNS no".to_owned(),
            format!(
                "AuthorizedKeysFile {}",
                self.home.path("authorized_keys").display()
            ),
            format!(
                "Subsystem sftp internal-sftp -d {}{}",
                self.root().display(),
                self.without
            ),
        ];
        let host_keys = self.host_keys.iter();
        lines.extend(host_keys.map(|key| format!("HostKey {}", key.display())));
        let configuration = self
            .home
            .write("sshd_config", (lines.join("\n") + "\n").as_bytes());
        let plain = {
            let mut server = self.home.command("sshd");
            server.args(["-D", "-e", "-f"]).arg(&configuration);
            server
        };
        let server = match self.has_namespace {
            true => self.with_disks(&plain),
            false => plain,
        };
        let port = self.port;
        let is_ready = move || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        let running = self.home.start(server, is_ready)?;
        self.id = running.id();
        self.running = Some(running);
        Ok(())
    }

    /// The same command with the two file systems, which nobody else sees.
    fn with_disks(&self, server: &Command) -> Command {
        let owner = fs::metadata(self.root()).unwrap();
        let (uid, gid) = (owner.uid(), owner.gid());
        let (prefix, owned, back) = match is_root() {
            true => (vec!["--mount"], format!(",uid={uid},gid={gid}"), String::new()),
            // Root of a namespace mounts, and becomes the user again.
            false => (
                vec!["-Urm"],
                String::new(),
                format!("unshare --user --map-user={uid} --map-group={gid} --"),
            ),
        };
        let script = format!(
            "set -e
            mount -t tmpfs -o size={SMALL},mode=0755{owned} tmpfs \"$1\"
            mount -t tmpfs -o size={SMALL},mode=0755{owned} tmpfs \"$2\"
            echo stays >\"$2/old.pem\"
            chmod 0644 \"$2/old.pem\"
            mount -o remount,bind,ro \"$2\"
            mount --bind \"$3\" /etc/shadow
            shift 3
            exec {back} \"$@\""
        );
        let mut whole = command("unshare");
        whole.args(prefix).args(["sh", "-c", &script, "sh"]);
        whole.arg(self.home.path("small")).arg(self.home.path("frozen"));
        whole.arg(self.home.path("shadow"));
        whole.arg(server.get_program()).args(server.get_args());
        whole
            .current_dir(self.home.path(""))
            .stdin(std::process::Stdio::null());
        whole
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a key with `ssh-keygen`, and gives its path.
fn keygen(home: &Home, kind: &str, name: &str, passphrase: &str) -> PathBuf {
    let path = home.path(name);
    let mut keygen = command("ssh-keygen");
    keygen.args(["-q", "-t", kind, "-N", passphrase, "-C", "test", "-f"]);
    run(keygen.arg(&path));
    home.give(&path);
    path
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Whether file systems can be mounted where nobody else sees them.
fn may_mount() -> bool {
    let namespace = if is_root() { "--mount" } else { "-Urm" };
    find("unshare").is_some()
        && command("unshare")
            .args([namespace, "true"])
            .output()
            .is_ok_and(|output| output.status.success())
}
