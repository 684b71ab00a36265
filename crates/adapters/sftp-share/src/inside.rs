use std::sync::Arc;

use keystead_application::ports::{ShareError, ShareErrorKind};
use russh_sftp::protocol::FileType;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::error::{Answer, failed, link_lost, plainly};
use crate::share::{Inner, Spot};

/// That no symbolic link on the way to a path, nor at its end, leads out of the share. Somebody who may change folders on
/// the server could still exchange one afterwards; what is read is checked by its content, and what is written is a new
/// file.
pub(crate) async fn stays_inside(
    inner: &Inner,
    connection: &Arc<Connection>,
    operation: &'static str,
    spot: &Spot,
) -> Result<(), ShareError> {
    let top = &inner.reach.access.address.names;
    if top.is_empty() {
        return Ok(());
    }
    let path = |below: usize| connection.path(top.iter().chain(&spot.names[..below]).map(String::as_str));
    let depth = spot.names.len();
    let links = links(connection, (1..=depth).map(path));
    let (real_top, top_is_there, links) =
        tokio::join!(real(connection, path(0)), connection.sftp.stat(path(0)), links,);
    let real_top = match (real_top, top_is_there.map_err(|e| crate::error::answer(&e))) {
        (Ok(real), Ok(_)) => real,
        (Err(Answer::Missing), _) | (_, Err(Answer::Missing)) => {
            return Err(no_share(operation, &inner.reach.place()));
        }
        (Err(e), _) | (_, Err(e)) => return Err(told(inner, connection, operation, spot, &e).await),
    };
    // What does not exist yet is where the nearest folder above it is.
    for below in (0..=depth).rev() {
        let real = match real(connection, path(below)).await {
            Ok(real) => real,
            Err(Answer::Missing) => continue,
            Err(e) => return Err(told(inner, connection, operation, spot, &e).await),
        };
        let unresolved =
            links.iter().any(|link| *link <= below) && real == joined(&real_top, &spot.names[..below]);
        if unresolved {
            let why = "there is a symbolic link in the path, and the server does not tell where it leads";
            return Err(failed(ShareErrorKind::OutsideShare, operation, &spot.url, why));
        }
        if !is_below(&real, &real_top) {
            let why = "a symbolic link leads out of the share";
            return Err(failed(ShareErrorKind::OutsideShare, operation, &spot.url, why));
        }
        return Ok(());
    }
    Ok(())
}

/// For a share whose top does not exist.
pub(crate) fn no_share(operation: &'static str, place: &str) -> ShareError {
    let why = "the folder of the share does not exist on the server";
    failed(ShareErrorKind::NoShare, operation, place, why).advising(
        "make the folder on the server, or mend the path, which is counted from the top of the server, or from the login \
         folder when it begins with ~/",
    )
}

async fn told(
    inner: &Inner,
    connection: &Arc<Connection>,
    operation: &'static str,
    spot: &Spot,
    answer: &Answer,
) -> ShareError {
    if let Answer::LinkLost(why) = answer {
        inner.forget(connection).await;
        return link_lost(operation, &spot.url, why);
    }
    plainly(operation, &spot.url, answer)
}

async fn real(connection: &Connection, path: String) -> Result<String, Answer> {
    let found = connection
        .sftp
        .realpath(path)
        .await
        .map_err(|e| crate::error::answer(&e))?;
    let found = found.files.into_iter().next().map(|file| file.filename);
    found.ok_or(Answer::Missing)
}

/// Which of the paths are symbolic links, counted from 1. A server that says so resolves them or does not.
async fn links(connection: &Arc<Connection>, paths: impl Iterator<Item = String>) -> Vec<usize> {
    let mut looks = JoinSet::new();
    for (number, path) in (1..).zip(paths) {
        let connection = Arc::clone(connection);
        looks.spawn(async move {
            let found = connection.sftp.lstat(path).await;
            (
                number,
                found.is_ok_and(|found| found.attrs.file_type() == FileType::Symlink),
            )
        });
    }
    let looked = looks.join_all().await;
    looked
        .into_iter()
        .filter_map(|(number, is_link)| is_link.then_some(number))
        .collect()
}

fn joined(top: &str, names: &[String]) -> String {
    names
        .iter()
        .fold(top.trim_end_matches('/').to_owned(), |path, name| {
            path + "/" + name
        })
}

fn is_below(path: &str, top: &str) -> bool {
    let top = top.trim_end_matches('/');
    path.strip_prefix(top)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_begins_like_the_top_is_not_below_it() {
        assert!(is_below("/srv/keys", "/srv/keys") && is_below("/srv/keys/a", "/srv/keys/"));
        assert!(is_below("/a", "/") && is_below("/", "/"));
        assert!(!is_below("/srv/keys2/a", "/srv/keys") && !is_below("/srv", "/srv/keys"));
    }
}
