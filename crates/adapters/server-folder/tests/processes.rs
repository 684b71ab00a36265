//! Several processes with one folder, and processes that are killed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use keystead_application::ports::{FolderErrorKind, ServerFolder};
use keystead_server_folder::LocalServerFolder;
use support::{child, child_place, content, folder, name, secret, tell, temporaries};
use tempfile::TempDir;

const LEN: usize = 300_000;
const RECORD: usize = 10;

/// Creates, replaces, adds to and destroys documents until it is killed, and tells what is done.
async fn work_until_killed(place: &Path, round: &str) {
    let folder = folder(place);
    for n in 0_u8.. {
        let lock = folder.lock().await.unwrap();
        let new = name(&format!("created/of-{round}-{n}"));
        folder.create(&new, &secret(vec![n; LEN])).await.unwrap();
        tell(&format!("created {}", new.which()));
        folder
            .replace(&name("replaced/one"), &secret(vec![n; LEN]))
            .await
            .unwrap();
        tell("replaced");
        folder
            .append(&name("log/events"), &secret(vec![b'r'; RECORD]))
            .await
            .unwrap();
        tell("added");
        folder
            .replace(&name("destroyed/one"), &secret(vec![1; LEN]))
            .await
            .unwrap();
        folder.destroy(&name("destroyed/one")).await.unwrap();
        tell("destroyed");
        drop(lock);
    }
}

#[tokio::test]
async fn a_killed_process_leaves_whole_documents_and_nothing_that_stays() {
    if let Some(place) = child_place() {
        let round = std::env::var("ROUND").unwrap();
        work_until_killed(&place, &round).await;
    }
    let root = TempDir::new().unwrap();
    let place = root.path().join("server");
    let folder = folder(&place);
    let (mut created, mut added, mut left_over) = (Vec::new(), 0, 0);
    for round in 0..40_usize {
        let test = "a_killed_process_leaves_whole_documents_and_nothing_that_stays";
        let mut process = child(test, &place)
            .env("ROUND", round.to_string())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut told = |line: String| match line.split_once(' ') {
            Some(("created", which)) => created.push(name(&format!("created/{which}"))),
            _ if line == "added" => added += 1,
            _ => {}
        };
        // Somewhere in the work, and somewhere between two lines.
        let lines = 2 + round * 7 % 23;
        for line in said.by_ref().take(lines) {
            told(line.unwrap());
        }
        (0..round * 7_919 % 400_000).for_each(|n| {
            std::hint::black_box(n);
        });
        process.kill().unwrap();
        process.wait().unwrap();
        said.map_while(Result::ok).for_each(told);
        left_over += temporaries(&place).len();

        // Whoever comes next finds everything in order.
        drop(folder.lock().await.unwrap());
        assert_eq!(temporaries(&place), Vec::<std::path::PathBuf>::new());
        for kind in ["created", "replaced", "destroyed"] {
            for document in folder.names(kind).await.unwrap() {
                let found = folder.read(&document).await.unwrap().unwrap();
                let found = found.expose();
                assert!(
                    found.len() == LEN && found.iter().all(|byte| *byte == found[0]),
                    "{document} of {} bytes",
                    found.len()
                );
            }
        }
        for document in &created {
            assert!(
                folder.read(document).await.unwrap().is_some(),
                "{document} is gone"
            );
        }
        let log = content(&folder, "log/events").await.unwrap_or_default();
        assert!(log.len() >= added * RECORD && log.iter().all(|byte| *byte == b'r'));
        for document in folder.names("created").await.unwrap() {
            folder.destroy(&document).await.unwrap();
        }
        created.clear();
    }
    assert!(left_over > 0, "no process was killed in the middle of its work");
}

async fn lock_and_wait(place: &Path) {
    let _lock = folder(place).lock().await.unwrap();
    tell("locked");
    // Until the parent is done with it.
    let _ = std::io::stdin().read(&mut [0]);
}

#[tokio::test]
async fn a_lock_is_gone_with_the_process_that_had_it() {
    if let Some(place) = child_place() {
        return lock_and_wait(&place).await;
    }
    let root = TempDir::new().unwrap();
    let place = root.path().join("server");
    let impatient = folder(&place).with_patience(Duration::from_millis(100));
    let mut process = child("a_lock_is_gone_with_the_process_that_had_it", &place)
        .spawn()
        .unwrap();
    let stdout = BufReader::new(process.stdout.take().unwrap());
    assert!(stdout.lines().any(|line| line.unwrap().ends_with("locked")));
    let busy = impatient.lock().await.err().unwrap();
    assert_eq!(busy.kind, FolderErrorKind::Busy, "{busy}");
    assert!(busy.message.contains("another process"), "{busy}");
    process.kill().unwrap();
    process.wait().unwrap();
    drop(impatient.lock().await.unwrap());
}

async fn count(folder: &LocalServerFolder, times: usize) {
    for _ in 0..times {
        let lock = folder.lock().await.unwrap();
        let before = content(folder, "count/of-all").await.unwrap_or_default();
        let after = [&before[..], b"x"].concat();
        folder
            .replace(&name("count/of-all"), &secret(after))
            .await
            .unwrap();
        drop(lock);
    }
}

#[tokio::test]
async fn processes_take_turns() {
    const TIMES: usize = 15;
    if let Some(place) = child_place() {
        let patient = folder(&place).with_patience(Duration::from_secs(100));
        return count(&patient, TIMES).await;
    }
    let root = TempDir::new().unwrap();
    let place = root.path().join("server");
    let processes: Vec<_> = (0..4)
        .map(|_| child("processes_take_turns", &place).spawn().unwrap())
        .collect();
    for process in processes {
        assert!(process.wait_with_output().unwrap().status.success());
    }
    let counted = content(&folder(&place), "count/of-all").await.unwrap();
    assert_eq!(counted.len(), 4 * TIMES);
}
