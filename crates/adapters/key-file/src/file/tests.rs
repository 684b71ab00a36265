use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use tempfile::TempDir;

use super::*;

fn content() -> Content {
    Zeroizing::new(b"the content\n".to_vec())
}

fn why<T>(result: Result<T, Unusable>) -> String {
    match result {
        Err(Unusable::Because(why)) => why,
        Err(Unusable::Exists) => "exists".into(),
        Ok(_) => panic!("it was usable"),
    }
}

fn read_ok(path: &Path) -> Option<Content> {
    read(path, Privacy::Owner).unwrap_or_else(|_| panic!("it cannot be read"))
}

fn names(folder: &TempDir) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    names
}

#[test]
fn only_its_owner_reads_a_new_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    assert!(read_ok(&path).is_none());
    assert!(create(&path, &content(), [1; 8]).is_ok());
    assert_eq!(read_ok(&path).unwrap().as_slice(), content().as_slice());

    let stat = Command::new("stat")
        .args(["-c", "%a"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(stat.stdout, b"600\n");
    assert_eq!(names(&folder), ["master.key"]);
}

#[test]
fn nothing_is_ever_replaced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    assert!(create(&path, &content(), [1; 8]).is_ok());
    assert_eq!(why(create(&path, &Zeroizing::new(vec![9; 32]), [2; 8])), "exists");
    assert_eq!(read_ok(&path).unwrap().as_slice(), content().as_slice());

    let link = folder.path().join("link.key");
    symlink("nowhere", &link).unwrap();
    assert_eq!(why(create(&link, &content(), [3; 8])), "exists");
}

#[test]
fn of_many_who_create_at_once_one_succeeds() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("master.key");
    let made: Vec<u8> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|n| {
                let path = &path;
                scope.spawn(move || {
                    create(path, &Zeroizing::new(vec![n; 32]), [n; 8])
                        .is_ok()
                        .then_some(n)
                })
            })
            .collect();
        threads.into_iter().filter_map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(made.len(), 1);
    assert_eq!(read_ok(&path).unwrap().as_slice(), [made[0]; 32]);
    assert_eq!(names(&folder), ["master.key"]);
}

#[test]
fn what_a_killed_creation_left_is_removed_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    for name in [
        ".master.key.0011223344556677.tmp",
        ".other.key.00.tmp",
        "notes.tmp",
    ] {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    assert!(create(&folder.path().join("master.key"), &content(), [1; 8]).is_ok());
    assert_eq!(names(&folder), [".other.key.00.tmp", "master.key", "notes.tmp"]);
}

#[test]
fn a_file_that_others_can_use_is_refused_with_the_command_that_mends_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("my master.key");
    assert!(create(&path, &content(), [1; 8]).is_ok());
    for mode in [0o640, 0o604, 0o620, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let why = why(read(&path, Privacy::Owner));
        let (_, command) = why.split_once("run: ").unwrap();
        let mended = Command::new("sh").args(["-c", command]).status().unwrap();
        assert!(mended.success() && read_ok(&path).is_some(), "{why}");
    }
    // Through a link, the file that it leads to counts.
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    assert!(read_ok(&link).is_some());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(read(&link, Privacy::Owner).is_err());
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let folder = TempDir::new().unwrap();
    assert!(why(read(folder.path(), Privacy::Owner)).contains("not a regular file"));
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .args(["-m", "600"])
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    assert!(why(read(&pipe, Privacy::Owner)).contains("not a regular file"));
}

#[test]
fn a_missing_folder_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gone/master.key");
    assert!(read_ok(&path).is_none());
    assert!(why(create(&path, &content(), [1; 8])).contains("there is no folder"));
}

#[test]
fn a_file_that_does_not_end_is_not_read_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("long");
    assert!(create(&path, &Zeroizing::new(vec![b'a'; 10 * MAX_LEN]), [1; 8]).is_ok());
    assert_eq!(read_ok(&path).unwrap().len(), MAX_LEN);
}
