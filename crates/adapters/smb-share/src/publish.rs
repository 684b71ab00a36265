use std::time::Duration;

use keystead_application::ports::{Replace, ShareCapabilities, ShareError, ShareErrorKind};
use smb2::RenameOptions;
use smb2::client::FileIdentity;
use smb2::types::Command;
use smb2::types::status::NtStatus;
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::SmbFileShare;
use crate::error::{cannot_link, is_broken, is_missing};
use crate::handle::Handle;
use crate::link::Link;
use crate::name::Place;
use crate::share::CAPABILITIES;

const OPERATION: &str = "put the file under its name";

/// How long those are waited for that have a file open which is to be replaced or renamed.
const FOR_OTHERS: Duration = Duration::from_secs(5);

/// A file that is whole, flushed and closed, and has its temporary name.
pub(crate) struct Finished {
    pub(crate) share: SmbFileShare,
    pub(crate) link: Link,
    pub(crate) temporary: Place,
    pub(crate) place: Place,
    pub(crate) replace: Replace,
    pub(crate) identity: Option<FileIdentity>,
    pub(crate) bytes: u64,
}

/// A file that has its name.
pub(crate) struct Named {
    pub(crate) promised: ShareCapabilities,
    /// Whether it may have its temporary name too.
    pub(crate) has_both_names: bool,
}

impl Finished {
    /// Makes the file appear under its name in one step.
    pub(crate) async fn put_under_name(mut self) -> Result<Named, ShareError> {
        let error = match self.once_nobody_minds().await {
            Ok(named) => return Ok(named),
            Err(error) => error,
        };
        let mut refused = self.share.refused(&self.link, OPERATION, &self.place, &error);
        // The server may have done it, and the answer was lost.
        if is_broken(&error) && self.stands_there().await {
            return Ok(Named {
                promised: ShareCapabilities {
                    durable: false,
                    ..CAPABILITIES
                },
                has_both_names: true,
            });
        }
        if has_vanished(&error) {
            refused.kind = ShareErrorKind::Unavailable;
            refused.message = "somebody removed the temporary file while it was written".into();
            refused = refused.advising(
                "try again, and look for what removes files called .keystead-….tmp from the folder",
            );
        } else if is_hidden(&error) {
            refused.kind = ShareErrorKind::OutsideShare;
            refused.message =
                "there is a link of this name, which leads out of the share or to nothing".into();
        } else if refused.kind == ShareErrorKind::Denied && self.replace == Replace::Allowed {
            refused.message = format!(
                "the server does not let the old file be replaced; somebody has it open, or it is not this user's to \
                 remove ({error})"
            );
        }
        Err(refused)
    }

    /// Windows replaces no file that somebody has open, and Samba none that is open on the same connection. So readers are
    /// given the time to finish, and those of this share begin no more meanwhile.
    async fn once_nobody_minds(&mut self) -> smb2::Result<Named> {
        let share = self.share.clone();
        let _alone = match self.replace {
            Replace::Allowed => Some(share.opening().write().await),
            Replace::Never => None,
        };
        let begun = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            let tried = match self.replace {
                Replace::Never => self.take_free_name().await,
                Replace::Allowed => self.rename().await,
            };
            match tried {
                Err(error) if self.may_be_in_use(&error) && begun.elapsed() < FOR_OTHERS => {
                    sleep(pause).await;
                }
                tried => return tried,
            }
            pause = (2 * pause).min(Duration::from_millis(50));
        }
    }

    /// Whether the reason may be that somebody has one of the files open. When it is the one to be replaced, servers say no
    /// other word for it than for a lack of rights.
    fn may_be_in_use(&self, error: &smb2::Error) -> bool {
        match error.status() {
            Some(NtStatus::SHARING_VIOLATION) => true,
            Some(NtStatus::ACCESS_DENIED) => self.replace == Replace::Allowed,
            _ => false,
        }
    }

    /// Gives the file a second name, which replaces nothing on any server. Where there are no second names, it is renamed,
    /// and not every server makes sure then that nobody else took the name a moment before.
    async fn take_free_name(&mut self) -> smb2::Result<Named> {
        let handle = Handle::open(&self.link, &self.temporary.wire()).await?;
        let linked = handle.also_call_it(&self.place.wire()).await;
        let flushed = match &linked {
            Ok(()) => handle.flush().await,
            Err(_) => Ok(()),
        };
        handle.close().await;
        match linked {
            Ok(()) => Ok(Named {
                promised: self.promised(&flushed),
                has_both_names: true,
            }),
            Err(error) if cannot_link(&error) => {
                let mut named = self.rename().await?;
                named.promised.exclusive_create = false;
                Ok(named)
            }
            Err(error) => Err(error),
        }
    }

    async fn rename(&mut self) -> smb2::Result<Named> {
        let (from, to) = (self.temporary.wire(), self.place.wire());
        let options = RenameOptions::new().replace_if_exists(self.replace == Replace::Allowed);
        let tree = self.link.tree.clone();
        Box::pin(tree.rename_with(&mut self.link.connection, &from, &to, options)).await?;
        let flushed = match Handle::open(&self.link, &to).await {
            Ok(handle) => {
                let flushed = handle.flush().await;
                handle.close().await;
                flushed
            }
            Err(error) => Err(error),
        };
        Ok(Named {
            promised: self.promised(&flushed),
            has_both_names: false,
        })
    }

    /// The content is on the medium already; the last flush was for the name.
    fn promised(&self, flushed: &smb2::Result<()>) -> ShareCapabilities {
        if let Err(error) = flushed {
            self.link.note(error);
            debug!(%error, "the name of a file could not be flushed");
        }
        ShareCapabilities {
            durable: flushed.is_ok(),
            ..CAPABILITIES
        }
    }

    /// Whether the file under the name is the one that was written, over a new connection.
    async fn stands_there(&mut self) -> bool {
        let Ok(link) = self.share.link().await else {
            return false;
        };
        self.link = link;
        let tree = self.link.tree.clone();
        let path = self.place.wire();
        let found = Box::pin(tree.stat_with_identity(&mut self.link.connection, &path)).await;
        match (self.identity, found) {
            (Some(ours), Ok((info, Some(found)))) => found == ours && info.size == self.bytes,
            _ => false,
        }
    }
}

/// Whether the file was not there when it was opened under its temporary name.
fn has_vanished(error: &smb2::Error) -> bool {
    let command = match error {
        smb2::Error::Protocol { command, .. } => Some(*command),
        _ => None,
    };
    is_missing(error) && command == Some(Command::Create)
}

/// Whether the name is taken by something that the server shows to nobody, as Samba does with links that lead out.
fn is_hidden(error: &smb2::Error) -> bool {
    matches!(
        error,
        smb2::Error::Protocol {
            status: NtStatus::OBJECT_NAME_NOT_FOUND,
            command: Command::SetInfo,
        }
    )
}
