use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use keystead_application::ports::RandomnessError;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use super::*;

struct Counting(AtomicU64);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.copy_from_slice(&n[..buffer.len()]);
        Ok(())
    }
}

struct Place {
    folder: TempDir,
    share: LocalFileShare,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            share: LocalFileShare::new(Arc::new(Counting(0.into()))),
        }
    }

    fn at(&self, name: &str) -> SharePath {
        SharePath::new(self.folder.path().join(name).to_str().unwrap())
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    async fn put(&self, name: &str, content: &[u8], replace: Replace) -> Result<u64, ShareErrorKind> {
        let mut writer = self
            .share
            .create(&self.at(name), replace)
            .await
            .map_err(|e| e.kind)?;
        writer.write(content).await.map_err(|e| e.kind)?;
        writer
            .publish()
            .await
            .map(|receipt| receipt.bytes)
            .map_err(|e| e.kind)
    }

    async fn content(&self, name: &str) -> Vec<u8> {
        let mut content = Vec::new();
        let mut file = self.share.read(&self.at(name)).await.unwrap();
        file.read_to_end(&mut content).await.unwrap();
        content
    }
}

#[tokio::test]
async fn a_file_appears_whole_and_private_when_it_is_published() {
    let place = Place::new();
    let mut writer = place
        .share
        .create(&place.at("k.pem"), Replace::Never)
        .await
        .unwrap();
    writer.write(b"half").await.unwrap();
    assert_eq!(place.share.stat(&place.at("k.pem")).await.unwrap(), None);
    let temporary = place.names();
    assert!(temporary.len() == 1 && temporary[0].starts_with(".keystead-"));
    let mode = |name: &str| fs::metadata(place.folder.path().join(name)).unwrap().mode() & 0o777;
    assert_eq!(mode(&temporary[0]), 0o600);

    writer.write(b" and half").await.unwrap();
    let receipt = writer.publish().await.unwrap();
    assert_eq!(
        (receipt.place.as_str(), receipt.bytes),
        (place.at("k.pem").as_str(), 13)
    );
    assert_eq!(place.content("k.pem").await, b"half and half");
    assert_eq!((place.names(), mode("k.pem")), (vec!["k.pem".to_owned()], 0o600));
}

