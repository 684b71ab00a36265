use keystead_application::ports::{ShareCapabilities, ShareError, ShareErrorKind};
use russh::ChannelMsg;
use russh::client::Handle;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::rawsession::Limits;
use russh_sftp::protocol::{Packet, StatusCode};

use crate::error::{Answer, answer, failed, link_lost};
use crate::gatekeeper::{Ending, Gatekeeper};
use crate::handshake::{in_time, reach_server};
use crate::reach::Reach;
use crate::sign_in::sign_in;

/// The largest piece that is asked for or sent at a time, when the server allows it.
const LARGEST: u64 = 128 * 1024;
/// What every server takes (draft-ietf-secsh-filexfer-02, section 3).
const ALWAYS_TAKEN: u64 = 32 * 1024;
pub(crate) const POSIX_RENAME: &str = "posix-rename@openssh.com";
const HARDLINK: &str = "hardlink@openssh.com";

/// A connection on which the user is signed in.
pub(crate) struct Connection {
    pub(crate) sftp: RawSftpSession,
    server: Handle<Gatekeeper>,
    pub(crate) can: Can,
    /// The login folder.
    login: String,
}

/// What the server can, beside what all can.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Can {
    pub(crate) hard_link: bool,
    pub(crate) replacing_rename: bool,
    pub(crate) flush: bool,
    pub(crate) tell_room: bool,
    /// The largest pieces.
    pub(crate) read: u32,
    pub(crate) write: usize,
}

impl Can {
    /// What a share promises with this. A server that flushes files works on files itself, as OpenSSH does. Others pass
    /// requests on to something else, where a rename that replaces takes its steps and a mode gets lost: of them less is
    /// expected, until a file that was made shows otherwise.
    pub(crate) fn promises(self) -> ShareCapabilities {
        ShareCapabilities {
            atomic_publish: self.replacing_rename && self.flush,
            exclusive_create: self.hard_link,
            durable: self.flush,
            owner_only: self.flush,
        }
    }
}

impl Connection {
    /// Connects, checks the host key and signs in.
    pub(crate) async fn open(reach: &Reach) -> Result<Self, ShareError> {
        let ending = Ending::default();
        let mut server = reach_server(reach, &ending).await?;
        let signing_in = sign_in(&mut server, reach, &ending);
        in_time(reach, "sign in", signing_in).await?;
        in_time(reach, "begin to use SFTP", begin(server, reach)).await
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.server.is_closed()
    }

    /// The path that names lead to, as the server writes it. A first name `~` is the login folder.
    pub(crate) fn path<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        let mut names = names.into_iter().peekable();
        let mut path = match names.next_if_eq(&"~") {
            Some(_) => self.login.trim_end_matches('/').to_owned(),
            None => String::new(),
        };
        for name in names {
            path.push('/');
            path.push_str(name);
        }
        if path.is_empty() { "/".to_owned() } else { path }
    }
}

async fn begin(server: Handle<Gatekeeper>, reach: &Reach) -> Result<Connection, ShareError> {
    const OPERATION: &str = "begin to use SFTP";
    let place = reach.place();
    let lost = |e: russh::Error| link_lost(OPERATION, &place, &e.to_string());
    let no_sftp = || {
        let why = "the server lets the user in, but does not give out files by SFTP";
        failed(ShareErrorKind::Unsupported, OPERATION, &place, why).advising(
            "allow SFTP to this user on the server: see Subsystem and ForceCommand in its sshd_config, and command= in the \
             user's authorized_keys",
        )
    };
    let refused = |e: SftpError| match answer(&e) {
        Answer::LinkLost(why) if server.is_closed() => link_lost(OPERATION, &place, &why),
        _ => no_sftp(),
    };
    let mut channel = server.channel_open_session().await.map_err(lost)?;
    channel.request_subsystem(true, "sftp").await.map_err(lost)?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => break,
            Some(ChannelMsg::Failure | ChannelMsg::Close | ChannelMsg::Eof) => return Err(no_sftp()),
            Some(_) => {}
            None => return Err(link_lost(OPERATION, &place, "it ended")),
        }
    }
    let config = russh_sftp::client::Config {
        // How long an answer is waited for is not decided here: a flush of a large file takes its time.
        request_timeout_secs: u64::MAX,
        ..russh_sftp::client::Config::default()
    };
    let mut sftp = RawSftpSession::new_with_config(channel.into_stream(), config);
    let extensions = sftp.init().await.map_err(refused)?.extensions;
    let has = |name: &str| extensions.contains_key(name);
    let mut limits = Limits::default();
    if has("limits@openssh.com")
        && let Ok(told) = sftp.limits().await
    {
        limits = Limits::from(told);
        sftp.set_limits(limits);
    }
    let login = sftp.realpath(".").await.map_err(refused)?;
    let login = login.files.into_iter().next().map(|file| file.filename);
    let largest = |limit: Option<u64>| limit.unwrap_or(ALWAYS_TAKEN).min(LARGEST);
    let can = Can {
        hard_link: has(HARDLINK) && is_real(sftp.hardlink("", "").await),
        replacing_rename: has(POSIX_RENAME) && is_real(posix_rename(&sftp, "", "").await),
        flush: has("fsync@openssh.com"),
        tell_room: has("statvfs@openssh.com"),
        read: largest(limits.read_len) as u32,
        write: largest(limits.write_len) as usize,
    };
    tracing::debug!(?can, "connected by SFTP");
    Ok(Connection {
        sftp,
        server,
        can,
        login: login.unwrap_or_else(|| "/".to_owned()),
    })
}

/// Servers announce extensions that they then do not know, or that they answer and do nothing. Nothing has an empty name,
/// so this changes nothing, and who looks at it says that it failed.
fn is_real<T>(result: Result<T, SftpError>) -> bool {
    matches!(result.map_err(|e| answer(&e)), Err(told) if told != Answer::Unsupported)
}

/// A rename that replaces in one step.
pub(crate) async fn posix_rename(sftp: &RawSftpSession, from: &str, to: &str) -> Result<(), SftpError> {
    let mut data = Vec::with_capacity(8 + from.len() + to.len());
    for path in [from, to] {
        data.extend_from_slice(&(path.len() as u32).to_be_bytes());
        data.extend_from_slice(path.as_bytes());
    }
    match sftp.extended(POSIX_RENAME, data).await? {
        Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
        Packet::Status(status) => Err(status.into()),
        _ => Err(SftpError::UnexpectedPacket),
    }
}
