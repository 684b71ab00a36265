//! A proxy that loses an answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A TCP proxy on the loopback that lets so many answers of the server through, and cuts the connection when the next
/// one comes, which the server has given then. Later connections are not cut.
pub(crate) struct AnswerProxy {
    pub(crate) port: u16,
    left: Arc<Mutex<Option<u32>>>,
}

impl AnswerProxy {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let left = Arc::new(Mutex::new(None));
        thread::spawn({
            let left = Arc::clone(&left);
            move || {
                for client in listener.incoming().flatten() {
                    let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
                    let left = Arc::clone(&left);
                    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                    thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                    thread::spawn(move || answer(server, client, &left));
                }
            }
        });
        Self { port, left }
    }

    /// Cuts after so many answers more.
    pub(crate) fn cut_after(&self, answers: u32) {
        *self.left.lock().unwrap() = Some(answers);
    }

    /// Whether the cut is still to come; from now on it does not any more.
    pub(crate) fn is_whole(&self) -> bool {
        self.left.lock().unwrap().take().is_some()
    }
}

/// Passes on whole messages: four bytes of length, and as many bytes.
fn answer(mut server: TcpStream, mut client: TcpStream, left: &Mutex<Option<u32>>) {
    let mut length = [0; 4];
    while server.read_exact(&mut length).is_ok() {
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        if server.read_exact(&mut message).is_err() {
            break;
        }
        let mut left = left.lock().unwrap();
        if *left == Some(0) {
            *left = None;
            break;
        }
        *left = left.map(|left| left - 1);
        drop(left);
        if client
            .write_all(&length)
            .and_then(|()| client.write_all(&message))
            .is_err()
        {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}
