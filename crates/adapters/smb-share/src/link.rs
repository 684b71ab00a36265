use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{ShareError, ShareErrorKind};
use smb2::client::{Cipher, Connection, Session};
use smb2::transport::{ConnectOptions, TcpTransport};
use smb2::types::flags::Capabilities;
use smb2::types::{Dialect, SessionId};
use smb2::{FileReader, FileWriter, Tree};
use tokio::time::Instant;
use tracing::debug;

use crate::access::SmbAccess;
use crate::downgrade;
use crate::error::{NO_CIPHER, OFFER_CIPHER, failed, is_broken, refused, share_refused, sign_in_refused};
use crate::negotiation::Negotiation;

/// A signed-in connection to a share. Everybody who reads or writes has a clone: requests of all go over the one
/// connection, at the same time.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) connection: Connection,
    pub(crate) tree: Arc<Tree>,
    clock: Option<(u64, Instant)>,
}

impl Link {
    /// Connects, signs in, and opens the share. `previous` is the session that this one takes the place of: the server
    /// ends it, and the files that it had open are free again.
    pub(crate) async fn open(access: &SmbAccess, previous: Option<SessionId>) -> Result<Self, ShareError> {
        let password = access.password()?;
        let connecting = |e| refused("connect", access.whole(), &e);
        let options = ConnectOptions::with_timeout(access.patience);
        let tcp = TcpTransport::connect_with(&access.server, options).await;
        let negotiation = Negotiation::over(tcp.map_err(connecting)?);
        let halves = (
            Box::new(Arc::clone(&negotiation)),
            Box::new(Arc::clone(&negotiation)),
        );
        let mut connection = Connection::from_transport(halves.0, halves.1, access.host.clone());
        connection.set_response_timeout(Some(access.patience));
        // What an encrypted message's length tells must not depend on what is in it.
        connection.set_compression_requested(false);
        connection.negotiate().await.map_err(connecting)?;
        negotiation.settle(&connection);
        let clock = negotiation.server_time().map(|time| (time, Instant::now()));

        if let Some(previous) = previous {
            connection.set_previous_session_id(previous);
        }
        let session = Session::setup(&mut connection, &access.user, password, &access.domain).await;
        let session = session.map_err(|e| sign_in_refused(access, &connection, &e))?;
        if !session.should_sign {
            let why = "the server offers a session that is not signed, as for a guest";
            return Err(failed(access, ShareErrorKind::NotSignedIn, "sign in", why)
                .advising("name a user who has a password"));
        }
        encrypt(access, &mut connection, session)?;
        let tree = Tree::connect(&mut connection, &access.share).await;
        let tree = tree.map_err(|e| share_refused(access, &connection, &e))?;
        downgrade::check(access, &negotiation, &connection, &tree).await?;
        if tree.encrypt_data && !connection.should_encrypt() {
            let why = format!("the share takes only encrypted requests, {NO_CIPHER}");
            return Err(
                failed(access, ShareErrorKind::Unsupported, "open the share", why).advising(OFFER_CIPHER)
            );
        }
        debug!(
            share = %access.address,
            encrypted = connection.should_encrypt(),
            "connected to an SMB share"
        );
        Ok(Self {
            connection,
            tree: Arc::new(tree),
            clock,
        })
    }

    pub(crate) fn is_down(&self) -> bool {
        self.connection.is_disconnected()
    }

    /// Takes note of a failure: a connection that does not work any more is not used again by anyone.
    pub(crate) fn note(&self, error: &smb2::Error) {
        if is_broken(error) {
            self.connection.mark_dead();
        }
    }

    /// How long ago a time of the server is, by its own clock.
    pub(crate) fn since(&self, then: u64) -> Option<Duration> {
        let (time, noted) = self.clock?;
        let now = u128::from(time) + noted.elapsed().as_nanos() / 100;
        let ticks = now.saturating_sub(u128::from(then));
        u64::try_from(ticks)
            .ok()
            .map(|ticks| Duration::from_micros(ticks / 10))
    }

    /// A path as a request has it. In a DFS tree it begins with the server and the share (MS-SMB2, section 3.2.4.3).
    pub(crate) fn wire_path(&self, path: &str) -> String {
        let path = smb2::encode_path(path);
        match self.tree.is_dfs {
            true => format!(
                "{}\\{}\\{path}",
                self.connection.server_name(),
                self.tree.share_name
            ),
            false => path,
        }
    }

    pub(crate) async fn open_reader(&self, path: &str) -> smb2::Result<FileReader> {
        let opened =
            smb2::client::stream::open_file_reader(Arc::clone(&self.tree), self.connection.clone(), path);
        Box::pin(opened).await
    }

    pub(crate) async fn create_writer(&self, path: &str) -> smb2::Result<FileWriter> {
        let (tree, connection) = (Arc::clone(&self.tree), self.connection.clone());
        Box::pin(smb2::client::stream::open_file_writer_exclusive(
            tree, connection, path,
        ))
        .await
    }
}

/// Encrypts from now on, when the server offers it.
fn encrypt(access: &SmbAccess, connection: &mut Connection, session: Session) -> Result<(), ShareError> {
    if connection.should_encrypt() {
        return Ok(());
    }
    let cipher = offered(connection);
    match (cipher, session.encryption_key, session.decryption_key) {
        (Some(cipher), Some(out), Some(back)) => {
            connection.activate_encryption(out, back, cipher);
            Ok(())
        }
        _ if access.must_encrypt => {
            let why = "the share is configured with encryption = required, and the server offers none";
            Err(failed(access, ShareErrorKind::Unsupported, "sign in", why)
                .advising("switch SMB 3 encryption on at the server, or set encryption to when-offered"))
        }
        _ => Ok(()),
    }
}

/// The cipher that the server takes. Before SMB 3.1.1 there is one, and a flag.
pub(crate) fn offered(connection: &Connection) -> Option<Cipher> {
    let params = connection.params()?;
    match params.dialect {
        Dialect::Smb3_1_1 => params.cipher,
        Dialect::Smb3_0 | Dialect::Smb3_0_2 => {
            let flag = params.capabilities.contains(Capabilities::ENCRYPTION);
            flag.then_some(Cipher::Aes128Ccm)
        }
        _ => None,
    }
}
