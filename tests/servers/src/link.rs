use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A TCP proxy on the loopback that cuts the link after so many bytes, whatever they are. It knows no protocol.
pub struct LinkProxy {
    port: u16,
    link: Arc<Mutex<Link>>,
}

#[derive(Default)]
struct Link {
    /// How many bytes from clients still get through; `None`: all.
    left: Option<u64>,
    /// How many bytes from clients got through in all.
    passed: u64,
    is_cut: bool,
    /// Whether the link comes back as soon as it was cut.
    comes_back: bool,
    /// How often it was cut.
    cuts: u64,
    /// How many bytes had got through after each piece that came: where a message may have ended.
    ends: Vec<u64>,
    /// What to close when the link is cut.
    open: Vec<TcpStream>,
}

impl LinkProxy {
    /// A proxy to a port of 127.0.0.1. It goes on until the process ends.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let link = Arc::new(Mutex::new(Link::default()));
        thread::spawn({
            let link = Arc::clone(&link);
            move || {
                for client in listener.incoming().flatten() {
                    // A link that is cut, or a server that is down, is a connection that ends at once.
                    if link.lock().unwrap().is_cut {
                        continue;
                    }
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", target)) {
                        let link = Arc::clone(&link);
                        thread::spawn(move || relay(client, server, &link));
                    }
                }
            }
        });
        Self { port, link }
    }

    /// Its own port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Lets so many bytes more from clients through, counted over all connections, and then cuts all of them; nobody gets
    /// through until the link is mended.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    pub fn cut_after(&self, bytes: u64) {
        let mut link = self.link.lock().unwrap();
        link.left = Some(bytes);
        link.comes_back = false;
    }

    /// The same, but whoever connects again gets through.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    pub fn cut_once_after(&self, bytes: u64) {
        let mut link = self.link.lock().unwrap();
        link.left = Some(bytes);
        link.comes_back = true;
    }

    /// Lets everything through again.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    pub fn mend(&self) {
        let mut link = self.link.lock().unwrap();
        link.left = None;
        link.is_cut = false;
    }

    /// How many bytes from clients had got through after each piece that came: where messages may have ended. A cut there
    /// lets the server do what it was asked, and loses the answer.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    #[must_use]
    pub fn ends(&self) -> Vec<u64> {
        self.link.lock().unwrap().ends.clone()
    }

    /// How often the link was cut.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.link.lock().unwrap().cuts
    }

    /// Whether the link is cut now.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.link.lock().unwrap().is_cut
    }

    /// How many bytes from clients got through since the beginning.
    ///
    /// # Panics
    /// When a thread of the proxy did.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.link.lock().unwrap().passed
    }
}

impl Link {
    /// How many of so many bytes get through, and whether the link is cut behind them.
    fn admit(&mut self, bytes: usize) -> (usize, bool) {
        if self.is_cut {
            return (0, true);
        }
        let (admitted, is_last) = match &mut self.left {
            None => (bytes, false),
            Some(left) => {
                let admitted = bytes.min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= admitted as u64;
                (admitted, *left == 0)
            }
        };
        self.passed += admitted as u64;
        self.ends.push(self.passed);
        (admitted, is_last)
    }

    fn cut(&mut self) {
        self.cuts += 1;
        self.is_cut = !self.comes_back;
        self.left = None;
        for stream in self.open.drain(..) {
            // The server gets what was sent; nobody gets an answer.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn relay(mut client: TcpStream, mut server: TcpStream, link: &Mutex<Link>) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    {
        let mut link = link.lock().unwrap();
        link.open
            .extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
        if link.is_cut {
            let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
            return;
        }
    }
    let answers = thread::spawn({
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        }
    });
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let (admitted, is_last) = link.lock().unwrap().admit(length);
        let sent = server.write_all(&buffer[..admitted]);
        if is_last {
            link.lock().unwrap().cut();
        }
        if sent.is_err() || is_last {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = answers.join();
}
