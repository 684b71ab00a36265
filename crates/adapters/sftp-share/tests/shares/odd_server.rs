//! A server that does what no real one can be brought to: one folder, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use keystead_application::ports::{ShareAccess, ShareAddress};
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Session};
use russh::{Channel, ChannelId};
use russh_sftp::protocol::{
    Attrs, File, FileAttributes, Handle, Name, OpenFlags, Status, StatusCode, Version,
};
use tokio::net::TcpListener;

use crate::support::{access, secret};

const FOLDER: u32 = 0o040_700;
const FILE: u32 = 0o100_600;

/// The server. Its clock stands still.
#[derive(Clone)]
pub(crate) struct OddServer {
    /// What its clock shows, in seconds since 1970.
    now: u32,
    /// What it answers to each write.
    to_writes: StatusCode,
    /// The names of its files with their times.
    files: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl OddServer {
    pub(crate) fn new(now: u32, to_writes: StatusCode) -> Self {
        Self {
            now,
            to_writes,
            files: Arc::default(),
        }
    }

    pub(crate) fn put(&self, name: &str, time: u32) {
        self.files.lock().unwrap().insert(format!("/{name}"), time);
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let files = self.files.lock().unwrap();
        files.keys().map(|path| path[1..].to_owned()).collect()
    }

    /// Serves until the runtime ends. Everybody is let in.
    pub(crate) async fn start(&self) -> ShareAccess {
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
        let host_key = key.fingerprint(russh::keys::HashAlg::Sha256).to_string();
        let config = Arc::new(server::Config {
            keys: vec![key],
            auth_rejection_time: std::time::Duration::ZERO,
            ..server::Config::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let this = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let greeting = Greeting {
                    server: this.clone(),
                    channels: HashMap::new(),
                };
                let session = server::run_stream(Arc::clone(&config), stream, greeting);
                tokio::spawn(async move { session.await.unwrap().await });
            }
        });
        let url = format!("sftp://somebody@127.0.0.1:{port}/");
        ShareAccess {
            password: Some(secret("anything")),
            address: ShareAddress::parse(&url).unwrap(),
            ..access(&url, &[("host_key", &host_key)])
        }
    }

    fn look(&self, path: &str) -> Result<FileAttributes, StatusCode> {
        if path == "/" {
            return Ok(attributes(FOLDER, self.now));
        }
        let files = self.files.lock().unwrap();
        let time = files.get(path).ok_or(StatusCode::NoSuchFile)?;
        Ok(attributes(FILE, *time))
    }
}

fn attributes(mode: u32, time: u32) -> FileAttributes {
    FileAttributes {
        permissions: Some(mode),
        atime: Some(time),
        mtime: Some(time),
        ..FileAttributes::empty()
    }
}

struct Greeting {
    server: OddServer,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl server::Handler for Greeting {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, russh::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let channel = self.channels.remove(&id).unwrap();
        session.channel_success(id)?;
        let files = Files {
            server: self.server.clone(),
            unlisted: Vec::new(),
        };
        russh_sftp::server::run(channel.into_stream(), files).await;
        Ok(())
    }
}

/// Handles are paths.
struct Files {
    server: OddServer,
    unlisted: Vec<File>,
}

impl russh_sftp::server::Handler for Files {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn init(&mut self, _: u32, _: HashMap<String, String>) -> Result<Version, StatusCode> {
        Ok(Version::new())
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusCode> {
        let path = if path == "." { "/".to_owned() } else { path };
        let files = vec![File::dummy(path)];
        Ok(Name { id, files })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        let attrs = self.server.look(&path)?;
        Ok(Attrs { id, attrs })
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        self.stat(id, path).await
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, StatusCode> {
        self.stat(id, handle).await
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusCode> {
        let files = self.server.files.lock().unwrap();
        let file = |(path, time): (&String, &u32)| File::new(&path[1..], attributes(FILE, *time));
        self.unlisted = files.iter().map(file).collect();
        Ok(Handle { id, handle: path })
    }

    async fn readdir(&mut self, id: u32, _: String) -> Result<Name, StatusCode> {
        match std::mem::take(&mut self.unlisted) {
            files if files.is_empty() => Err(StatusCode::Eof),
            files => Ok(Name { id, files }),
        }
    }

    async fn open(
        &mut self,
        id: u32,
        path: String,
        flags: OpenFlags,
        _: FileAttributes,
    ) -> Result<Handle, StatusCode> {
        if flags.contains(OpenFlags::CREATE) {
            let mut files = self.server.files.lock().unwrap();
            files.insert(path.clone(), self.server.now);
        }
        self.server.look(&path)?;
        Ok(Handle { id, handle: path })
    }

    async fn write(&mut self, id: u32, _: String, _: u64, _: Vec<u8>) -> Result<Status, StatusCode> {
        Ok(status(id, self.server.to_writes))
    }

    async fn close(&mut self, id: u32, _: String) -> Result<Status, StatusCode> {
        Ok(status(id, StatusCode::Ok))
    }

    async fn remove(&mut self, id: u32, path: String) -> Result<Status, StatusCode> {
        let removed = self.server.files.lock().unwrap().remove(&path);
        removed
            .map(|_| status(id, StatusCode::Ok))
            .ok_or(StatusCode::NoSuchFile)
    }
}

fn status(id: u32, status_code: StatusCode) -> Status {
    Status {
        id,
        status_code,
        error_message: String::new(),
        language_tag: String::new(),
    }
}
