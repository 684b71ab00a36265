//! The guide for backend authors quotes code that is compiled and tested: word for word, and with its true length.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test")]

use std::fs;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn guide() -> String {
    fs::read_to_string(repository().join("docs/backend-authors.md")).unwrap()
}

/// What stands between the fences that begin so.
fn quotations(guide: &str) -> Vec<&str> {
    guide
        .split("```rust\n")
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect()
}

#[test]
fn every_quotation_stands_in_the_file_that_it_names() {
    let guide = guide();
    let quotations = quotations(&guide);
    assert!(quotations.len() > 4, "there are {}", quotations.len());
    for quotation in quotations {
        let (name, code) = quotation.split_once('\n').unwrap();
        let file = name.strip_prefix("// ").unwrap();
        let source = fs::read_to_string(repository().join(file)).unwrap();
        assert!(source.contains(code), "{file} does not contain\n{code}");
    }
}

/// The lines of code in a folder, without blank lines and comments.
fn lines(folder: &str) -> usize {
    let mut lines = 0;
    for entry in fs::read_dir(repository().join(folder)).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        lines += source.lines().filter(code).count();
    }
    lines
}

#[test]
fn the_length_is_the_true_one() {
    let words = format!("It has {} lines of code", lines("examples/redb-store/src"));
    assert!(guide().contains(&words), "the guide does not say \"{words}\"");
    let words = format!("\n{} lines of code", lines("examples/redb-share/src"));
    assert!(guide().contains(&words), "the guide does not say \"{words}\"");
}
