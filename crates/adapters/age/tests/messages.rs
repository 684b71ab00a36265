//! Messages to one reader: stock age opens what is made here and the other way round, and nothing else is opened.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use age::x25519::Recipient;
use keystead_age::AgeMessageCipher;
use keystead_application::ports::{MessageCipher, MessageCipherError, MessageKeyPair};
use keystead_domain::{MessageKey, SecretBytes};
use tempfile::TempDir;

const CIPHER: AgeMessageCipher = AgeMessageCipher;
const CHUNK: usize = 65_536;
const LENGTHS: [usize; 7] = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 500_000];

/// Whether a program is there. A test that needs it says otherwise that it was not run.
fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        assert!(
            std::env::var_os("KEYSTEAD_TEST_ALL").is_none() || program.starts_with("rage"),
            "{program} is missing, and KEYSTEAD_TEST_ALL asks for every test"
        );
        // Past the test harness, which would swallow it.
        let _ = writeln!(std::io::stderr(), "not run: {program} is missing");
    }
    found
}

fn run(program: &str, arguments: &[&str], folder: &Path, input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output.status.success().then_some(output.stdout)
}

fn message(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251) as u8).collect()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::new(bytes.to_vec())
}

fn encrypt(to: &MessageKey, message: &[u8]) -> Vec<u8> {
    CIPHER.encrypt(to, &secret(message)).unwrap()
}

fn opens(pair: &MessageKeyPair, encrypted: &[u8]) -> bool {
    match CIPHER.decrypt(&pair.private_key, encrypted) {
        Ok(_) => true,
        Err(MessageCipherError::NotOpened) => false,
        Err(error) => unreachable!("another error: {error}"),
    }
}

#[test]
fn stock_age_opens_what_is_made_here() {
    for (program, keygen) in [("age", "age-keygen"), ("rage", "rage-keygen")] {
        if !have(program) || !have(keygen) {
            continue;
        }
        let folder = TempDir::new().unwrap();
        // An identity of theirs.
        let identity = run(keygen, &[], folder.path(), b"").unwrap();
        std::fs::write(folder.path().join("theirs"), &identity).unwrap();
        let identity = String::from_utf8(identity).unwrap();
        let to = identity.split_once("age1").unwrap().1.lines().next().unwrap();
        let to: MessageKey = format!("age1{to}").parse().unwrap();
        // And one of ours.
        let pair = CIPHER.generate().unwrap();
        std::fs::write(folder.path().join("ours"), pair.private_key.expose()).unwrap();
        for len in LENGTHS {
            for (key, file) in [(&to, "theirs"), (&pair.public_key, "ours")] {
                let encrypted = encrypt(key, &message(len));
                let opened = run(program, &["-d", "-i", file], folder.path(), &encrypted);
                assert!(opened.unwrap() == message(len), "{program}, {len} bytes, {file}");
            }
        }
    }
}

#[test]
fn what_stock_age_makes_is_opened_here() {
    for program in ["age", "rage"] {
        if !have(program) {
            continue;
        }
        let folder = TempDir::new().unwrap();
        let pair = CIPHER.generate().unwrap();
        let to = pair.public_key.as_str();
        for len in LENGTHS {
            let encrypted = run(program, &["-r", to], folder.path(), &message(len)).unwrap();
            let opened = CIPHER.decrypt(&pair.private_key, &encrypted).unwrap();
            assert!(opened.expose() == message(len), "{program}, {len} bytes");
        }
        let armored = run(program, &["-a", "-r", to], folder.path(), b"message").unwrap();
        assert!(!opens(&pair, &armored), "armor");
        let other = CIPHER.generate().unwrap();
        let two = ["-r", to, "-r", other.public_key.as_str()];
        let to_two = run(program, &two, folder.path(), b"message").unwrap();
        assert!(!opens(&pair, &to_two) && !opens(&other, &to_two), "two readers");
        let to_one_twice = run(program, &["-r", to, "-r", to], folder.path(), b"message").unwrap();
        assert!(!opens(&pair, &to_one_twice), "one reader twice");
    }
}

