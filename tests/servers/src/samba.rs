use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::process::{Home, Running, free_port};
use crate::programs::{command, find, run};
use crate::{PASSWORD, USER, have};

/// A Samba server. Dropping it ends it and removes its folders.
///
/// Its shares: [`SambaServer::SAFE`] and the others that are named below. [`USER`] signs in with [`PASSWORD`].
pub struct SambaServer {
    running: Option<Running>,
    home: Home,
    port: u16,
    /// Whether this test runs as root, and the server too.
    as_root: bool,
    /// The Unix account that [`USER`] is on the server.
    account: String,
    /// Whether the server has file systems of its own.
    unshared: bool,
}

/// The Unix account when root runs the server: one that every system has, and that may little.
const ACCOUNT: &str = "daemon";

impl SambaServer {
    /// The share that everything works on.
    pub const SAFE: &'static str = "safe";
    /// A share that is only read.
    pub const READ_ONLY: &'static str = "readonly";
    /// A share that only takes encrypted requests.
    pub const ENCRYPTED: &'static str = "encrypted";
    /// A share whose folder the user may not write to. Only root can make one (see [`SambaServer::can_lock`]).
    pub const LOCKED: &'static str = "locked";
    /// A share that is not for the user.
    pub const CLOSED: &'static str = "closed";
    /// A share with room for half a mebibyte (see [`SambaServer::can_be_full`]). It is empty after a restart.
    pub const FULL: &'static str = "full";

    /// A server that is ready; `None` when a program is missing.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with more settings (`smb.conf(5)`, section `[global]`), such as `server max protocol = SMB2_10`.
    ///
    /// # Panics
    /// When it does not start, or is missing where everything has to run.
    #[must_use]
    pub fn start_with(settings: &[&str]) -> Option<Self> {
        if !have(&["smbd", "pdbedit", "unshare"]) {
            return None;
        }
        // Samba becomes the user who signed in, so that it is root itself where it can.
        let home = Home::new("root");
        // And that user has to get to the folders.
        let open = fs::Permissions::from_mode(0o711);
        fs::set_permissions(home.path(""), open).unwrap();
        let as_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        let mut server = Self {
            running: None,
            unshared: unshare(as_root).arg("true").output().unwrap().status.success(),
            home,
            port: 0,
            as_root,
            account: match as_root {
                true => ACCOUNT.to_owned(),
                // Only root can become somebody else.
                false => id("-un"),
            },
        };
        server.make_folders();
        // Somebody else may take the port in between.
        let mut tried = Ok(());
        for _ in 0..3 {
            server.port = free_port();
            server.configure(settings);
            server.add_user(PASSWORD);
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

    /// The URL of a share, without credentials.
    #[must_use]
    pub fn url(&self, share: &str) -> String {
        format!("smb://127.0.0.1:{}/{share}", self.port)
    }

    /// The folder that a share is, as seen from here.
    #[must_use]
    pub fn root(&self, share: &str) -> PathBuf {
        let folder = self.home.path(share);
        match &self.running {
            // It is mounted where only the server sees it.
            Some(running) if share == Self::FULL && self.unshared => {
                let server = PathBuf::from(format!("/proc/{}/root", running.id()));
                server.join(folder.strip_prefix("/").unwrap_or(&folder))
            }
            _ => folder,
        }
    }

    /// Makes a folder on a share that the user may write to.
    ///
    /// # Panics
    /// When it cannot.
    pub fn make_folder(&self, share: &str, path: &str) {
        let folder = self.root(share).join(path);
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    }

    /// Whether there is a folder that the user may not write to.
    #[must_use]
    pub fn can_lock(&self) -> bool {
        self.as_root
    }

    /// Whether [`SambaServer::FULL`] has little room. It needs namespaces of its own.
    #[must_use]
    pub fn can_be_full(&self) -> bool {
        self.unshared
    }

    /// Runs commands of `smbclient` on a share, such as `get a b`, signed in as [`USER`].
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn smbclient(&self, share: &str, commands: &str) -> Output {
        self.smbclient_command(share, commands).output().unwrap()
    }

    /// The command that does so.
    #[must_use]
    pub fn smbclient_command(&self, share: &str, commands: &str) -> Command {
        let login = self.home.write(
            "login",
            format!("username = {USER}\npassword = {PASSWORD}\n").as_bytes(),
        );
        let mut client = command("smbclient");
        client.arg("-s").arg(self.home.path("smb.conf"));
        client.arg("-A").arg(login);
        client.args(["-p", &self.port.to_string()]);
        client.arg(format!("//127.0.0.1/{share}"));
        client.args(["-c", commands]);
        client
    }

    /// Whether [`SambaServer::status`] works: the program asks for root.
    #[must_use]
    pub fn can_tell_status(&self) -> bool {
        self.as_root || self.unshared
    }

    /// Who is connected, and how: what `smbstatus` says.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn status(&self) -> String {
        let mut status = match self.as_root {
            true => command("smbstatus"),
            false => unshare(false),
        };
        if !self.as_root {
            status.arg(find("smbstatus").unwrap_or_else(|| panic!("smbstatus is missing")));
        }
        status.arg("-s").arg(self.home.path("smb.conf"));
        run(&mut status)
    }

    /// Gives [`USER`] another password.
    ///
    /// # Panics
    /// When it is refused.
    pub fn set_password(&self, password: &str) {
        let mut pdbedit = self.pdbedit();
        run(pdbedit.args(["-x", "-u", &self.account]));
        self.add_user(password);
    }

    /// Ends the server and its connections at once, as a crash does.
    pub fn stop(&mut self) {
        self.home.order(None);
        self.running = None;
    }

    /// Starts it again with the same files on the same port, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.stop();
        self.try_run().unwrap();
    }

