//! A file that another implementation sealed, byte for byte. Its values stand in `vectors/README.md`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

use keystead_age::AgeSealedFormat;
use keystead_application::ports::{HeaderPlan, ParsedHeader, SealedFormat, SealedHeader};
use keystead_domain::{Argon2Cost, FileKey, Passphrase};
use zeroize::Zeroizing;

const SEALED: &[u8] = include_bytes!("vectors/sealed.age");
const PASSWORD: &[u8] = include_bytes!("vectors/password.txt");

fn content() -> Vec<u8> {
    (0..2500)
        .flat_map(|i| format!("line {i:06} of the plain text\n").into_bytes())
        .collect()
}

fn file_key() -> FileKey {
    FileKey::new(Zeroizing::new(std::array::from_fn(|i| 0x10 + i as u8)))
}

fn header() -> (SealedHeader, usize) {
    match AgeSealedFormat.parse_header(SEALED).unwrap() {
        ParsedHeader::Complete { header, len } => (*header, len),
        ParsedHeader::NeedsMore => panic!("the header is whole"),
    }
}

#[test]
fn the_header_says_what_was_sealed() {
    let (header, _) = header();
    AgeSealedFormat.verify_header(&header, &file_key()).unwrap();
    let info = header.info.unwrap();
    assert_eq!(info.file_id.to_string(), "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f0");
    assert_eq!(info.sealed_at.to_string(), "2026-11-24T12:00:00.5Z");
    assert_eq!(header.keysets[0].fingerprint.unwrap().short(), "5762b9838cfcf94e");
    assert_eq!(
        header.passwords[0].hint.as_ref().unwrap().as_str(),
        "the usual, 2026"
    );
    assert_eq!(
        header.passwords[0].cost,
        Argon2Cost {
            memory_kib: 65_536,
            passes: 3,
            lanes: 1
        }
    );
    assert!(header.others.is_empty());
}

#[test]
fn the_password_opens_its_slot() {
    let (header, _) = header();
    let password = Passphrase::from_file_content(Zeroizing::new(PASSWORD.to_vec()));
    let opened = AgeSealedFormat
        .unwrap_with_password(&header.passwords[0], &password)
        .unwrap();
    assert_eq!(opened.expose(), file_key().expose());
}

#[test]
fn the_payload_opens_in_pieces_of_any_length() {
    let (_, len) = header();
    for step in [1000, 65_552, 1 << 20] {
        let mut stream = AgeSealedFormat.open_payload(&file_key()).unwrap();
        let mut out = Vec::new();
        for piece in SEALED[len..].chunks(step) {
            stream.push(piece, &mut out).unwrap();
        }
        stream.finish(&mut out).unwrap();
        assert!(out == content(), "steps of {step}");
    }
}

#[test]
fn the_same_values_make_the_same_bytes() {
    let (header, len) = header();
    let plan = HeaderPlan {
        keysets: header.keysets,
        password: header.passwords.into_iter().next(),
        info: header.info.unwrap(),
    };
    let mut made = AgeSealedFormat.write_header(&plan, &file_key()).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&made),
        String::from_utf8_lossy(&SEALED[..len])
    );
    let nonce = std::array::from_fn(|i| 0x30 + i as u8);
    let mut stream = AgeSealedFormat.seal_payload(&file_key(), nonce).unwrap();
    for piece in content().chunks(777) {
        stream.push(piece, &mut made).unwrap();
    }
    stream.finish(&mut made).unwrap();
    assert!(made == SEALED);
}
