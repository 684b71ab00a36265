//! Named shares, and the test of a share.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_application::ports::{
    ConfiguredShare, EntryKind, FileShare, FileShares, Replace, ShareAccess, ShareAddress, ShareCapabilities,
    ShareError, ShareErrorKind, SharePath, SharePatience, ShareProvider, ShareSecrets, ShareSetting,
    ShareWriter, Temporaries,
};
use keystead_application::use_cases::{ComparedFile, ShareStep, ShareTest, TestShare};
use keystead_application::{Explain, Status};
use keystead_domain::{SecretBytes, Timestamp};
use keystead_memory::{MemoryClock, MemoryFileShare, MemoryProcesses, MemoryRandomness};
use tokio::io::AsyncRead;

/// A network with one server, which writes down how it was reached.
#[derive(Clone, Default)]
struct Network {
    share: MemoryFileShare,
    reached: Arc<Mutex<Vec<ShareAccess>>>,
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Replaces,
    Garbles,
    IsAway,
}

#[async_trait]
impl ShareProvider for Network {
    fn schemes(&self) -> &[&'static str] {
        &["smb", "cifs"]
    }

    fn settings(&self) -> &[ShareSetting] {
        const SETTINGS: &[ShareSetting] = &[ShareSetting::text("domain")];
        SETTINGS
    }

    fn default_port(&self, _: &str) -> Option<u16> {
        Some(445)
    }

    fn names_of_share(&self) -> usize {
        1
    }

    async fn connect(&self, access: &ShareAccess) -> Result<Arc<dyn FileShare>, ShareError> {
        self.reached.lock().unwrap().push(access.clone());
        let place = access.address.to_string();
        if self.fault == Some(Fault::IsAway) {
            return Err(ShareError::new(
                ShareErrorKind::Unavailable,
                "connect",
                place,
                "nobody answers",
            ));
        }
        let share = self.share.clone();
        let fault = self.fault;
        Ok(Arc::new(Faulty { share, fault }))
    }
}

struct Faulty {
    share: MemoryFileShare,
    fault: Option<Fault>,
}

#[async_trait]
impl FileShare for Faulty {
    fn capabilities(&self) -> ShareCapabilities {
        self.share.capabilities()
    }

    async fn stat(&self, path: &SharePath) -> Result<Option<EntryKind>, ShareError> {
        self.share.stat(path).await
    }

    async fn read(&self, path: &SharePath) -> Result<Box<dyn AsyncRead + Send + Unpin>, ShareError> {
        match self.fault {
            Some(Fault::Garbles) => Ok(Box::new(&b"something else"[..])),
            _ => self.share.read(path).await,
        }
    }

    async fn create(&self, path: &SharePath, replace: Replace) -> Result<Box<dyn ShareWriter>, ShareError> {
        let replace = match self.fault {
            Some(Fault::Replaces) => Replace::Allowed,
            _ => replace,
        };
        self.share.create(path, replace).await
    }

    async fn remove(&self, path: &SharePath) -> Result<(), ShareError> {
        self.share.remove(path).await
    }

    async fn clean_up(&self, path: &SharePath) -> Result<usize, ShareError> {
        self.share.clean_up(path).await
    }
}

/// The password of a share is its name backwards; for URLs it is `url`.
struct Secrets;

#[async_trait]
impl ShareSecrets for Secrets {
    async fn password(&self, share: Option<&str>) -> Result<Option<Arc<SecretBytes>>, ShareError> {
        let text: String = share.map_or_else(|| "url".to_owned(), |name| name.chars().rev().collect());
        Ok(Some(Arc::new(SecretBytes::new(text.into_bytes()))))
    }
}

fn configured(name: &str, address: &str) -> ConfiguredShare {
    ConfiguredShare {
        name: name.to_owned(),
        address: ShareAddress::parse(address).unwrap(),
        username: Some("backup".to_owned()),
        read_only: name == "archive",
        patience: SharePatience::default(),
        settings: BTreeMap::from([("domain".to_owned(), "OFFICE".to_owned())]),
    }
}

fn shares(network: &Network) -> FileShares {
    let all = vec![
        configured("archive", "smb://old/safe"),
        configured("nas", "smb://nas/escrow"),
        configured("deep", "smb://nas/escrow/keys/deep"),
    ];
    FileShares::new(vec![Arc::new(network.clone())])
        .with_configured(all, Arc::new(Secrets))
        .unwrap()
}

