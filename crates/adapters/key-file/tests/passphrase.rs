//! What a user of a passphrase relies on.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keystead_application::ports::{MasterKey, MasterKeyError, MasterKeyProvider};
use keystead_domain::{SealedBytes, SecretBytes};
use keystead_key_file::Ask;
use support::{Person, provider};
use tempfile::TempDir;

struct Scene {
    _folder: TempDir,
    path: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("master.key");
        Self {
            _folder: folder,
            path,
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.path.display()))
    }
}

fn secret() -> SecretBytes {
    SecretBytes::new(b"the private key".to_vec())
}

async fn sealed(key: &Arc<dyn MasterKey>) -> SealedBytes {
    key.seal(&secret(), b"row").await.unwrap()
}

async fn opens(key: &Arc<dyn MasterKey>, sealed: &SealedBytes) -> bool {
    let opened = key.open(sealed, b"row").await;
    opened.is_ok_and(|opened| opened.expose() == secret().expose())
}

fn why<T>(result: Result<T, MasterKeyError>) -> String {
    match result {
        Err(error @ MasterKeyError::Unusable { .. }) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it worked"),
    }
}

/// Why a key stays locked.
fn locked<T>(result: Result<T, MasterKeyError>) -> String {
    match result {
        Err(error @ MasterKeyError::NotUnlocked { .. }) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it opened"),
    }
}

fn new(path: &Path) -> Ask {
    let place = path.display().to_string();
    Ask::New { place }
}

fn existing(path: &Path) -> Ask {
    let place = path.display().to_string();
    Ask::Existing { place }
}

