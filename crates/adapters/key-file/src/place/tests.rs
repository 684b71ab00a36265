use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;

struct Scene {
    folder: TempDir,
    place: Place,
}

impl Scene {
    /// A place with these keys, whose contents are their ids.
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, content) in files {
            assert!(file::create(&folder.path().join(name), &key(content), [0; 8]).is_ok());
        }
        let place = Place::new(folder.path().join("k"));
        Self { folder, place }
    }

    fn files(&self) -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    fn promote(&self, id: &str) -> Result<Option<String>, MasterKeyError> {
        let promotion = self.place.promote(&id.parse().unwrap(), id_of)?;
        assert_eq!(promotion.to_do, None);
        Ok(promotion.old_kept_at)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn found(&self) -> Vec<String> {
        let found = self.place.read(id_of).unwrap();
        found
            .iter()
            .map(|found| String::from_utf8(found.content.to_vec()).unwrap())
            .collect()
    }
}

fn key(text: &str) -> Content {
    Zeroizing::new(text.as_bytes().to_vec())
}

fn id_of(content: &Content) -> Result<MasterKeyId, String> {
    let text = std::str::from_utf8(content).map_err(|e| e.to_string())?;
    text.parse().map_err(|_| "it is no key".to_owned())
}

fn as_text(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files
        .iter()
        .map(|(a, b)| (a.to_string(), b.to_string()))
        .collect()
}

fn why<T>(result: Result<T, MasterKeyError>) -> String {
    result.err().unwrap().to_string()
}

const PROMOTED: [(&str, &str); 2] = [("k", "new"), ("k.old-id.old", "old-id")];

#[test]
fn the_current_key_comes_first_and_no_key_twice() {
    assert!(Scene::with(&[]).found().is_empty());
    assert_eq!(Scene::with(&[("k", "a"), ("k.next", "b")]).found(), ["a", "b"]);
    assert_eq!(Scene::with(&[("k.next", "b")]).found(), ["b"]);
    assert_eq!(Scene::with(&[("k", "a"), ("k.next", "a")]).found(), ["a"]);
}