    fn make_folders(&self) {
        for private in ["private", "state"] {
            fs::create_dir(self.home.path(private)).unwrap();
        }
        for share in [
            Self::SAFE,
            Self::READ_ONLY,
            Self::ENCRYPTED,
            Self::CLOSED,
            Self::FULL,
        ] {
            fs::create_dir(self.home.path(share)).unwrap();
            let for_all = fs::Permissions::from_mode(0o777);
            fs::set_permissions(self.home.path(share), for_all).unwrap();
        }
        fs::create_dir(self.home.path(Self::LOCKED)).unwrap();
    }

    fn configure(&self, settings: &[&str]) {
        let mut text = format!("[global]\nsmb ports = {}\n", self.port);
        for setting in [
            "server role = standalone server",
            "workgroup = KEYSTEAD",
            "interfaces = 127.0.0.1/8",
            "bind interfaces only = yes",
            "disable netbios = yes",
            "server min protocol = SMB2",
            "load printers = no",
            "printcap name = /dev/null",
            "disable spoolss = yes",
            "usershare max shares = 0",
            "server multi channel support = no",
            "log level = 1",
        ]
        .iter()
        .chain(settings)
        {
            text.push_str(&format!("{setting}\n"));
        }
        let state = self.home.path("state");
        for name in [
            "lock directory",
            "state directory",
            "cache directory",
            "pid directory",
        ] {
            text.push_str(&format!("{name} = {}\n", state.display()));
        }
        text.push_str(&format!("log file = {}\n", state.join("smbd.log").display()));
        let private = self.home.path("private");
        text.push_str(&format!("ncalrpc dir = {}\n", state.join("rpc").display()));
        text.push_str(&format!("private dir = {}\n", private.display()));
        let users = private.join("users.tdb");
        text.push_str(&format!("passdb backend = tdbsam:{}\n", users.display()));
        let map = self
            .home
            .write("names", format!("{} = {USER}\n", self.account).as_bytes());
        text.push_str(&format!("username map = {}\n", map.display()));
        for (share, more) in [
            (Self::SAFE, "read only = no"),
            (Self::READ_ONLY, "read only = yes"),
            (Self::ENCRYPTED, "read only = no\nsmb encrypt = required"),
            (Self::LOCKED, "read only = no"),
            (Self::CLOSED, "read only = no\nvalid users = nobody"),
            (Self::FULL, "read only = no"),
        ] {
            let folder = self.home.path(share);
            text.push_str(&format!("[{share}]\npath = {}\n{more}\n", folder.display()));
        }
        self.home.write("smb.conf", text.as_bytes());
    }

    fn add_user(&self, password: &str) {
        say_twice(self.pdbedit().args(["-a", "-t", "-u", &self.account]), password);
    }

    fn pdbedit(&self) -> Command {
        let mut pdbedit = command("pdbedit");
        pdbedit.arg("-s").arg(self.home.path("smb.conf"));
        pdbedit
    }

    fn try_run(&mut self) -> Result<(), String> {
        const SMBD: &str = "smbd -F --no-process-group --debug-stdout -s smb.conf";
        const MOUNT: &str = "mount -t tmpfs -o size=512k,mode=0777 tmpfs full";
        let script = match (self.unshared, self.as_root) {
            (false, _) => format!("exec {SMBD}"),
            (true, true) => format!("{MOUNT}; exec {SMBD}"),
            // Samba has to see who it is: as a root that cannot become anybody, it gives up.
            (true, false) => format!(
                "{MOUNT}; exec unshare --user --map-user={} --map-group={} {SMBD}",
                id("-u"),
                id("-g")
            ),
        };
        let mut server = match self.unshared {
            true => unshare(self.as_root),
            false => command("env"),
        };
        server.args(["sh", "-c", &script]);
        server.env("PATH", path_with_servers());
        server.current_dir(self.home.path("")).stdin(Stdio::null());
        let port = self.port;
        let is_ready = move || TcpStream::connect(("127.0.0.1", port)).is_ok();
        self.running = Some(self.home.start(server, is_ready)?);
        Ok(())
    }
}

impl Drop for SambaServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs a command where mounts are its own; as another user than root, where it is root too.
fn unshare(as_root: bool) -> Command {
    let mut unshare = command("unshare");
    unshare.arg("--mount");
    if !as_root {
        unshare.arg("--map-root-user");
    }
    unshare
}

/// What `id` says of the user that runs the tests.
fn id(what: &str) -> String {
    run(command("id").arg(what)).trim().to_owned()
}

/// The search path, with the folders of servers.
fn path_with_servers() -> OsString {
    let folders =
        ["smbd", "unshare"].map(|program| find(program).and_then(|path| path.parent().map(PathBuf::from)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).chain(folders.into_iter().flatten());
    std::env::join_paths(all).unwrap()
}

/// Answers a program that asks for a password and once more for the same.
fn say_twice(command: &mut Command, password: &str) {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut answers = child.stdin.take().unwrap();
    answers
        .write_all(format!("{password}\n{password}\n").as_bytes())
        .unwrap();
    drop(answers);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