#[tokio::test]
async fn every_length_around_the_buffer_arrives() {
    let place = Place::new();
    const MIB: usize = 1024 * 1024;
    for (i, len) in [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 5 * MIB + 7]
        .into_iter()
        .enumerate()
    {
        let content: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
        let name = format!("{i}");
        for piece in [len.max(1), 64 * 1024 + 3] {
            let mut writer = place
                .share
                .create(&place.at(&name), Replace::Allowed)
                .await
                .unwrap();
            for chunk in content.chunks(piece) {
                writer.write(chunk).await.unwrap();
            }
            assert_eq!(writer.publish().await.unwrap().bytes, len as u64);
            assert!(
                place.content(&name).await == content,
                "{len} in pieces of {piece}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_replaced_unless_it_may_be() {
    let place = Place::new();
    place.put("k", b"old", Replace::Never).await.unwrap();
    assert_eq!(
        place.put("k", b"new", Replace::Never).await,
        Err(ShareErrorKind::Exists)
    );
    assert_eq!(place.content("k").await, b"old");
    assert_eq!(place.put("k", b"new", Replace::Allowed).await, Ok(3));
    assert_eq!(place.content("k").await, b"new");

    // Another one comes first between create and publish.
    let late = place
        .share
        .create(&place.at("race"), Replace::Never)
        .await
        .unwrap();
    place.put("race", b"first", Replace::Never).await.unwrap();
    assert_eq!(late.publish().await.unwrap_err().kind, ShareErrorKind::Exists);
    assert_eq!(place.content("race").await, b"first");
    assert_eq!(place.names(), ["k", "race"]);
}

#[tokio::test]
async fn what_is_discarded_or_dropped_leaves_nothing() {
    let place = Place::new();
    place.put("k", b"old", Replace::Never).await.unwrap();
    for drop_it in [true, false] {
        let mut writer = place
            .share
            .create(&place.at("k"), Replace::Allowed)
            .await
            .unwrap();
        writer.write(&vec![7; 3 * 1024 * 1024]).await.unwrap();
        if drop_it {
            drop(writer);
        } else {
            writer.discard().await;
        }
        assert_eq!(place.names(), ["k"]);
    }
    assert_eq!(place.content("k").await, b"old");
}

#[tokio::test]
async fn clean_up_takes_what_nobody_writes_and_nothing_else() {
    let place = Place::new();
    let writer = place.share.create(&place.at("k"), Replace::Never).await.unwrap();
    let being_written = place.names();
    for name in [
        ".keystead-00000000deadbeef.tmp",
        ".keystead-dead.pem",
        "keystead-1.tmp",
    ] {
        fs::write(place.folder.path().join(name), "x").unwrap();
    }
    fs::create_dir(place.folder.path().join(".keystead-0000000000000001.tmp")).unwrap();
    symlink(
        "keystead-1.tmp",
        place.folder.path().join(".keystead-0000000000000002.tmp"),
    )
    .unwrap();

    assert_eq!(place.share.clean_up(&place.at("k")).await.unwrap(), 1);
    assert!(
        !place
            .names()
            .contains(&".keystead-00000000deadbeef.tmp".to_owned())
    );
    assert_eq!(place.names().len(), 5);
    assert!(place.names().contains(&being_written[0]));
    writer.publish().await.unwrap();
    assert_eq!(place.share.clean_up(&place.at("")).await.unwrap(), 0);
    assert_eq!(place.share.clean_up(&place.at("gone/k")).await.unwrap(), 0);
}

#[tokio::test]
async fn a_writer_that_was_killed_leaves_a_file_that_clean_up_takes() {
    let place = Place::new();
    let name = place.folder.path().join(".keystead-00000000000000ff.tmp");
    // flock(1) holds the lock as a writer does, until it is killed.
    let mut other = Command::new("flock")
        .arg(&name)
        .args(["sh", "-c", "echo locked; exec cat"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 7];
    io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut line).unwrap();
    assert_eq!(place.share.clean_up(&place.at("k")).await.unwrap(), 0);
    drop(other.stdin.take());
    other.wait().unwrap();
    assert_eq!(place.share.clean_up(&place.at("k")).await.unwrap(), 1);
    assert!(place.names().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn clean_up_never_takes_a_file_from_a_writer() {
    let place = Arc::new(Place::new());
    let cleaner = tokio::spawn({
        let place = Arc::clone(&place);
        async move {
            for _ in 0..400 {
                place.share.clean_up(&place.at("k")).await.unwrap();
            }
        }
    });
    let writers: Vec<_> = (0..4)
        .map(|n| {
            let place = Arc::clone(&place);
            tokio::spawn(async move {
                for i in 0..50 {
                    let name = format!("{n}-{i}");
                    assert_eq!(place.put(&name, b"content", Replace::Never).await, Ok(7));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    cleaner.await.unwrap();
    assert_eq!(place.names().len(), 200);
}

#[tokio::test]
async fn stat_and_read_tell_files_folders_and_devices_apart() {
    let place = Place::new();
    place.put("k", b"content", Replace::Never).await.unwrap();
    let stat = |path: SharePath| {
        let share = &place.share;
        async move { share.stat(&path).await.unwrap() }
    };
    assert_eq!(stat(place.at("k")).await, Some(EntryKind::File));
    assert_eq!(stat(place.at("")).await, Some(EntryKind::Folder));
    assert_eq!(stat(place.at("none")).await, None);
    assert_eq!(stat(place.at("k/none")).await, None);
    assert_eq!(stat(SharePath::new("/dev/null")).await, Some(EntryKind::Other));

    let pipe = place.folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let read = |path: SharePath| {
        let share = &place.share;
        async move { share.read(&path).await.map(|_| ()).map_err(|e| e.kind) }
    };
    assert_eq!(read(place.at("none")).await, Err(ShareErrorKind::NotFound));
    assert_eq!(read(place.at("k/none")).await, Err(ShareErrorKind::NotFound));
    assert_eq!(read(place.at("")).await, Err(ShareErrorKind::NotAFile));
    assert_eq!(read(place.at("pipe")).await, Err(ShareErrorKind::NotAFile));
    assert_eq!(
        read(SharePath::new("/dev/null")).await,
        Err(ShareErrorKind::NotAFile)
    );
}

#[tokio::test]
async fn a_place_that_cannot_take_a_file_is_refused_before_anything_is_written() {
    let place = Place::new();
    fs::create_dir(place.folder.path().join("sub")).unwrap();
    fs::write(place.folder.path().join("file"), "x").unwrap();
    symlink("/dev/null", place.folder.path().join("device")).unwrap();
    symlink("sub", place.folder.path().join("to-folder")).unwrap();
    let before = place.names();
    for replace in [Replace::Never, Replace::Allowed] {
        let cases = [
            ("gone/k", ShareErrorKind::NoFolder),
            ("file/k", ShareErrorKind::NoFolder),
            ("sub", ShareErrorKind::NotAFile),
            ("sub/", ShareErrorKind::NotAFile),
            ("new/", ShareErrorKind::NotAFile),
            ("..", ShareErrorKind::NotAFile),
            ("device", ShareErrorKind::NotAFile),
            ("to-folder", ShareErrorKind::NotAFile),
            (&"n".repeat(300), ShareErrorKind::BadName),
        ];
        for (name, expected) in cases {
            assert_eq!(place.put(name, b"x", replace).await, Err(expected), "{name}");
        }
    }
    let dev_null = place
        .share
        .create(&SharePath::new("/dev/null"), Replace::Allowed)
        .await;
    assert_eq!(dev_null.err().unwrap().kind, ShareErrorKind::NotAFile);
    assert_eq!(place.names(), before);
}

#[tokio::test]
async fn a_link_is_a_file_of_its_own_where_files_are_written() {
    let place = Place::new();
    place.put("target", b"kept", Replace::Never).await.unwrap();
    let link = place.folder.path().join("link");
    for target in ["target", "nowhere"] {
        symlink(target, &link).unwrap();
        assert_eq!(
            place.put("link", b"new", Replace::Never).await,
            Err(ShareErrorKind::Exists)
        );
        assert_eq!(place.put("link", b"new", Replace::Allowed).await, Ok(3));
        assert!(!link.is_symlink());
        place.share.remove(&place.at("link")).await.unwrap();
    }
    assert_eq!(place.content("target").await, b"kept");
    assert_eq!(place.names(), ["target"]);
}

#[tokio::test]
async fn removing_twice_is_no_error_and_a_folder_stays() {
    let place = Place::new();
    place.put("k", b"x", Replace::Never).await.unwrap();
    place.share.remove(&place.at("k")).await.unwrap();
    place.share.remove(&place.at("k")).await.unwrap();
    place.share.remove(&place.at("gone/k")).await.unwrap();
    let refused = place.share.remove(&place.at("")).await.unwrap_err();
    assert_eq!(refused.kind, ShareErrorKind::NotAFile);
}

#[tokio::test]
async fn a_full_disk_is_no_space_and_leaves_nothing() {
    let place = Place::new();
    // Every write to /dev/full fails for want of room, as on a full disk.
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (temporary, _) = Temporary::create(place.folder.path(), place.share.randomness.as_ref()).unwrap();
    let path = place.folder.path().join("k");
    let mut writer: Box<dyn ShareWriter> =
        Box::new(LocalShareWriter::new(temporary, full, &path, Replace::Never));
    let mut result = Ok(());
    for _ in 0..4 {
        result = writer.write(&vec![1; 1024 * 1024]).await;
        if result.is_err() {
            break;
        }
    }
    assert_eq!(result.unwrap_err().kind, ShareErrorKind::NoSpace);
    assert!(
        writer.publish().await.is_err(),
        "a file with a hole is not published"
    );
    assert!(place.names().is_empty());
}

#[tokio::test]
async fn what_comes_in_over_a_network_is_not_cleaned_up_here() {
    let place = Place::new();
    let upload = ".keystead-0123456789abcdef-b1a2c3d4-4026531836-17-99.tmp";
    std::fs::write(place.folder.path().join(upload), "being uploaded").unwrap();
    std::fs::write(
        place.folder.path().join(".keystead-0123456789abcdef.tmp"),
        "left behind",
    )
    .unwrap();
    let removed = place.share.clean_up(&place.at("k.pem")).await.unwrap();
    assert_eq!(removed, 1);
    assert!(place.folder.path().join(upload).exists());
}