#[test]
fn a_promoted_key_takes_the_place_and_the_replaced_one_is_kept() {
    let scene = Scene::with(&[("k", "old-id"), ("k.next", "new")]);
    assert_eq!(scene.promote("new").unwrap(), Some(scene.path("k.old-id.old")));
    assert_eq!(scene.files(), as_text(&PROMOTED));
    for name in ["k", "k.old-id.old"] {
        let mode = fs::metadata(scene.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(scene.promote("new").unwrap(), None);
    assert_eq!(scene.files(), as_text(&PROMOTED));
}

/// Every state that a kill or a power cut can leave, on file systems with and without second names and renaming without
/// replacing.
#[test]
fn a_promotion_that_was_interrupted_is_completed() {
    type State<'a> = &'a [(&'a str, &'a str)];
    let states: [State<'_>; 5] = [
        &[("k", "old-id"), ("k.next", "new")],
        &[("k", "old-id"), ("k.next", "new"), ("k.old-id.old", "old-id")],
        &[("k.next", "new"), ("k.old-id.old", "old-id")],
        &[("k", "new"), ("k.next", "new"), ("k.old-id.old", "old-id")],
        &PROMOTED,
    ];
    for state in states {
        let scene = Scene::with(state);
        assert!(scene.found().contains(&"new".to_owned()), "{state:?}");
        scene.promote("new").unwrap();
        assert_eq!(scene.files(), as_text(&PROMOTED), "{state:?}");
        assert_eq!(scene.found(), ["new"], "{state:?}");
    }
}

#[test]
fn a_place_without_a_current_key_takes_the_successor() {
    let scene = Scene::with(&[("k.next", "new")]);
    assert_eq!(scene.promote("new").unwrap(), None);
    assert_eq!(scene.files(), as_text(&[("k", "new")]));
}

#[test]
fn the_successor_of_another_rotation_stays() {
    let scene = Scene::with(&[("k", "a"), ("k.next", "b")]);
    assert_eq!(scene.promote("a").unwrap(), None);
    assert_eq!(scene.files(), as_text(&[("k", "a"), ("k.next", "b")]));
}

#[test]
fn a_key_that_is_not_there_is_refused_and_nothing_changes() {
    for state in [&[("k", "a"), ("k.next", "b")][..], &[("k", "a")], &[]] {
        let scene = Scene::with(state);
        let why = why(scene.promote("c"));
        assert!(why.contains("holds the master key c"), "{why}");
        assert_eq!(scene.files(), as_text(state));
    }
}

#[test]
fn what_is_in_the_way_is_not_replaced() {
    let state = [("k", "a"), ("k.a.old", "something else"), ("k.next", "b")];
    let scene = Scene::with(&state);
    let why = why(scene.promote("b"));
    assert!(why.contains("k.a.old") && why.contains("in the way"), "{why}");
    assert_eq!(scene.files(), as_text(&state));
}

#[test]
fn a_damaged_file_is_named() {
    let scene = Scene::with(&[("k", "a"), ("k.next", "no id")]);
    let why = why(scene.promote("b"));
    assert!(why.contains(&scene.path("k.next")), "{why}");
}

#[test]
fn a_successor_is_made_once_and_no_first_key_beside_it() {
    let scene = Scene::with(&[]);
    let made = scene.place.create_successor(&key("b"), [1; 8]).unwrap();
    assert_eq!(*made.content, b"b");
    let again = scene.place.create_successor(&key("c"), [2; 8]).unwrap();
    assert_eq!(*again.content, b"b");
    let refused = scene.place.create(&key("d"), [3; 8]);
    assert!(matches!(refused, Err(MasterKeyError::Exists(place)) if place.ends_with("k.next")));
    assert_eq!(scene.files(), as_text(&[("k.next", "b")]));
}

#[test]
fn of_many_who_promote_at_once_each_succeeds_and_one_replaces() {
    for _ in 0..20 {
        let scene = Scene::with(&[("k", "old-id"), ("k.next", "new")]);
        let kept: Vec<_> = std::thread::scope(|scope| {
            let crowd: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| scene.promote("new").unwrap()))
                .collect();
            crowd.into_iter().filter_map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(kept, [scene.path("k.old-id.old")]);
        assert_eq!(scene.files(), as_text(&PROMOTED));
    }
}

#[test]
fn a_reader_finds_the_key_at_every_moment_of_a_promotion() {
    for _ in 0..50 {
        let scene = Scene::with(&[("k", "old-id"), ("k.next", "new")]);
        std::thread::scope(|scope| {
            let promoted = scope.spawn(|| scene.promote("new").unwrap());
            while !promoted.is_finished() {
                assert!(scene.found().contains(&"new".to_owned()));
            }
        });
    }
}

/// The lock is the one that flock(1) takes, so it holds between processes.
#[test]
fn another_process_that_promotes_is_waited_for() {
    let scene = Scene::with(&[("k", "old-id"), ("k.next", "new")]);
    promote_beside(
        &scene,
        "exec 9<k.next; flock 9; echo locked; read -r _; ln k k.old-id.old; mv k.next k",
    );
}

#[test]
fn the_lock_of_a_file_that_was_replaced_does_not_count() {
    let scene = Scene::with(&[("k", "old-id"), ("k.next", "left"), ("other", "new")]);
    promote_beside(
        &scene,
        "exec 9<k.next 8<other; flock 9; flock 8; echo locked; read -r _; mv other k.next; flock -u 9; \
         ln k k.old-id.old; mv k.next k",
    );
}

/// Promotes while another process does, which says when it has the lock and waits for a line then.
fn promote_beside(scene: &Scene, script: &str) {
    let mut other = Command::new("sh")
        .args(["-c", script])
        .current_dir(scene.folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 7];
    io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut line).unwrap();
    std::thread::scope(|scope| {
        let promoted = scope.spawn(|| scene.promote("new").unwrap());
        io::Write::write_all(other.stdin.as_mut().unwrap(), b"go\n").unwrap();
        assert_eq!(promoted.join().unwrap(), None, "the other one replaced it");
    });
    assert!(other.wait().unwrap().success());
    assert_eq!(scene.files(), as_text(&PROMOTED));
}

mod links;
mod trust;
