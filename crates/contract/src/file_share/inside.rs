use std::sync::Arc;

use keystead_application::ports::{FileShare, Replace, ShareError, ShareErrorKind, SharePath};

use super::FileShareFixture;
use super::steps::{holds, keeps_inside, place, put, refused};
use crate::case::{cases, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn FileShareFixture>> {
    cases![
        a_path_with_dots_is_refused if keeps_inside,
        a_name_with_a_control_character_is_refused if keeps_inside,
        slashes_at_the_ends_say_nothing if keeps_inside,
    ]
}

async fn a_path_with_dots_is_refused(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    put(&*share, &path, b"stays").await?;
    let name = "keyset-0123456789abcdef.pem";
    for dots in [
        "../outside.pem",
        "./x.pem",
        "x/../y.pem",
        &format!("x/../{name}"),
        "..",
    ] {
        every_way_is_refused(&*share, &folder.join(dots), ShareErrorKind::OutsideShare).await?;
    }
    let from_the_top = SharePath::new("../outside.pem");
    every_way_is_refused(&*share, &from_the_top, ShareErrorKind::OutsideShare).await?;
    holds(&*share, &path, b"stays").await?;
    equal(fixture.files_in(&folder).await, 1, "the files in the folder")
}

async fn a_name_with_a_control_character_is_refused(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, _) = place(&fixture).await;
    for name in ["a\0b", "a\nb", "\u{1b}[2J"] {
        every_way_is_refused(&*share, &folder.join(name), ShareErrorKind::BadName).await?;
    }
    equal(fixture.files_in(&folder).await, 0, "the files in the folder")
}

async fn every_way_is_refused(share: &dyn FileShare, path: &SharePath, kind: ShareErrorKind) -> Verdict {
    let told = |what: &str| format!("{what} {:?}", path.as_str());
    refused(share.stat(path).await, &[kind], &told("looking at"))?;
    refused(share.read(path).await, &[kind], &told("reading"))?;
    for replace in [Replace::Never, Replace::Allowed] {
        let written: Result<_, ShareError> = match share.create(path, replace).await {
            Ok(writer) => writer.publish().await,
            Err(error) => Err(error),
        };
        refused(written, &[kind], &told("writing"))?;
    }
    refused(share.remove(path).await, &[kind], &told("removing"))?;
    refused(share.clean_up(path).await, &[kind], &told("cleaning up"))
}

async fn slashes_at_the_ends_say_nothing(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, _, path) = place(&fixture).await;
    put(&*share, &path, b"one file").await?;
    let same = SharePath::new(format!("//{}", path.as_str().trim_start_matches('/')));
    holds(&*share, &same, b"one file").await
}
