use std::sync::Arc;

use super::SealedFormatFixture;
use super::steps::{CHUNK, NONCE, RECORD, opens_to, seal};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn SealedFormatFixture>> {
    cases![
        what_was_sealed_is_opened,
        the_nonce_comes_first,
        the_sealed_bytes_do_not_show_the_content,
        another_nonce_gives_other_bytes,
        bytes_flow_while_they_come,
    ]
}

async fn what_was_sealed_is_opened(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for len in [
        0,
        1,
        CHUNK - 1,
        CHUNK,
        CHUNK + 1,
        2 * CHUNK,
        3 * CHUNK,
        1024 * 1024,
        1024 * 1024 + 7,
    ] {
        let content = samples::bytes(1, len);
        let sealed = seal(&*format, &key, &content)?;
        let records = len.div_ceil(CHUNK).max(1);
        equal(
            sealed.len(),
            NONCE + len + records * (RECORD - CHUNK),
            "the length of the sealed bytes",
        )?;
        opens_to(&*format, &key, &sealed, &content, &format!("{len} bytes"))?;
    }
    // Zeros at the end of the content are content.
    for len in [5, CHUNK, CHUNK + 40, 2 * CHUNK] {
        let content = vec![0; len];
        opens_to(
            &*format,
            &key,
            &seal(&*format, &key, &content)?,
            &content,
            &format!("{len} zero bytes"),
        )?;
    }
    Ok(())
}

async fn the_nonce_comes_first(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let nonce = [0x3c; NONCE];
    let mut out = Vec::new();
    let mut stream = format.seal_payload(&key, nonce)?;
    stream.push(b"content", &mut out)?;
    stream.finish(&mut out)?;
    ensure!(
        out.starts_with(&nonce),
        "the sealed bytes do not begin with the nonce"
    );
    opens_to(&*format, &key, &out, b"content", "a short content")
}

async fn the_sealed_bytes_do_not_show_the_content(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let content = b"a line of a confidential backup\n".repeat(5_000);
    let sealed = seal(&*format, &key, &content)?;
    let shown = sealed.windows(12).any(|window| window == b"confidential");
    ensure!(!shown, "the content stands in the sealed bytes");
    Ok(())
}

async fn another_nonce_gives_other_bytes(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let mut sealed = Vec::new();
    for nonce in [[1; NONCE], [2; NONCE]] {
        let mut out = Vec::new();
        let mut stream = format.seal_payload(&key, nonce)?;
        stream.push(&[7; 100], &mut out)?;
        stream.finish(&mut out)?;
        sealed.push(out[NONCE..].to_vec());
    }
    ensure!(sealed[0] != sealed[1], "two nonces give the same bytes");
    Ok(())
}

/// A tape does not fit into memory: neither direction may hold back more than a few records.
async fn bytes_flow_while_they_come(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    const MOST: usize = 4 * RECORD;
    let (format, key) = (fixture.format(), samples::file_key(1));
    let content = samples::bytes(2, 20 * CHUNK + 5);

    let mut sealed = Vec::new();
    let mut stream = format.seal_payload(&key, [9; NONCE])?;
    for (n, part) in content.chunks(10_000).enumerate() {
        stream.push(part, &mut sealed)?;
        ensure!(
            sealed.len() + MOST > n * 10_000,
            "sealing holds back more than {MOST} bytes"
        );
    }
    stream.finish(&mut sealed)?;

    let mut opened = Vec::new();
    let mut stream = format.open_payload(&key)?;
    for (n, part) in sealed.chunks(10_000).enumerate() {
        stream.push(part, &mut opened)?;
        ensure!(
            opened.len() + MOST > n * 10_000,
            "opening holds back more than {MOST} bytes"
        );
    }
    stream.finish(&mut opened)?;
    ensure!(opened == content, "the content came back changed");
    Ok(())
}
