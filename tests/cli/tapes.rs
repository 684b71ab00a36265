//! Streams, tapes and damage: what comes out is authentic, and a file appears only when it is whole.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use support::{Machine, content};

fn sealed(machine: &Machine, len: usize) -> Vec<u8> {
    machine.write("plain", content(len));
    machine.ok(["seal", "--no-password", "-o", "sealed", "--overwrite", "plain"]);
    machine.read("sealed")
}

#[test]
fn a_last_record_padded_with_zeros_opens() {
    let machine = Machine::initialised();
    for len in [0, 1, 1000, 65_536, 65_520, 200_000] {
        let image = sealed(&machine, len);
        for block in [512, 10_240, 262_144] {
            let mut tape = image.clone();
            tape.resize(image.len().next_multiple_of(block), 0);
            let opened = machine.piped(["open"], &tape);
            assert_eq!(opened.status, 0, "{len} in blocks of {block}: {}", opened.err);
            assert!(opened.stdout == content(len));
        }
    }
}

#[test]
fn something_behind_the_padding_is_noticed() {
    let machine = Machine::initialised();
    let mut tape = sealed(&machine, 1000);
    tape.resize(300_000, 0);
    tape.push(1);
    let path = machine.write("tape", &tape);
    machine.refused(1, ["open", "-o", "out", &path]);
    assert!(!machine.path("out").exists());
}

#[test]
fn a_cut_file_does_not_appear_and_a_cut_pipe_ends_in_an_error() {
    let machine = Machine::initialised();
    let len = 400_000;
    let image = sealed(&machine, len);
    let header = image.windows(4).position(|w| w == b"\n---").unwrap();
    for cut in [
        0,
        10,
        header,
        header + 60,
        image.len() / 2,
        image.len() - 17,
        image.len() - 1,
    ] {
        let path = machine.write("cut", &image[..cut]);
        machine.refused(1, ["open", "-o", "out", &path]);
        assert!(!machine.path("out").exists(), "cut at {cut}");
        let piped = machine.piped(["open"], &image[..cut]);
        assert_eq!(piped.status, 1);
        assert!(
            content(len).starts_with(&piped.stdout),
            "only what is authentic came out"
        );
    }
    assert_eq!(leftovers(&machine), Vec::<String>::new());
}

#[test]
fn a_changed_byte_anywhere_is_noticed() {
    let machine = Machine::initialised();
    let image = sealed(&machine, 150_000);
    for at in (0..image.len()).step_by(image.len() / 40) {
        let mut changed = image.clone();
        changed[at] ^= 1;
        let piped = machine.piped(["open"], &changed);
        assert!(
            piped.status == 1 || piped.status == 4,
            "byte {at}: {}",
            piped.status
        );
        assert!(content(150_000).starts_with(&piped.stdout), "byte {at}");
    }
}

#[test]
fn a_changed_header_is_told_from_a_wrong_key() {
    let machine = Machine::initialised();
    let image = String::from_utf8_lossy(&sealed(&machine, 10)).into_owned();
    let info = image.find("-> keystead-info 1\n").unwrap() + "-> keystead-info 1\n".len();
    let mut changed = machine.read("sealed");
    // Another digit of the file's id: still well-formed, no longer what was sealed.
    changed[info + 20] = if changed[info + 20] == b'A' { b'B' } else { b'A' };
    let path = machine.write("changed", changed);
    let ran = machine.run(["open", "-o", "out", &path]);
    assert_eq!(ran.status, 1);
    assert!(ran.err.contains("header"), "{}", ran.err);
    assert!(!machine.path("out").exists());
}

#[test]
fn memory_stays_constant() {
    let machine = Machine::initialised();
    let peak = |len: usize| {
        let mut command = machine.command(["seal", "--no-password"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let piece = content(1 << 20);
        for _ in 0..len {
            stdin.write_all(&piece).unwrap();
        }
        // All but what the pipe holds has gone through by now.
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success());
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let (small, large) = (peak(8), peak(256));
    assert!(
        large < small + 8 * 1024,
        "{small} KiB for 8 MiB, {large} KiB for 256 MiB"
    );
}

#[test]
fn a_named_pipe_is_read_as_a_tape_is() {
    let machine = Machine::initialised();
    let image = sealed(&machine, 300_000);
    let pipe = machine.at("tape");
    support::tools::run("mkfifo", &[&pipe]);
    let writer = std::thread::spawn(move || fs::write(pipe, image).unwrap());
    let opened = machine.run(["open", "tape"]);
    writer.join().unwrap();
    assert_eq!(opened.status, 0, "{}", opened.err);
    assert!(opened.stdout == content(300_000));
}

#[test]
fn a_reader_that_goes_away_is_an_error_and_no_panic() {
    let machine = Machine::initialised();
    sealed(&machine, 5_000_000);
    let mut command = machine.command(["open", "sealed"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("error: ") && !said.contains("panicked"), "{said}");
}

#[test]
fn other_files_are_told_what_they_are_not() {
    let machine = Machine::initialised();
    for other in [
        &b"PK\x03\x04zip"[..],
        b"",
        b"age-encryption.org/v1\n",
        b"\0\0\0\0",
    ] {
        let path = machine.write("other", other);
        let said = machine.refused(1, ["open", "-o", "out", &path]);
        assert!(said.contains("sealed file"), "{said}");
    }
    machine.refused(3, ["open", "-o", "out", "no-such-file"]);
}

/// Temporary files in the home folder.
fn leftovers(machine: &Machine) -> Vec<String> {
    let names = fs::read_dir(machine.home())
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".tmp")).collect()
}
