//! Whether links on the share lead out of the folder that is its top. Links out of the whole SMB share are the server's to
//! refuse: Windows follows none, and Samba none that lead out.

use smb2::client::FileIdentity;

use crate::SmbFileShare;
use crate::link::Link;

/// Whether the path that the server really opened is below the top. A server that does not tell the path (before
/// SMB 3.1.1) is trusted.
pub(crate) async fn stays_within(share: &SmbFileShare, link: &mut Link, resolved: Option<&str>) -> bool {
    let top = &share.access().top;
    let Some(resolved) = resolved else { return true };
    if top.is_empty() || is_below(top, resolved) {
        return true;
    }
    // The top itself may be called otherwise: by a link, or by its short name.
    let Some(of_top) = identity(link, &top.join("/")).await else {
        return false;
    };
    for (end, _) in resolved.match_indices('/') {
        if identity(link, &resolved[..end]).await == Some(of_top) {
            return true;
        }
    }
    false
}

fn is_below(top: &[String], resolved: &str) -> bool {
    let mut names = resolved.split('/');
    top.iter().all(|name| {
        names
            .next()
            .is_some_and(|found| found.to_lowercase() == name.to_lowercase())
    })
}

async fn identity(link: &mut Link, path: &str) -> Option<FileIdentity> {
    let tree = link.tree.clone();
    let found = Box::pin(tree.stat_with_identity(&mut link.connection, path)).await;
    found.ok()?.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_whole_and_as_the_server_does() {
        let top = ["Keys".to_owned(), "2026".to_owned()];
        for below in ["Keys/2026", "keys/2026/k.pem", "KEYS/2026/a/b"] {
            assert!(is_below(&top, below), "{below}");
        }
        for outside in ["", "Keys", "Keys/2026x/k.pem", "other/Keys/2026/k.pem"] {
            assert!(!is_below(&top, outside), "{outside}");
        }
    }
}
