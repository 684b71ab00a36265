//! What is believed of the files and folders around a key.

use std::path::Path;

use super::*;

fn set_mode(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn doubts(place: &Place) -> Vec<String> {
    Files::of(place.current()).unwrap().look(id_of).unwrap().1
}

#[test]
fn where_others_can_write_a_key_is_read_and_none_is_made_or_promoted() {
    let scene = Scene::with(&[("k", "a"), ("k.next", "b")]);
    let fresh = Place::new(scene.folder.path().join("fresh"));
    let before = scene.files();
    assert_eq!(doubts(&scene.place), [""; 0]);
    for mode in [0o777, 0o770, 0o702] {
        set_mode(scene.folder.path(), mode);
        let mut refused = String::new();
        for why in [
            why(fresh.check_vacant()),
            why(fresh.create(&key("c"), [1; 8])),
            why(fresh.successor()),
            why(fresh.create_successor(&key("c"), [1; 8])),
            // Also one that is there already: who put it there?
            why(scene.place.successor()),
            why(scene.place.create_successor(&key("c"), [1; 8])),
            why(scene.promote("b")),
        ] {
            assert!(why.contains("others can write to its folder"), "{why}");
            refused = why;
        }
        assert_eq!(scene.files(), before);
        assert_eq!(scene.found(), ["a", "b"]);
        let doubt = doubts(&scene.place).concat();
        assert!(doubt.contains("is not safe: others can write"), "{doubt}");
        // The way out of such a folder begins with this.
        assert_eq!(scene.promote("a").unwrap(), None);

        let (_, command) = refused.split_once("run: ").unwrap();
        assert!(
            Command::new("sh")
                .args(["-c", command])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(doubts(&scene.place), [""; 0]);
    }
    // As in /tmp, where nobody takes away what is another's.
    set_mode(scene.folder.path(), 0o1777);
    scene.promote("b").unwrap();
}

#[test]
fn the_folder_of_a_link_counts_like_that_of_the_file() {
    let (data, volume) = (TempDir::new().unwrap(), Scene::with(&[("k", "a")]));
    symlink(volume.path("k"), data.path().join("k")).unwrap();
    let place = Place::new(data.path().join("k"));
    assert!(place.successor().is_ok());
    for folder in [data.path(), volume.folder.path()] {
        set_mode(folder, 0o777);
        let why = why(place.create_successor(&key("b"), [1; 8]));
        assert!(why.contains(&format!("chmod go-w {}", folder.display())), "{why}");
        set_mode(folder, 0o700);
    }
}

/// Ways in which a successor can be bad.
fn spoil(path: &Path, how: &str) {
    match how {
        "a folder" => fs::create_dir(path).unwrap(),
        "a link" => symlink("k", path).unwrap(),
        "a link to nothing" => symlink("nowhere", path).unwrap(),
        "of others" => {
            fs::write(path, "b").unwrap();
            set_mode(path, 0o644);
        }
        content => {
            fs::write(path, content).unwrap();
            set_mode(path, 0o600);
        }
    }
}

const SPOILT: [&str; 6] = [
    "a folder",
    "a link",
    "a link to nothing",
    "of others",
    "",
    "no key at all",
];

#[test]
fn a_bad_successor_keeps_nobody_from_a_good_key() {
    for how in SPOILT {
        let scene = Scene::with(&[("k", "a")]);
        spoil(Path::new(&scene.path("k.next")), how);
        assert_eq!(scene.found(), ["a"], "{how}");
        let doubt = doubts(&scene.place).concat();
        assert!(
            doubt.contains(&scene.path("k.next")) && doubt.contains("is left out"),
            "{how}: {doubt}"
        );
        for id in ["a", "b"] {
            let why = why(scene.promote(id));
            assert!(why.contains(&scene.path("k.next")), "{how}: {why}");
        }
        assert_eq!(fs::read_to_string(scene.path("k")).unwrap(), "a");
        let successor = scene.place.create_successor(&key("c"), [1; 8]);
        let successor = successor.and_then(|found| found.id(id_of));
        let why = why(successor);
        assert!(why.contains(&scene.path("k.next")), "{how}: {why}");
    }
}

#[test]
fn without_a_good_key_a_bad_successor_is_the_error() {
    for how in SPOILT.into_iter().filter(|how| *how != "a link") {
        let scene = Scene::with(&[]);
        spoil(Path::new(&scene.path("k.next")), how);
        let why = why(scene.place.read(id_of));
        assert!(why.contains(&scene.path("k.next")), "{how}: {why}");
    }
    // A bad key is not passed over for its successor.
    let scene = Scene::with(&[("k", "no key"), ("k.next", "b")]);
    let why = why(scene.place.read(id_of));
    assert!(why.contains(&format!("{} ", scene.path("k"))), "{why}");
}
