//! What the README tells people to paste works when it is pasted.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn the_tour_works() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let tour = readme.split("## Five minutes").nth(1).unwrap();
    let tour = tour.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_keystead"), bin.join("keystead")).unwrap();
    let tour = tour.replace("/tmp/keystead-tour", folder.path().to_str().unwrap());
    let install = tour
        .lines()
        .find(|line| line.starts_with("cargo install "))
        .unwrap()
        .to_owned();
    let tour = tour.replace(&install, "");

    let script =
        format!("set -u\nfailed() {{ echo \"FAILED: $*\"; exit 9; }}\n{tour}\n[ $? = 0 ] || failed last\n");
    let output = Command::new("bash")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("none of that is at hand"),
        "the refusal of the tour: {said}"
    );
    assert!(said.contains("Inactive (imported, never active)"), "{said}");
    assert!(said.contains("Inactive (superseded"), "{said}");
    assert!(folder.path().join("restored.tar").is_file());
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
}
