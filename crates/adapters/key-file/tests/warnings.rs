//! What an administrator is told about a key that works all the same. The only test of its process, because it listens to
//! everything that the process logs.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use keystead_application::ports::{MasterKeyError, MasterKeyProvider};
use keystead_key_file::KeyFileMasterKeyProvider;
use support::{Counting, Person, provider};
use tempfile::TempDir;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything that is logged from now on.
    fn listen() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    /// What was logged since the last look.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

fn why<T>(result: Result<T, MasterKeyError>) -> String {
    match result {
        Err(error @ MasterKeyError::Unusable { .. }) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it worked"),
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_doubtful_neighbourhood_is_told_and_the_key_works() {
    let log = Log::listen();
    let folder = TempDir::new().unwrap();
    let person = Person::who_says(&["open sesame"]);
    let (plain, protected) = (
        folder.path().join("master.key"),
        folder.path().join("master.passphrase"),
    );
    let providers: [(&Path, Box<dyn MasterKeyProvider>); 2] = [
        (
            &plain,
            Box::new(KeyFileMasterKeyProvider::new(&plain, Arc::new(Counting::new()))),
        ),
        (&protected, Box::new(provider(&protected, &person))),
    ];
    for (path, provider) in &providers {
        let id = provider.create().await.unwrap().id().clone();
        let asked = person.asked().len();
        let the_key_is_given = async || {
            let keys = provider.keys().await.unwrap();
            keys.len() == 1 && *keys[0].id() == id
        };
        assert!(the_key_is_given().await);
        assert_eq!(log.take(), "");

        let next = format!("{}.next", path.display());
        fs::write(&next, "no key").unwrap();
        set_mode(next.as_ref(), 0o600);
        assert!(the_key_is_given().await);
        let told = log.take();
        assert!(told.contains("WARN") && told.contains(&next), "{told}");
        for why in [
            why(provider.create_successor().await),
            why(provider.promote(&"00".parse().unwrap()).await),
            why(provider.promote(&id).await),
        ] {
            assert!(why.contains(&next), "{why}");
        }
        fs::remove_file(&next).unwrap();

        set_mode(folder.path(), 0o777);
        assert!(the_key_is_given().await);
        let told = log.take();
        assert!(told.contains("WARN") && told.contains("chmod go-w"), "{told}");
        let why = why(provider.create_successor().await);
        assert!(why.contains("chmod go-w"), "{why}");
        assert!(!Path::new(&next).exists());
        assert_eq!(person.asked().len(), asked, "nobody types in vain");
        set_mode(folder.path(), 0o700);
        assert!(provider.create_successor().await.is_ok());
    }
    set_mode(folder.path(), 0o770);
    for (path, provider) in providers {
        for name in [path.display().to_string(), format!("{}.next", path.display())] {
            fs::remove_file(name).unwrap();
        }
        let asked = person.asked().len();
        let why = why(provider.create().await);
        assert!(why.contains("chmod go-w"), "{why}");
        assert_eq!(person.asked().len(), asked);
    }
}
