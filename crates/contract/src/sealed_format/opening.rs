use std::sync::Arc;

use super::SealedFormatFixture;
use super::steps::{CHUNK, NONCE, RECORD, fails_within, open, seal};
use crate::case::{cases, ensure};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn SealedFormatFixture>> {
    cases![
        a_cut_payload_is_noticed,
        a_flipped_bit_is_noticed,
        another_file_key_opens_nothing,
        moved_records_are_noticed,
        bytes_behind_the_end_are_noticed,
        nothing_comes_out_before_it_is_authenticated,
    ]
}

/// So much of the content can be authentic when the sealed bytes are right up to this position.
fn authentic_before(position: usize) -> usize {
    position.saturating_sub(NONCE) / RECORD * CHUNK
}

async fn a_cut_payload_is_noticed(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for len in [0, 10, CHUNK, 2 * CHUNK + 100] {
        let content = samples::bytes(1, len);
        let sealed = seal(&*format, &key, &content)?;
        let cuts = [
            0,
            1,
            NONCE - 1,
            NONCE,
            NONCE + 1,
            NONCE + 15,
            NONCE + 16,
            NONCE + RECORD - 1,
            NONCE + RECORD,
            NONCE + RECORD + 1,
            NONCE + RECORD + 16,
            NONCE + 2 * RECORD - 16,
            NONCE + 2 * RECORD,
            sealed.len() - 16,
            sealed.len() - 1,
        ];
        for cut in cuts.into_iter().filter(|cut| *cut < sealed.len()) {
            let what = format!("{} sealed bytes cut after {cut}", sealed.len());
            fails_within(
                &*format,
                &key,
                &sealed[..cut],
                &content,
                authentic_before(cut),
                &what,
            )?;
        }
    }
    Ok(())
}

async fn a_flipped_bit_is_noticed(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let content = samples::bytes(1, 2 * CHUNK + 100);
    let sealed = seal(&*format, &key, &content)?;
    let positions = [
        0,
        NONCE - 1,
        NONCE,
        NONCE + 1_000,
        NONCE + CHUNK,
        NONCE + RECORD - 1,
        NONCE + RECORD,
        NONCE + 2 * RECORD - 1,
        NONCE + 2 * RECORD,
        sealed.len() - 17,
        sealed.len() - 16,
        sealed.len() - 1,
    ];
    for position in positions {
        for bit in [0x01, 0x80] {
            let mut changed = sealed.clone();
            changed[position] ^= bit;
            let what = format!("byte {position} changed by {bit:#04x}");
            fails_within(
                &*format,
                &key,
                &changed,
                &content,
                authentic_before(position),
                &what,
            )?;
        }
    }
    Ok(())
}

async fn another_file_key_opens_nothing(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for len in [0, 10, 2 * CHUNK] {
        let content = samples::bytes(1, len);
        let sealed = seal(&*format, &key, &content)?;
        fails_within(
            &*format,
            &samples::file_key(2),
            &sealed,
            &content,
            0,
            &format!("{len} bytes"),
        )?;
    }
    Ok(())
}

async fn moved_records_are_noticed(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let content = samples::bytes(1, 3 * CHUNK);
    let sealed = seal(&*format, &key, &content)?;
    let (nonce, records) = sealed.split_at(NONCE);
    let record = |n: usize| &records[n * RECORD..(n + 1) * RECORD];
    let (a, b, c) = (record(0), record(1), record(2));
    let cases: [(&str, Vec<&[u8]>, usize); 6] = [
        ("the first two swapped", vec![b, a, c], 0),
        ("the first left out", vec![b, c], 0),
        ("the middle left out", vec![a, c], CHUNK),
        ("the last one alone", vec![c], 0),
        ("the middle twice", vec![a, b, b, c], 2 * CHUNK),
        ("the last twice", vec![a, b, c, c], 3 * CHUNK),
    ];
    for (what, records, most) in cases {
        let moved = [nonce, &records.concat()].concat();
        fails_within(&*format, &key, &moved, &content, most, what)?;
    }
    Ok(())
}

async fn bytes_behind_the_end_are_noticed(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for len in [0, 10, CHUNK - 1, CHUNK, CHUNK + 10] {
        let content = samples::bytes(1, len);
        let sealed = seal(&*format, &key, &content)?;
        for behind in [
            vec![1],
            samples::bytes(2, 17),
            samples::bytes(3, RECORD),
            sealed.clone(),
        ] {
            let longer = [sealed.as_slice(), &behind].concat();
            let what = format!("{len} bytes with {} more behind the end", behind.len());
            fails_within(&*format, &key, &longer, &content, len, &what)?;
        }
    }
    Ok(())
}

/// Looks at every step that nothing came out whose record was not there as a whole.
async fn nothing_comes_out_before_it_is_authenticated(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let content = samples::bytes(1, 3 * CHUNK + 50);
    let sealed = seal(&*format, &key, &content)?;
    let mut out = Vec::new();
    let mut stream = format.open_payload(&key)?;
    let mut pushed = 0;
    for part in sealed.chunks(4_001) {
        stream.push(part, &mut out)?;
        pushed += part.len();
        // The last record counts as whole when all of it is there, although only the end of the input shows it.
        let most = if pushed == sealed.len() {
            content.len()
        } else {
            authentic_before(pushed)
        };
        ensure!(
            out.len() <= most,
            "{} bytes came out after {pushed} were pushed",
            out.len()
        );
        ensure!(
            content.starts_with(&out),
            "bytes came out that are not of the content"
        );
    }
    stream.finish(&mut out)?;
    ensure!(out == content, "the content came back changed");
    // What was opened before stays opened when the end is missing; a call after that must not be needed to know it.
    let (beginning, result) = open(&*format, &key, &sealed[..NONCE + RECORD + 100])?;
    ensure!(
        result.is_err() && content.starts_with(&beginning),
        "a beginning does not end in an error"
    );
    Ok(())
}