#[tokio::test]
async fn a_configured_share_is_reached_by_its_name_and_by_its_url() {
    let network = Network::default();
    let shares = shares(&network);
    for (text, top, path, password) in [
        ("share:nas/keys/k.pem", "smb://nas/escrow", "keys/k.pem", "san"),
        ("SHARE:nas", "smb://nas/escrow", "/", "san"),
        ("share:nas/", "smb://nas/escrow", "/", "san"),
        ("smb://nas/escrow/k.pem", "smb://nas/escrow", "k.pem", "san"),
        ("smb://nas:445/escrow/k.pem", "smb://nas/escrow", "k.pem", "san"),
        (
            "smb://nas/escrow/keys/deep/k.pem",
            "smb://nas/escrow/keys/deep",
            "k.pem",
            "peed",
        ),
        ("smb://nas/other/a/k.pem", "smb://nas/other", "a/k.pem", "url"),
        (
            "cifs://alice@nas/escrow/k.pem",
            "cifs://alice@nas/escrow",
            "k.pem",
            "url",
        ),
    ] {
        let located = shares.locate(text).await.unwrap();
        let access = network.reached.lock().unwrap().pop().unwrap();
        assert_eq!(located.path.as_str(), path, "{text}");
        assert_eq!(access.address.to_string(), top, "{text}");
        assert_eq!(access.password_text().unwrap(), Some(password), "{text}");
        let is_configured = password != "url";
        assert_eq!(access.setting("domain").is_some(), is_configured, "{text}");
    }
}

#[tokio::test]
async fn a_name_that_is_not_configured_is_not_found() {
    let refused = shares(&Network::default())
        .locate("share:nass/k.pem")
        .await
        .err()
        .unwrap();
    assert_eq!(refused.kind, ShareErrorKind::NoShare);
    assert!(refused.to_string().contains("archive, nas, deep"), "{refused}");
    let none = FileShares::new(Vec::new())
        .locate("share:nas/k.pem")
        .await
        .err()
        .unwrap();
    assert!(none.to_string().contains("no share is configured"), "{none}");
}

