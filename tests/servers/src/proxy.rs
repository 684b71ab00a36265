use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The commit does not reach the server.
    BeforeCommit,
    /// The server commits, and its answer does not reach the client.
    AfterCommit,
}

/// A TCP proxy on the loopback that cuts connections at a `COMMIT`, and lets everything else through. It understands
/// what PostgreSQL and MariaDB send without TLS.
pub struct CuttingProxy {
    port: u16,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    next: Option<(Cut, u32)>,
    made: u32,
    /// Whether nobody gets through once a connection was cut.
    stays_away: bool,
}

impl CuttingProxy {
    /// A proxy to a port of 127.0.0.1. It goes on until the process ends.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let plan = Arc::new(Mutex::new(Plan::default()));
        thread::spawn({
            let plan = Arc::clone(&plan);
            move || {
                for client in listener.incoming().flatten() {
                    if plan.lock().unwrap().is_away() {
                        continue;
                    }
                    // A server that is down is a connection that ends at once.
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", target)) {
                        let plan = Arc::clone(&plan);
                        thread::spawn(move || relay(client, server, &plan));
                    }
                }
            }
        });
        Self { port, plan }
    }

    /// Its own port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the next `times` connections that commit.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    pub fn cut(&self, cut: Cut, times: u32) {
        self.plan.lock().unwrap().next = Some((cut, times));
    }

    /// Cuts the next connection that commits, and lets nobody through any more.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    pub fn cut_and_stay_away(&self, cut: Cut) {
        let mut plan = self.plan.lock().unwrap();
        plan.next = Some((cut, 1));
        plan.stays_away = true;
    }

    /// How many connections were cut.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    #[must_use]
    pub fn made(&self) -> u32 {
        self.plan.lock().unwrap().made
    }
}

impl Plan {
    fn is_away(&self) -> bool {
        self.stays_away && self.made > 0
    }

    fn take(&mut self) -> Option<Cut> {
        let (cut, times) = self.next?;
        self.next = (times > 1).then_some((cut, times - 1));
        self.made += 1;
        Some(cut)
    }
}

/// Passes on what the client sends, message by message as it comes. What the server sends goes through a second thread,
/// which stops relaying once the answer to a commit is not to arrive.
fn relay(mut client: TcpStream, mut server: TcpStream, plan: &Mutex<Plan>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let muted = Arc::new(Mutex::new(false));
    let answers = thread::spawn({
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let muted = Arc::clone(&muted);
        move || {
            let mut buffer = [0; 64 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                // An answer to what was sent after the commit: the commit is done.
                if *muted.lock().unwrap() || to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        }
    });
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let sent = &buffer[..length];
        // Connections that were there before get no further either.
        if plan.lock().unwrap().is_away() {
            break;
        }
        let cut = if commits(sent) {
            plan.lock().unwrap().take()
        } else {
            None
        };
        match cut {
            Some(Cut::BeforeCommit) => break,
            // The client waits for nothing else at this moment, so whatever comes now is the answer.
            Some(Cut::AfterCommit) => *muted.lock().unwrap() = true,
            None => {}
        }
        if server.write_all(sent).is_err() {
            break;
        }
        if cut.is_some() {
            let _ = answers.join();
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = answers.join();
}

/// Whether a `COMMIT` is in a simple query of PostgreSQL (`Q`, length, text, zero) or a command of MariaDB (length,
/// number, 3, text).
fn commits(sent: &[u8]) -> bool {
    sent.windows(7).any(|bytes| bytes == b"\x03COMMIT")
        || sent
            .windows(12)
            .any(|bytes| bytes == b"Q\x00\x00\x00\x0bCOMMIT\x00")
}
