//! Certificates that this program makes are what stock programs take for good ones.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Barrier;

use common::{now, openssl};
use keystead_application::Explain;
use keystead_listener::{ListenError, SelfSignedFiles, self_signed, write_self_signed};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn made_in(folder: &Path) -> Result<SelfSignedFiles, ListenError> {
    write_self_signed(folder, &names(&["manager.example.org"]), now())
}

#[tokio::test]
async fn openssl_reads_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let all = names(&[
        "manager.example.org",
        "*.backup.example.org",
        "10.1.2.3",
        "[2001:db8::1]",
        "::1",
    ]);
    let made = write_self_signed(&folder.path().join("tls"), &all, now()).unwrap();
    let (certificate, key) = (
        made.files.certificate.to_str().unwrap(),
        made.files.private_key.to_str().unwrap(),
    );
    let text = openssl(&["x509", "-in", certificate, "-noout", "-text"]).await;
    for part in [
        "Version: 3",
        "DNS:manager.example.org, DNS:*.backup.example.org, IP Address:10.1.2.3, \
         IP Address:2001:DB8:0:0:0:0:0:1, IP Address:0:0:0:0:0:0:0:1",
        "ASN1 OID: prime256v1",
        "ecdsa-with-SHA256",
        "CA:FALSE",
        "Digital Signature",
        "TLS Web Server Authentication",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let purpose = [
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-CAfile",
        certificate,
    ];
    let named = ["-verify_hostname", "manager.example.org", certificate];
    assert!(openssl(&[&purpose[..], &named].concat()).await.contains("OK"));
    // It is of this key.
    let of_key = openssl(&["pkey", "-in", key, "-pubout"]).await;
    assert_eq!(
        of_key,
        openssl(&["x509", "-in", certificate, "-noout", "-pubkey"]).await
    );
    // For 824 days from now on, and no longer than clients take.
    let day = 24 * 60 * 60;
    let lasts = |days: u64| {
        let seconds = (days * day - day / 2).to_string();
        async move {
            common::run(
                "openssl",
                &["x509", "-in", certificate, "-noout", "-checkend", &seconds],
                "",
            )
            .await
            .0
        }
    };
    assert!(lasts(824).await);
    assert!(!lasts(825).await);
}

#[tokio::test]
async fn no_two_have_the_same_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = BTreeSet::new();
    for n in 0..10 {
        let made = made_in(&folder.path().join(n.to_string())).unwrap();
        let certificate = made.files.certificate.to_str().unwrap();
        let number = openssl(&["x509", "-in", certificate, "-noout", "-serial"]).await;
        assert!(number.trim().len() > "serial=".len() + 30, "{number}");
        numbers.insert(number);
    }
    assert_eq!(numbers.len(), 10);
}

#[test]
fn nobody_else_may_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().join("tls");
    let made = made_in(&tls).unwrap();
    assert!(made.is_new);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&tls), 0o700);
    assert_eq!(mode(&made.files.certificate), 0o600);
    assert_eq!(mode(&made.files.private_key), 0o600);
    assert_eq!(entries(folder.path()), ["tls"]);
    assert_eq!(entries(&tls), ["certificate.pem", "private-key.pem"]);
}

#[test]
fn a_pair_that_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().join("tls");
    let first = made_in(&tls).unwrap();
    let before = fs::read(&first.files.certificate).unwrap();
    let again = made_in(&tls).unwrap();
    assert!(!again.is_new);
    assert_eq!(again.files, first.files);
    assert_eq!(fs::read(&first.files.certificate).unwrap(), before);
}

#[test]
fn of_many_at_once_one_makes_the_pair_and_all_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let tls = folder.path().join("tls");
    // An empty folder is as good as none.
    fs::create_dir(&tls).unwrap();
    let together = Barrier::new(8);
    let make = || {
        together.wait();
        let made = made_in(&tls).unwrap();
        let certificate = fs::read(&made.files.certificate).unwrap();
        (
            made.is_new,
            certificate,
            fs::read(&made.files.private_key).unwrap(),
        )
    };
    let made: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(made.iter().filter(|(is_new, ..)| *is_new).count(), 1);
    let pairs: BTreeSet<_> = made
        .iter()
        .map(|(_, certificate, key)| (certificate, key))
        .collect();
    assert_eq!(pairs.len(), 1);
    assert_eq!(entries(folder.path()), ["tls"]);
}

#[test]
fn what_a_killed_process_left_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join(".tls.new");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("private-key.pem"), "half").unwrap();
    assert!(made_in(&folder.path().join("tls")).unwrap().is_new);
    assert_eq!(entries(folder.path()), ["tls"]);
}

#[test]
fn something_else_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for (name, there) in [("half", "certificate.pem"), ("other", "letter.txt")] {
        let tls = folder.path().join(name);
        fs::create_dir(&tls).unwrap();
        fs::write(tls.join(there), "mine").unwrap();
        let error = made_in(&tls).unwrap_err();
        assert!(error.why().contains("not both"), "{error}");
        assert_eq!(entries(&tls), [there]);
    }
    fs::write(folder.path().join("file"), "mine").unwrap();
    made_in(&folder.path().join("file")).unwrap_err();
    assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"mine");
    made_in(&folder.path().join("no/parent")).unwrap_err();
    assert_eq!(entries(folder.path()), ["file", "half", "other"]);
}

#[test]
fn what_is_no_name_is_refused() {
    let long = format!("{}.org", "a".repeat(64));
    let longer = ["a."; 130].concat() + "org";
    for name in [
        "",
        " ",
        "a b",
        "a..b",
        ".a",
        "a.",
        "-a",
        "a-",
        "*",
        "*.",
        "a.*.b",
        "häuser.example.org",
        "a/b",
        "http://a",
        "a:443",
        "10.1.2",
        "256.1.1.1",
        "[10.1.2.3",
        "a\n",
        &long,
        &longer,
    ] {
        let Err(error) = self_signed(&names(&[name]), now()) else {
            panic!("{name:?} was taken");
        };
        assert!(
            error.why().contains("neither a host name nor an IP address"),
            "{error}"
        );
    }
    assert!(self_signed(&[], now()).is_err());
    assert!(self_signed(&vec!["a".to_owned(); 101], now()).is_err());
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