#[tokio::test]
async fn a_path_does_not_leave_its_share_and_nobody_is_asked() {
    let network = Network::default();
    for text in [
        "share:nas/../k.pem",
        "share:nas/a/../../k.pem",
        "smb://nas/escrow/../k.pem",
    ] {
        let refused = shares(&network).locate(text).await.err().unwrap();
        assert_eq!(refused.kind, ShareErrorKind::OutsideShare, "{text}");
    }
    assert!(network.reached.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_written_to_a_share_that_is_only_read_from() {
    let network = Network::default();
    let located = shares(&network).locate("share:archive/k.pem").await.unwrap();
    for replace in [Replace::Never, Replace::Allowed] {
        let refused = located.share.create(&located.path, replace).await.err().unwrap();
        assert_eq!(refused.kind, ShareErrorKind::ReadOnly);
        assert!(refused.to_string().contains("share archive"), "{refused}");
    }
    let refused = located.share.remove(&located.path).await.unwrap_err();
    assert_eq!(refused.kind, ShareErrorKind::ReadOnly);
    network.share.leave_broken_write(&SharePath::new("/")).unwrap();
    assert_eq!(located.share.clean_up(&located.path).await.unwrap(), 0);
    assert_eq!(network.share.files_in(&SharePath::new("/")), 1);
}

#[test]
fn what_the_configuration_cannot_mean_is_refused_by_its_name() {
    let network = || FileShares::new(vec![Arc::new(Network::default())]);
    let mut odd = configured("nas", "smb://nas/escrow");
    odd.settings.insert("host_key".to_owned(), "x".to_owned());
    let refused = network()
        .with_configured(vec![odd], Arc::new(Secrets))
        .err()
        .unwrap();
    let text = refused.to_string();
    assert!(
        text.contains("shares.nas") && text.contains("host_key") && text.contains("domain"),
        "{text}"
    );
    let ftp = configured("old", "ftp://nas/escrow");
    let refused = network()
        .with_configured(vec![ftp], Arc::new(Secrets))
        .err()
        .unwrap();
    let text = refused.to_string();
    assert!(
        text.contains("shares.old") && text.contains("smb, cifs"),
        "{text}"
    );
}

async fn test(network: &Network, location: &str) -> ShareTest {
    let shares = shares(network);
    let test = TestShare {
        shares: &shares,
        clock: &MemoryClock::at(Timestamp::from_micros(1_700_000_000_000_000).unwrap()),
        randomness: &MemoryRandomness::default(),
        temporaries: &Temporaries::new(Arc::new(MemoryRandomness::default()), Arc::new(MemoryProcesses)),
    };
    test.run(location).await.unwrap()
}

fn steps(test: &ShareTest) -> Vec<ShareStep> {
    test.steps.iter().map(|step| step.step).collect()
}

#[tokio::test]
async fn a_test_of_a_sound_share_goes_through_and_leaves_nothing() {
    let network = Network::default();
    let test = test(&network, "share:nas/").await;
    assert_eq!(steps(&test).len(), 8);
    assert_eq!(test.promised, Some(network.share.capabilities()));
    assert!(test.into_failure().is_none());
    assert_eq!(network.share.files_in(&SharePath::new("/")), 0);
}

#[tokio::test]
async fn a_test_of_a_share_that_is_only_read_from_writes_nothing() {
    let network = Network::default();
    let test = test(&network, "share:archive/").await;
    assert_eq!(steps(&test), [ShareStep::Connect, ShareStep::Look]);
    assert!(test.into_failure().is_none());
}

#[tokio::test]
async fn a_test_finds_what_is_wrong_and_says_in_which_step() {
    for (fault, step) in [
        (Fault::IsAway, ShareStep::Connect),
        (Fault::Garbles, ShareStep::ReadBack),
        (Fault::Replaces, ShareStep::Keep),
    ] {
        let network = Network {
            fault: Some(fault),
            ..Network::default()
        };
        let test = test(&network, "share:nas").await;
        assert_eq!(steps(&test).last(), Some(&step));
        let failure = test.into_failure().unwrap();
        assert_eq!(failure.status(), Status::Refused);
        assert_eq!(
            network.share.files_in(&SharePath::new("/")),
            0,
            "nothing is left behind"
        );
    }
    let test = test(&Network::default(), "share:nas/none/").await;
    assert_eq!(steps(&test).last(), Some(&ShareStep::Look));
}

#[tokio::test]
async fn a_url_that_is_on_two_shares_alike_means_neither() {
    let network = Network::default();
    let mut other = configured("other", "smb://nas:445/escrow");
    other.read_only = true;
    let shares = FileShares::new(vec![Arc::new(network.clone())])
        .with_configured(
            vec![configured("nas", "smb://nas/escrow"), other],
            Arc::new(Secrets),
        )
        .unwrap();
    let refused = shares.locate("smb://nas/escrow/k.pem").await.err().unwrap();
    assert_eq!(refused.kind, ShareErrorKind::BadLocation);
    assert!(
        refused.to_string().contains("share nas and on the share other"),
        "{refused}"
    );
    assert!(shares.locate("share:nas/k.pem").await.is_ok());
}

#[tokio::test]
async fn a_file_that_is_compared_is_refused_when_other_bytes_come_back() {
    for (fault, expected) in [
        (None, None),
        (Some(Fault::Garbles), Some(ShareErrorKind::NotAsWritten)),
    ] {
        let network = Network {
            fault,
            ..Network::default()
        };
        let located = shares(&network).locate("share:nas/backup.age").await.unwrap();
        let mut file = Box::new(ComparedFile::create(&located, Replace::Never).await.unwrap());
        file.write(b"one ").await.unwrap();
        file.write(b"two").await.unwrap();
        assert_eq!(file.publish().await.err().map(|error| error.kind), expected);
    }
}

#[tokio::test]
async fn a_url_with_the_user_is_on_the_share_of_that_user() {
    let network = Network::default();
    let located = shares(&network)
        .locate("smb://backup@old/safe/k.pem")
        .await
        .unwrap();
    let refused = located
        .share
        .create(&located.path, Replace::Never)
        .await
        .err()
        .unwrap();
    assert_eq!(refused.kind, ShareErrorKind::ReadOnly);
}

#[tokio::test]
async fn no_refusal_of_a_location_says_a_password() {
    for text in [
        "https://user:hunter2@dav.example/x",
        "backup:hunter2@nas:/k.pem",
        "smb://user%3Ahunter2@nas/s/k",
        "smb://KEY:hunter2/bucket",
        "smb://nas/s?password=hunter2",
        "//user:hunter2@nas/s/k.pem",
    ] {
        let refused = shares(&Network::default()).locate(text).await.err().unwrap();
        assert_eq!(refused.kind, ShareErrorKind::BadLocation, "{text}");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
        let test = test(&Network::default(), text).await;
        assert!(!format!("{test:?}").contains("hunter2"), "{test:?}");
    }
}

#[tokio::test]
async fn nothing_is_called_like_a_temporary_file() {
    for name in [".keystead-mine.tmp", "a/.keystead-0123456789abcdef-x-1.tmp"] {
        let place = format!("share:nas/{name}");
        let refused = shares(&Network::default()).locate(&place).await.err().unwrap();
        assert_eq!(refused.kind, ShareErrorKind::BadName, "{name}");
    }
}
