//! A server process in its folder.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::programs::{command, find, run};

const PATIENCE: Duration = Duration::from_secs(60);

/// A folder that its server owns, and that goes away with this process.
pub(crate) struct Home {
    folder: PathBuf,
    user: Option<&'static str>,
    guardian: Child,
    orders: Option<ChildStdin>,
}

/// A server that runs.
pub(crate) struct Running {
    child: Child,
}

impl Home {
    /// Servers refuse to run as root, so that root becomes `user` for them.
    pub(crate) fn new(user: &'static str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("keystead-server-")
            .tempdir()
            .unwrap()
            .keep();
        let user = (fs::metadata("/proc/self").unwrap().uid() == 0).then_some(user);
        // It reads the ids of the processes to kill, and acts when nobody can write to it any more.
        const GUARD: &str = "while read -r id; do server=$id; done
            [ -n \"$server\" ] && kill -KILL \"$server\" 2>/dev/null
            tries=0
            until rm -rf \"$0\" 2>/dev/null || [ $tries -gt 50 ]; do tries=$((tries + 1)); sleep 0.1; done";
        let mut guardian = Command::new("sh")
            .args(["-c", GUARD])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is not for it.
            .process_group(0)
            .spawn()
            .unwrap();
        let orders = guardian.stdin.take();
        let home = Self {
            folder,
            user,
            guardian,
            orders,
        };
        home.give(&home.folder);
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a file or folder the server's.
    pub(crate) fn give(&self, path: &Path) {
        if let Some(user) = self.user {
            chown(path, Some(id_of("-u", user)), Some(id_of("-g", user))).unwrap();
        }
    }

    /// A file for the server's eyes only.
    pub(crate) fn write(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.give(&path);
        path
    }

    /// A command that runs as the server's user.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = match self.user {
            None => command(program),
            Some(user) => {
                let mut command = command("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    // A user's group is not always called like the user.
                    .arg(format!("--regid={}", id_of("-g", user)));
                command
                    .arg("--clear-groups")
                    .arg("--")
                    .arg(find(program).unwrap());
                command
            }
        };
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Starts the server and waits until `ready` says so.
    pub(crate) fn start(&mut self, mut server: Command, ready: impl Fn() -> bool) -> Result<Running, String> {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .unwrap();
        let child = server
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        self.order(Some(child.id()));
        let mut running = Running { child };
        let deadline = Instant::now() + PATIENCE;
        while !ready() {
            let ended = running.child.try_wait().unwrap();
            if ended.is_some() || Instant::now() > deadline {
                running.kill();
                return Err(fs::read_to_string(self.path("log")).unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    /// Tells the guardian which process to kill in the end.
    pub(crate) fn order(&self, id: Option<u32>) {
        use std::io::Write;
        if let Some(mut orders) = self.orders.as_ref() {
            let id = id.map_or_else(String::new, |id| id.to_string());
            let _ = writeln!(orders, "{id}");
        }
    }
}

fn id_of(flag: &str, user: &str) -> u32 {
    run(Command::new("id").args([flag, user])).trim().parse().unwrap()
}

impl Drop for Home {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.guardian.wait();
    }
}

impl Running {
    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server and all that it started at once, as a crash does.
    pub(crate) fn kill(&mut self) {
        let Ok(None) = self.child.try_wait() else { return };
        let server = Pid::from_child(&self.child);
        // Stopped first, so that it starts no others meanwhile.
        let _ = kill_process(server, Signal::STOP);
        let children = descendants_of(self.child.id());
        for id in &children {
            let _ = kill_process(*id, Signal::KILL);
        }
        let _ = kill_process(server, Signal::KILL);
        let _ = self.child.wait();
        let deadline = Instant::now() + PATIENCE;
        while children.iter().any(|id| is_alive(*id)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The children of a process, and theirs.
fn descendants_of(ancestor: u32) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let parents: Vec<(i32, i64)> = processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(|id| Some((id, stat(id)?.1)))
        .collect();
    let mut found = vec![i64::from(ancestor)];
    let mut seen = 0;
    while let Some(parent) = found.get(seen).copied() {
        seen += 1;
        let children = parents.iter().filter(|(_, of)| *of == parent);
        found.extend(children.map(|(id, _)| i64::from(*id)));
    }
    let found = found.into_iter().skip(1).filter_map(|id| i32::try_from(id).ok());
    found.filter_map(Pid::from_raw).collect()
}

/// A process that ended and that nobody waited for is not alive.
fn is_alive(id: Pid) -> bool {
    stat(id.as_raw_nonzero().get()).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// The state of a process and its parent. Its name, which comes before, may hold blanks and parentheses.
fn stat(id: i32) -> Option<(char, i64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// A port of the loopback that nobody listens on. It lies below those that outgoing connections use, so that it is still
/// free when the server comes back.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id().wrapping_mul(97) % u32::from(COUNT)) as u16;
    (0..COUNT)
        .map(|_| FIRST + (start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}
