//! Shares on throwaway servers, as a user configures them, and the clients of other projects that look at them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use keystead_test_servers::{
    PASSWORD, S3Server, S3Settings, SambaServer, SshServer, USER, WebDavServer, WebDavSettings,
};

use super::Machine;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Smb,
    Sftp,
    S3,
    WebDav,
}

/// A share on a server of its own. It is stopped when the tests of the process are over.
pub enum Remote {
    Smb(SambaServer),
    Sftp(SshServer),
    S3(S3Server),
    WebDav(WebDavServer),
}

impl Remote {
    /// `None` when its programs are not there (see `tools::have`).
    pub fn start(protocol: Protocol) -> Option<Self> {
        match protocol {
            Protocol::Smb => SambaServer::start().map(Self::Smb),
            Protocol::Sftp => SshServer::start().map(Self::Sftp),
            Protocol::S3 => S3Server::start(S3Settings::default()).map(Self::S3),
            Protocol::WebDav => WebDavServer::start(WebDavSettings::default()).map(Self::WebDav),
        }
    }

    pub fn port(&self) -> u16 {
        match self {
            Self::Smb(server) => server.port(),
            Self::Sftp(server) => server.port(),
            Self::S3(server) => server.port(),
            Self::WebDav(server) => server.port(),
        }
    }

    pub fn stop(&mut self) {
        match self {
            Self::Smb(server) => server.stop(),
            Self::Sftp(server) => server.stop(),
            Self::S3(server) => server.stop(),
            Self::WebDav(server) => server.stop(),
        }
    }

    /// The URL of its top, without credentials.
    pub fn url(&self) -> String {
        match self {
            Self::Smb(server) => server.url(SambaServer::SAFE),
            Self::Sftp(server) => server.url(),
            Self::S3(server) => server.url(),
            Self::WebDav(server) => server.url(),
        }
    }

    /// Makes a folder on it.
    pub fn make_folder(&self, name: &str) {
        match self {
            Self::Smb(server) => server.make_folder(SambaServer::SAFE, name),
            Self::Sftp(server) => drop(server.make_folder(name)),
            // It knows none.
            Self::S3(_) => {}
            Self::WebDav(server) => server.make_folder(name),
        }
    }

    /// Names the share in the configuration of a machine, with everything that its user has to say.
    pub fn configure(&self, machine: &mut Machine, name: &str, folder: &str) {
        self.configure_at(machine, name, folder, self.port());
    }

    /// The same for a share that is reached through another port.
    pub fn configure_at(&self, machine: &mut Machine, name: &str, folder: &str, port: u16) {
        let own = format!(":{}", self.port());
        let there = format!(":{port}");
        let mut set = |key: &str, value: &str| set(machine, name, key, value);
        set("url", &self.url().replace(&own, &there));
        set("folder", folder);
        match self {
            Self::Smb(_) | Self::WebDav(_) => {
                set("username", USER);
                set("password", PASSWORD);
            }
            Self::Sftp(server) => {
                set("username", server.user());
                set("key_file", server.client_key().to_str().unwrap());
                set("host_key", &server.fingerprint("ed25519"));
            }
            Self::S3(server) => {
                set("endpoint", &server.endpoint().replace(&own, &there));
                set("username", S3Server::ACCESS_KEY_ID);
                set("password", S3Server::SECRET);
            }
        }
    }

    /// The bytes of a file, as another project's client reads them.
    pub fn read(&self, path: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        // Clients that become another user write here too.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let to = folder.path().join("file");
        let local = to.to_str().unwrap();
        match self {
            Self::Smb(server) => {
                let windows = path.replace('/', "\\");
                let output = server.smbclient(SambaServer::SAFE, &format!("get \"{windows}\" \"{local}\""));
                assert!(output.status.success(), "{output:?}");
            }
            Self::Sftp(server) => {
                let root = server.root();
                let from = root.join(path);
                server
                    .sftp(&format!("get \"{}\" \"{local}\"\n", from.display()))
                    .unwrap();
            }
            Self::S3(server) => {
                server.s3cmd(&["get", &format!("{}/{path}", server.url()), local]);
            }
            Self::WebDav(server) => {
                let url = format!(
                    "{}/{}",
                    server.url().replace("webdav", "http"),
                    path.replace(' ', "%20")
                );
                let mut curl = Command::new("curl");
                curl.args(["--fail", "--silent", "--show-error", "-o", local, "-u"]);
                let output = curl.arg(format!("{USER}:{PASSWORD}")).arg(url).output().unwrap();
                assert!(output.status.success(), "{output:?}");
            }
        }
        fs::read(to).unwrap()
    }

    /// The folder of this machine that it is, where it is one.
    pub fn root(&self) -> Option<PathBuf> {
        match self {
            Self::Smb(server) => Some(server.root(SambaServer::SAFE)),
            Self::Sftp(server) => Some(server.root()),
            Self::WebDav(server) => Some(server.root()),
            Self::S3(_) => None,
        }
    }

    /// The names of the files in a folder, hidden and temporary ones too, as seen past our program.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let root = match (self, self.root()) {
            (_, Some(root)) => root,
            (Self::Smb(_) | Self::Sftp(_) | Self::WebDav(_), None) => {
                panic!("it is a folder of this machine")
            }
            (Self::S3(server), None) => {
                let listing = server.s3cmd(&["ls", &format!("{}/{folder}/", server.url())]);
                let names = listing.lines().filter_map(|line| line.rsplit('/').next());
                return names.map(str::to_owned).collect();
            }
        };
        names_in(&root.join(folder))
    }
}

/// Sets one setting of a share in the environment of a machine.
pub fn set(machine: &mut Machine, share: &str, key: &str, value: &str) {
    let variable = format!(
        "KEYSTEAD__SHARES__{}__{}",
        share.to_uppercase(),
        key.to_uppercase()
    );
    machine.set(&variable, value);
}

fn names_in(folder: &PathBuf) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