#[tokio::test]
async fn one_command_asks_once() {
    let scene = Scene::new();
    let person = Person::who_says(&["open sesame"]);
    let first = provider(&scene.path, &person);
    let sealed = sealed(&first.create().await.unwrap()).await;
    for _ in 0..2 {
        assert!(opens(&first.keys().await.unwrap()[0], &sealed).await);
    }
    assert_eq!(person.asked(), [new(&scene.path)]);
    let mode = fs::metadata(&scene.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let person = Person::who_says(&["open sesame"]);
    let later = provider(&scene.path, &person);
    let keys = later.keys().await.unwrap();
    assert_eq!(person.asked(), [], "nothing was used yet");
    let at_once = tokio::join!(opens(&keys[0], &sealed), opens(&keys[0], &sealed));
    assert_eq!(at_once, (true, true));
    assert!(opens(&later.keys().await.unwrap()[0], &sealed).await);
    assert_eq!(person.asked(), [existing(&scene.path)]);
}

#[tokio::test]
async fn a_wrong_passphrase_and_a_damaged_file_read_the_same() {
    let scene = Scene::new();
    let right = Person::who_says(&["open sesame"]);
    let sealed = sealed(&provider(&scene.path, &right).create().await.unwrap()).await;

    let person = Person::who_says(&["Open sesame", "open sesame"]);
    let keys = provider(&scene.path, &person).keys().await.unwrap();
    let wrong = locked(keys[0].open(&sealed, b"row").await);
    assert!(
        wrong.contains("the passphrase is wrong, or the file was damaged"),
        "{wrong}"
    );
    assert!(!wrong.contains("esame"), "{wrong}");
    assert!(opens(&keys[0], &sealed).await, "the next use asks again");

    let text = fs::read_to_string(&scene.path).unwrap();
    let (rest, _) = text.trim_end().split_at(text.trim_end().len() - 4);
    fs::write(&scene.path, format!("{rest}AAAA\n")).unwrap();
    let keys = provider(&scene.path, &right).keys().await.unwrap();
    assert_eq!(locked(keys[0].open(&sealed, b"row").await), wrong);
}

#[tokio::test]
async fn a_new_passphrase_has_to_be_a_strong_one() {
    let scene = Scene::new();
    for weak in [&[""], &["1234567"], &["sieben✓"]] {
        let person = Person::who_says(weak);
        let provider = provider(&scene.path, &person);
        for refused in [provider.create().await, provider.create_successor().await] {
            let why = why(refused);
            assert!(why.contains("too short") && why.contains("at least 8"), "{why}");
        }
        assert!(provider.keys().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn without_anybody_to_ask_nothing_is_made() {
    let scene = Scene::new();
    let nobody = Person::who_says(&[]);
    let why = locked(provider(&scene.path, &nobody).create().await);
    assert!(
        why.contains("nobody is there to ask") && why.contains("master.key"),
        "{why}"
    );
    let silent = Person::who_offers([&[][..]]);
    let why = locked(provider(&scene.path, &silent).create().await);
    assert!(why.contains("no passphrase was given"), "{why}");
    assert!(!scene.path.exists());

    let person = Person::who_says(&["open sesame"]);
    let key = provider(&scene.path, &person).create().await.unwrap();
    let sealed = sealed(&key).await;
    for (person, told) in [(nobody, "nobody is there"), (silent, "no passphrase was given")] {
        let keys = provider(&scene.path, &person).keys().await.unwrap();
        let why = locked(keys[0].open(&sealed, b"row").await);
        assert!(why.contains(told), "{why}");
    }
}

#[tokio::test]
async fn nobody_is_asked_where_there_is_a_key_already() {
    let scene = Scene::new();
    let person = Person::who_says(&["open sesame"]);
    provider(&scene.path, &person).create().await.unwrap();
    let asked = person.asked().len();
    let refused = provider(&scene.path, &person).create().await;
    assert!(matches!(refused, Err(MasterKeyError::Exists(_))));
    assert_eq!(person.asked().len(), asked);
}

#[tokio::test]
async fn each_key_has_its_passphrase() {
    let scene = Scene::new();
    let person = Person::who_says(&["the old passphrase", "the new passphrase"]);
    let first = provider(&scene.path, &person);
    let old = first.create().await.unwrap();
    let successor = first.create_successor().await.unwrap();
    assert_eq!(first.create_successor().await.unwrap().id(), successor.id());
    assert_eq!(person.asked(), [new(&scene.path), new(&scene.beside(".next"))]);
    let (by_old, by_new) = (sealed(&old).await, sealed(&successor).await);

    // Interrupted here: who opens with the current key is not asked for the passphrase of the other.
    let person = Person::who_says(&["the old passphrase", "the new passphrase"]);
    let second = provider(&scene.path, &person);
    let keys = second.keys().await.unwrap();
    assert!(opens(&keys[0], &by_old).await);
    assert_eq!(person.asked(), [existing(&scene.path)]);
    assert!(opens(&keys[1], &by_new).await);

    let promotion = second.promote(successor.id()).await.unwrap();
    let old_file = scene.beside(&format!(".{}.old", old.id()));
    assert_eq!(promotion.old_kept_at, Some(old_file.display().to_string()));
    assert_eq!(promotion.to_do, None);
    let person = Person::who_says(&["the new passphrase"]);
    let keys = provider(&scene.path, &person).keys().await.unwrap();
    assert_eq!(keys.len(), 1);
    assert!(opens(&keys[0], &by_new).await);

    let person = Person::who_says(&["the old passphrase"]);
    let keys = provider(&old_file, &person).keys().await.unwrap();
    assert!(opens(&keys[0], &by_old).await, "the kept file is a whole one");
}

/// What a settings file with the present and the new passphrase gives, at every moment of a rotation and after it.
#[tokio::test]
async fn the_present_and_the_new_passphrase_open_both_keys() {
    const BOTH: &[&str] = &["the old passphrase", "the new passphrase"];
    let scene = Scene::new();
    let person = Person::who_says(BOTH);
    let first = provider(&scene.path, &person);
    let old = first.create().await.unwrap();
    let successor = first.create_successor().await.unwrap();
    let (by_old, by_new) = (sealed(&old).await, sealed(&successor).await);

    let person = Person::who_offers([BOTH]);
    let keys = provider(&scene.path, &person).keys().await.unwrap();
    assert!(opens(&keys[0], &by_old).await && opens(&keys[1], &by_new).await);
    assert_eq!(
        person.asked(),
        [existing(&scene.path), existing(&scene.beside(".next"))]
    );

    let later = provider(&scene.path, &person);
    later.promote(successor.id()).await.unwrap();
    assert!(opens(&later.keys().await.unwrap()[0], &by_new).await);

    let neither = Person::who_offers([&["another one", "and another"][..]]);
    let keys = provider(&scene.path, &neither).keys().await.unwrap();
    let why = locked(keys[0].open(&by_new, b"row").await);
    assert!(why.contains("none of the 2 passphrases opens it"), "{why}");
}

#[tokio::test]
async fn a_new_key_takes_the_first_passphrase() {
    let scene = Scene::new();
    let person = Person::who_offers([&["the first passphrase", "the second passphrase"][..]]);
    let key = provider(&scene.path, &person).create().await.unwrap();
    let sealed = sealed(&key).await;
    let second = Person::who_says(&["the second passphrase"]);
    let keys = provider(&scene.path, &second).keys().await.unwrap();
    locked(keys[0].open(&sealed, b"row").await);
    let first = Person::who_says(&["the first passphrase"]);
    let keys = provider(&scene.path, &first).keys().await.unwrap();
    assert!(opens(&keys[0], &sealed).await);
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    let scene = Scene::new();
    let person = Person::who_says(&["open sesame"]);
    let provider = provider(&scene.path, &person);
    provider.create().await.unwrap();
    fs::set_permissions(&scene.path, fs::Permissions::from_mode(0o640)).unwrap();
    let why = why(provider.keys().await);
    assert!(why.contains("chmod 600"), "{why}");
}