#[test]
fn age_keygen_knows_the_public_half_of_our_keys() {
    if !have("age-keygen") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let pair = CIPHER.generate().unwrap();
    let public_key = run("age-keygen", &["-y"], folder.path(), pair.private_key.expose()).unwrap();
    assert_eq!(
        String::from_utf8(public_key).unwrap().trim(),
        pair.public_key.as_str()
    );
}

#[test]
fn every_bit_of_a_small_message_matters() {
    let pair = CIPHER.generate().unwrap();
    let encrypted = encrypt(&pair.public_key, b"message");
    assert!(opens(&pair, &encrypted));
    for position in 0..encrypted.len() {
        for bit in 0..8 {
            let mut changed = encrypted.clone();
            changed[position] ^= 1 << bit;
            assert!(!opens(&pair, &changed), "bit {bit} of byte {position}");
        }
    }
}

/// The places where a chunk ends are where a cut could look like the end.
#[test]
fn a_message_that_was_cut_or_went_on_at_a_chunk_is_not_opened() {
    let pair = CIPHER.generate().unwrap();
    for len in [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK] {
        let encrypted = encrypt(&pair.public_key, &message(len));
        let end = encrypted.len();
        let payload = end - len - len.div_ceil(CHUNK).max(1) * 16;
        let edges = (0..=len / CHUNK).map(|chunk| payload + chunk * (CHUNK + 16));
        for edge in edges {
            for cut in [edge.saturating_sub(16), edge - 1, edge, edge + 1, edge + 16] {
                assert!(
                    cut >= end || !opens(&pair, &encrypted[..cut]),
                    "{len} bytes, cut at {cut} of {end}"
                );
            }
        }
        for more in [1, 15, 16, 17, CHUNK, CHUNK + 15, CHUNK + 16, CHUNK + 17] {
            let longer = [encrypted.as_slice(), &vec![0; more]].concat();
            assert!(!opens(&pair, &longer), "{len} bytes and {more} behind them");
        }
        let second_chunk = (payload + CHUNK + 16).min(end);
        let repeated = [&encrypted[..second_chunk], &encrypted[payload..]].concat();
        assert!(!opens(&pair, &repeated), "{len} bytes with a chunk twice");
    }
}

#[test]
fn a_message_is_not_opened_when_it_is_too_long() {
    let pair = CIPHER.generate().unwrap();
    let most = encrypt(&pair.public_key, &message(8_380_000));
    assert!(most.len() <= 8 * 1024 * 1024 && opens(&pair, &most));
    let refused = CIPHER.encrypt(&pair.public_key, &secret(&message(8 * 1024 * 1024)));
    assert!(matches!(refused, Err(MessageCipherError::Cipher(_))));
    let recipient: Recipient = pair.public_key.as_str().parse().unwrap();
    let by_others = age::encrypt(&recipient, &message(8 * 1024 * 1024)).unwrap();
    assert!(!opens(&pair, &by_others));
}

/// A parser that begins anew with each line would take hours for them.
#[test]
fn a_header_of_millions_of_lines_is_refused_at_once() {
    let pair = CIPHER.generate().unwrap();
    let header = [
        b"age-encryption.org/v1\n".as_slice(),
        &b"-> a\n\n".repeat(1_000_000),
    ]
    .concat();
    assert!(!opens(&pair, &header));
}

#[test]
fn an_error_does_not_show_the_key() {
    let pair = CIPHER.generate().unwrap();
    let text = String::from_utf8(pair.private_key.expose().to_vec()).unwrap();
    for wrong in [text[..70].to_owned(), text.to_lowercase(), format!("{text}Q")] {
        let error = CIPHER.decrypt(&secret(wrong.as_bytes()), b"").err().unwrap();
        let shown = format!("{error} {error:?}");
        assert!(matches!(error, MessageCipherError::Malformed), "{shown}");
        assert!(!shown.contains(&text[20..40]), "{shown}");
    }
}
