//! Whether folders on the share stand below the folder that is its top, or a link led out of it.
//!
//! A server that follows links silently, as Samba does, tells of them neither in a listing nor by the name of what it
//! opened. But the `..` that it lists in a folder is where that folder really stands.

use keystead_application::ports::{ShareError, ShareErrorKind};

use crate::SmbFileShare;
use crate::error::is_missing;
use crate::handle::Handle;
use crate::link::Link;
use crate::name::Place;

/// Where a folder stands: its number on the file system of the server, and its parent's. 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    own: u64,
    parent: u64,
}

/// What the numbers of a folder and of the one that the path says it is in tell.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Inside,
    Elsewhere,
    /// Windows tells no parent, but shows its links.
    IsItALink,
    NotTold,
}

impl SmbFileShare {
    /// Refuses a folder that does not stand where its path says, counted from the top. What is missing is left to the call
    /// that needs it.
    ///
    /// Without a folder as top there is nothing to leave: links out of the whole SMB share are the server's to refuse.
    pub(crate) async fn check_folder(
        &self,
        operation: &'static str,
        folder: &Place,
    ) -> Result<(), ShareError> {
        if self.access().top.is_empty() || folder.names.is_empty() {
            return Ok(());
        }
        let link = self.link().await?;
        let mut place = folder.clone();
        let Some(mut standing) = self.standing(&link, operation, &place).await? else {
            return Ok(());
        };
        while !place.names.is_empty() {
            let above = place.folder();
            let Some(parent) = self.standing(&link, operation, &above).await? else {
                return Err(self.leads_out(operation, folder));
            };
            match verdict(standing, parent) {
                Verdict::Inside => {}
                Verdict::IsItALink if !self.is_link(operation, &place).await? => {}
                Verdict::IsItALink | Verdict::Elsewhere => return Err(self.leads_out(operation, folder)),
                Verdict::NotTold => return Err(self.not_told(operation, folder)),
            }
            (place, standing) = (above, parent);
        }
        Ok(())
    }

    /// Refuses a file that is not below the top, as far as the server tells.
    pub(crate) async fn check_file(&self, operation: &'static str, file: &Place) -> Result<(), ShareError> {
        self.check_folder(operation, &file.folder()).await?;
        if !self.access().top.is_empty() && self.is_link(operation, file).await? {
            return Err(self.leads_out(operation, file));
        }
        Ok(())
    }

    /// `None` when there is no such folder.
    async fn standing(
        &self,
        link: &Link,
        operation: &'static str,
        folder: &Place,
    ) -> Result<Option<Standing>, ShareError> {
        match look_around(link, &folder.wire()).await {
            Ok(standing) => Ok(Some(standing)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => {
                let mut refused = self.refused(link, operation, folder, &error);
                if refused.kind == ShareErrorKind::Denied {
                    refused.message = format!(
                        "this user may not list the folder, so that a link out of the share would not be noticed ({error})"
                    );
                    refused =
                        refused.advising("let this user list the folder and those above it on the share");
                }
                Err(refused)
            }
        }
    }

    fn leads_out(&self, operation: &'static str, place: &Place) -> ShareError {
        let why =
            "a link on the way leads out of the folder that the share is configured with, or elsewhere in it";
        let place = self.access().place(&place.names);
        ShareError::new(ShareErrorKind::OutsideShare, operation, place, why)
    }

    fn not_told(&self, operation: &'static str, place: &Place) -> ShareError {
        let why = "the server does not tell where its folders stand, so that a link out of the folder that the share is \
                   configured with would not be noticed";
        let place = self.access().place(&place.names);
        ShareError::new(ShareErrorKind::Unsupported, operation, place, why)
            .advising("configure a share for this folder itself, and give only names of files in it")
    }
}

fn verdict(folder: Standing, parent: Standing) -> Verdict {
    match (folder, parent) {
        (Standing { own: 0, .. }, _) | (_, Standing { own: 0, .. }) => Verdict::NotTold,
        (Standing { parent: 0, .. }, _) => Verdict::IsItALink,
        (folder, parent) if folder.parent == parent.own => Verdict::Inside,
        _ => Verdict::Elsewhere,
    }
}

/// Opens a folder as a path on it would be, and asks what it is and what it stands in.
async fn look_around(link: &Link, path: &str) -> smb2::Result<Standing> {
    let handle = Handle::open_folder(link, path).await?;
    let listed = handle.first_entries().await;
    handle.close().await;
    let listed = listed?;
    let number = |name: &str| {
        let entry = listed.iter().find(|entry| entry.file_name == name);
        entry.and_then(|entry| entry.file_id).unwrap_or_default()
    };
    Ok(Standing {
        own: number("."),
        parent: number(".."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_inside_when_the_server_says_what_it_stands_in() {
        let verdict = |own, parent, above| {
            let parent = Standing { own, parent };
            super::verdict(
                parent,
                Standing {
                    own: above,
                    parent: 1,
                },
            )
        };
        assert_eq!(verdict(9, 7, 7), Verdict::Inside);
        assert_eq!(verdict(9, 5, 7), Verdict::Elsewhere);
        // Windows.
        assert_eq!(verdict(9, 0, 7), Verdict::IsItALink);
        // Servers that number nothing, and that may follow links all the same.
        assert_eq!(verdict(0, 0, 0), Verdict::NotTold);
        assert_eq!(verdict(0, 7, 7), Verdict::NotTold);
        assert_eq!(verdict(9, 0, 0), Verdict::NotTold);
    }
}
