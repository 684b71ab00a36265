use std::sync::Arc;

use keystead_application::ports::{EntryKind, Replace, ShareErrorKind};

use super::FileShareFixture;
use super::steps::{comes_to_hold, content, has_folders, holds, knows_owners, place, put, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn FileShareFixture>> {
    cases![
        what_was_published_is_read,
        nothing_stands_under_the_name_before_publishing,
        a_dropped_writer_leaves_nothing,
        a_discarded_writer_leaves_nothing,
        publishing_leaves_one_file,
        a_receipt_tells_place_and_size,
        names_beyond_ascii_work,
        a_missing_folder_is_named if has_folders,
        a_folder_is_not_written_over if has_folders,
        a_published_file_is_for_its_owner_alone if knows_owners,
    ]
}

async fn what_was_published_is_read(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let share = fixture.share();
    let folder = fixture.folder().await;
    for len in [0, 1, 4_096, 3 * 1024 * 1024 + 17] {
        let bytes = samples::bytes(5, len);
        let path = folder.join(&format!("{len}.bin"));
        let mut writer = share.create(&path, Replace::Never).await?;
        let mut rest = bytes.as_slice();
        for step in [1, 0, 7, 4_095, 65_536, 1_000_003].into_iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(step));
            writer.write(now).await?;
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        writer.publish().await?;
        holds(&*share, &path, &bytes).await?;
    }
    Ok(())
}

async fn nothing_stands_under_the_name_before_publishing(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, _, path) = place(&fixture).await;
    let mut writer = share.create(&path, Replace::Never).await?;
    for _ in 0..3 {
        writer.write(&samples::bytes(1, 100_000)).await?;
        ensure!(
            share.stat(&path).await?.is_none(),
            "there is something under the name"
        );
        refused(
            share.read(&path).await,
            &[ShareErrorKind::NotFound],
            "reading before publishing",
        )?;
    }
    writer.publish().await?;
    equal(
        share.stat(&path).await?,
        Some(EntryKind::File),
        "what is under the name after publishing",
    )
}

async fn a_dropped_writer_leaves_nothing(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    for replace in [Replace::Never, Replace::Allowed] {
        let mut writer = share.create(&path, replace).await?;
        writer.write(b"never mind").await?;
        drop(writer);
        ensure!(share.stat(&path).await?.is_none(), "the file is there");
        comes_to_hold(&*fixture, &folder, 0).await?;
    }
    Ok(())
}

async fn a_discarded_writer_leaves_nothing(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    let mut writer = share.create(&path, Replace::Never).await?;
    writer.write(b"never mind").await?;
    writer.discard().await;
    ensure!(share.stat(&path).await?.is_none(), "the file is there");
    equal(fixture.files_in(&folder).await, 0, "the files in the folder")
}

async fn publishing_leaves_one_file(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    put(&*share, &path, b"one").await?;
    equal(fixture.files_in(&folder).await, 1, "the files in the folder")
}

async fn a_receipt_tells_place_and_size(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, path) = place(&fixture).await;
    let receipt = put(&*share, &path, &[7; 12_345]).await?;
    equal(receipt.bytes, 12_345, "the size in the receipt")?;
    ensure!(
        receipt.place.contains("keyset-0123456789abcdef.pem"),
        "the receipt's place {} does not name the file",
        receipt.place
    );
    let length = share.length(&path).await?;
    ensure!(
        matches!(length, None | Some(12_345)),
        "the length is {length:?} instead of 12345"
    );
    equal(
        share.length(&folder.join("none")).await?,
        None,
        "the length of nothing",
    )?;
    equal(
        receipt.promised,
        share.capabilities(),
        "what the receipt says was promised",
    )?;
    let receipt = put(&*share, &folder.join("empty"), b"").await?;
    equal(receipt.bytes, 0, "the size in the receipt of an empty file")
}

async fn names_beyond_ascii_work(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let share = fixture.share();
    let folder = fixture.folder().await;
    let names = [
        "Büro Schlüssel 2026.pem",
        "ключ 鍵 🔑.pem",
        "100% #1 & more+.pem",
        "%2e%2e%2f.pem",
        "it's (a) [name]; really.pem",
        "-leading dash",
        "two  blanks",
        // Each of these becomes another one of them when it is encoded or decoded once too often or too little.
        "ä.pem",
        "ö.pem",
        "a b.pem",
        "a+b.pem",
        "a%20b.pem",
        "a%2520b.pem",
    ];
    for (n, name) in (1..).zip(names) {
        let path = folder.join(name);
        put(&*share, &path, name.as_bytes()).await?;
        equal(fixture.files_in(&folder).await, n, "the files in the folder")?;
    }
    for name in names {
        let path = folder.join(name);
        equal(share.stat(&path).await?, Some(EntryKind::File), name)?;
        equal(content(&*share, &path).await?, name.as_bytes().to_vec(), name)?;
    }
    Ok(())
}

async fn a_missing_folder_is_named(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, _) = place(&fixture).await;
    let path = folder.join("no such folder").join("keyset.pem");
    let kinds = [ShareErrorKind::NoFolder];
    match share.create(&path, Replace::Never).await {
        Err(error) => refused::<()>(Err(error), &kinds, "creating in a folder that is not there")?,
        Ok(mut writer) => {
            let written = writer.write(b"lost").await;
            let result = match written {
                Err(error) => Err(error),
                Ok(()) => writer.publish().await,
            };
            refused(result, &kinds, "publishing in a folder that is not there")?;
        }
    }
    ensure!(
        share.stat(&folder.join("no such folder")).await?.is_none(),
        "the folder was made"
    );
    Ok(())
}

async fn a_folder_is_not_written_over(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, folder, _) = place(&fixture).await;
    let path = as_file(&folder);
    for replace in [Replace::Never, Replace::Allowed] {
        let result = match share.create(&path, replace).await {
            Err(error) => Err(error),
            Ok(writer) => writer.publish().await,
        };
        let kinds = [ShareErrorKind::NotAFile, ShareErrorKind::Exists];
        refused(result, &kinds, "writing over a folder")?;
        equal(
            share.stat(&path).await?,
            Some(EntryKind::Folder),
            "what is under the folder's name",
        )?;
    }
    Ok(())
}

async fn a_published_file_is_for_its_owner_alone(fixture: Arc<dyn FileShareFixture>) -> Verdict {
    let (share, _, path) = place(&fixture).await;
    put(&*share, &path, b"private").await?;
    let mut writer = share.create(&path, Replace::Allowed).await?;
    writer.write(b"private again").await?;
    writer.publish().await?;
    match fixture.others_can_read(&path).await {
        Some(false) => Ok(()),
        Some(true) => Err(Violation::new("others can read the file")),
        None => Err(Violation::new(
            "the share knows owners, and its fixture cannot tell who may read a file",
        )),
    }
}

/// The path of a folder without the slash that marks it as one.
pub(super) fn as_file(
    folder: &keystead_application::ports::SharePath,
) -> keystead_application::ports::SharePath {
    keystead_application::ports::SharePath::new(folder.as_str().trim_end_matches('/'))
}
