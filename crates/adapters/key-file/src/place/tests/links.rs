//! A key file that is a symbolic link, as where the key is on a volume of its own.

use super::*;

/// A link in one folder to a key in another.
struct Linked {
    data: TempDir,
    volume: Scene,
}

impl Linked {
    fn to(files: &[(&str, &str)]) -> Self {
        let (data, volume) = (TempDir::new().unwrap(), Scene::with(files));
        symlink(volume.path("k"), data.path().join("master.key")).unwrap();
        Self { data, volume }
    }

    fn place(&self) -> Place {
        Place::new(self.data.path().join("master.key"))
    }

    fn only_the_link_is_left(&self) -> bool {
        let names: Vec<_> = fs::read_dir(self.data.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names == ["master.key"] && self.place().current().is_symlink()
    }
}

#[test]
fn the_successor_is_beside_the_file_and_takes_its_place() {
    let linked = Linked::to(&[("k", "old-id")]);
    let made = linked.place().create_successor(&key("new"), [1; 8]).unwrap();
    assert_eq!(made.path, fs::canonicalize(linked.volume.path("k.next")).unwrap());
    let found = linked.place().read(id_of).unwrap();
    assert_eq!(found.len(), 2);
    let promotion = linked.place().promote(&"new".parse().unwrap(), id_of).unwrap();
    assert!(promotion.old_kept_at.unwrap().ends_with("/k.old-id.old"));
    assert_eq!(linked.volume.files(), as_text(&PROMOTED));
    assert!(linked.only_the_link_is_left());
    let again = linked.place().promote(&"new".parse().unwrap(), id_of).unwrap();
    assert_eq!(again, Promotion::default());
}

#[test]
fn a_link_that_leads_nowhere_is_told() {
    let linked = Linked::to(&[]);
    assert!(linked.place().read(id_of).unwrap().is_empty());
    let place = linked.place();
    for why in [
        why(place.create(&key("a"), [1; 8])),
        why(place.check_vacant()),
        why(place.create_successor(&key("a"), [1; 8])),
    ] {
        let told = format!(
            "a symbolic link to {}, which is not there",
            linked.volume.path("k")
        );
        assert!(why.contains(&told), "{why}");
    }
    let (_, doubts) = Files::of(place.current()).unwrap().look(id_of).unwrap();
    assert!(doubts[0].contains("which is not there"), "{doubts:?}");
    assert!(linked.only_the_link_is_left() && linked.volume.files().is_empty());

    // Neither does a key that waits beside it take the place of the link.
    let next = linked.data.path().join("master.key.next");
    assert!(file::create(&next, &key("b"), [0; 8]).is_ok());
    let why = why(place.promote(&"b".parse().unwrap(), id_of));
    assert!(
        why.contains("which is not there") && place.current().is_symlink(),
        "{why}"
    );
}

#[test]
fn a_successor_that_is_a_link_is_refused() {
    let scene = Scene::with(&[("k", "a"), ("k.b.old", "b")]);
    symlink("k.b.old", scene.path("k.next")).unwrap();
    for why in [
        why(scene.place.create_successor(&key("c"), [1; 8])),
        why(scene.place.successor()),
        why(scene.promote("b")),
        why(scene.promote("a")),
    ] {
        assert!(
            why.contains(&scene.path("k.next")) && why.contains("a symbolic link"),
            "{why}"
        );
    }
    assert_eq!(scene.found(), ["a"]);
    assert_eq!(fs::read_to_string(scene.path("k")).unwrap(), "a");
}

/// Following it would be the end of the key that is replaced: the name leads to what takes its place.
#[test]
fn a_kept_key_that_is_a_link_is_refused() {
    let scene = Scene::with(&[("k", "a"), ("k.next", "b")]);
    symlink("k", scene.path("k.a.old")).unwrap();
    let why = why(scene.promote("b"));
    assert!(
        why.contains("k.a.old") && why.contains("a symbolic link"),
        "{why}"
    );
    assert_eq!(scene.found(), ["a", "b"]);
}
