use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keystead_application::ports::RandomnessError;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;

struct Fixed;

impl Randomness for Fixed {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        buffer.fill(5);
        Ok(())
    }
}

/// What systemd makes: a folder of mode 0500 with files of mode 0400.
fn credentials(keys: &[(&str, u8)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, n) in keys {
        let path = folder.path().join(name);
        fs::write(&path, text::render(&Zeroizing::new([*n; 32]))).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    folder
}

fn provider(directory: &Path) -> SystemdCredentialProvider {
    SystemdCredentialProvider::new(Some(directory.to_owned()), "keystead-master-key", Arc::new(Fixed))
}

fn why<T>(result: Result<T, MasterKeyError>) -> String {
    match result {
        Err(error @ MasterKeyError::Unusable { .. }) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it worked"),
    }
}

#[tokio::test]
async fn without_a_credential_there_is_no_key_and_a_way_to_make_one() {
    let folder = credentials(&[]);
    let outside = SystemdCredentialProvider::new(None, "my-key", Arc::new(Fixed));
    for (provider, name) in [
        (outside, "my-key"),
        (provider(folder.path()), "keystead-master-key"),
    ] {
        assert!(provider.keys().await.unwrap().is_empty());
        let first = why(provider.create().await);
        let command = "keystead master-key generate | systemd-creds encrypt";
        assert!(
            first.contains(&format!(
                "{command} --name={name} - /etc/credstore.encrypted/{name}"
            )),
            "{first}"
        );
        assert!(
            first.contains(&format!("LoadCredentialEncrypted={name}")),
            "{first}"
        );
        let next = why(provider.create_successor().await);
        assert!(
            next.contains(&format!("LoadCredentialEncrypted={name}.next")),
            "{next}"
        );
    }
}

#[tokio::test]
async fn the_keys_are_the_credential_and_its_successor() {
    let folder = credentials(&[("keystead-master-key", 1), ("keystead-master-key.next", 2)]);
    let provider = provider(folder.path());
    let keys = provider.keys().await.unwrap();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0].provider(), "systemd-credential");
    // The id of the same key in a key file.
    assert_eq!(keys[0].id().as_str(), "058ecb2174e83444");
    assert!(matches!(provider.create().await, Err(MasterKeyError::Exists(_))));
    assert_eq!(provider.create_successor().await.unwrap().id(), keys[1].id());

    let nothing = provider.promote(keys[0].id()).await.unwrap();
    assert_eq!(nothing, Promotion::default());
    let promotion = provider.promote(keys[1].id()).await.unwrap();
    assert_eq!(provider.promote(keys[1].id()).await.unwrap(), promotion);
    assert_eq!(
        promotion.old_kept_at.as_deref(),
        Some("the systemd credential keystead-master-key")
    );
    let to_do = promotion.to_do.unwrap();
    let keep = "cp /etc/credstore.encrypted/keystead-master-key \
                /etc/credstore.encrypted/keystead-master-key.058ecb2174e83444.old;";
    assert!(to_do.contains(keep), "{to_do}");
    assert!(to_do.contains(RENAME), "{to_do}");
    let unknown = why(provider.promote(&"unknown".parse().unwrap()).await);
    assert!(unknown.contains("master key unknown"), "{unknown}");
}

const RENAME: &str = "systemd-creds decrypt --name=keystead-master-key.next \
                      /etc/credstore.encrypted/keystead-master-key.next - | systemd-creds encrypt \
                      --name=keystead-master-key - /etc/credstore.encrypted/keystead-master-key;";

/// As after a rotation from a key file to credentials.
#[tokio::test]
async fn a_successor_without_a_current_key_has_to_get_its_name() {
    let folder = credentials(&[("keystead-master-key.next", 2)]);
    let provider = provider(folder.path());
    let successor = provider.create_successor().await.unwrap();
    let promotion = provider.promote(successor.id()).await.unwrap();
    assert_eq!(promotion.old_kept_at, None);
    let to_do = promotion.to_do.unwrap();
    assert!(to_do.contains(RENAME) && !to_do.contains("cp "), "{to_do}");
}

#[tokio::test]
async fn a_successor_that_is_the_same_key_is_refused() {
    let folder = credentials(&[("keystead-master-key", 1), ("keystead-master-key.next", 1)]);
    let provider = provider(folder.path());
    assert_eq!(provider.keys().await.unwrap().len(), 1);
    assert!(why(provider.create_successor().await).contains("the same key"));
}

#[tokio::test]
async fn what_others_can_read_is_refused() {
    let folder = credentials(&[("keystead-master-key", 1)]);
    let path = folder.path().join("keystead-master-key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(why(provider(folder.path()).keys().await).contains("others can use it"));

    // Where systemd uses access lists, the file is root's and the mode shows the list's mask as the group's right.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    let usable = provider(folder.path()).keys().await.is_ok();
    assert_eq!(usable, rustix::process::geteuid().is_root());
}

#[tokio::test]
async fn a_name_does_not_lead_elsewhere() {
    let folder = credentials(&[("keystead-master-key", 1)]);
    for name in ["../keystead-master-key", "..", "a/b", ""] {
        let directory = Some(folder.path().to_owned());
        let provider = SystemdCredentialProvider::new(directory, name, Arc::new(Fixed));
        assert!(
            why(provider.keys().await).contains("not a name of a credential"),
            "{name}"
        );
    }
}
