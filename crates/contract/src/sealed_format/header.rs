use std::sync::Arc;

use keystead_application::ports::{HeaderPlan, ParsedHeader, SealedFormat, SealedFormatError};
use keystead_domain::FileKey;

use super::SealedFormatFixture;
use super::steps::{plan, whole, wrapped_slot};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn SealedFormatFixture>> {
    cases![
        a_header_is_read_as_it_was_written,
        every_beginning_of_a_header_needs_more,
        the_payload_is_not_part_of_the_header,
        another_file_key_does_not_verify,
        a_changed_header_is_noticed,
        what_is_no_sealed_file_is_refused,
        a_header_without_an_end_is_refused,
    ]
}

/// Plans with and without each part, and with hints that are easily damaged.
fn plans(format: &dyn SealedFormat, key: &FileKey) -> Result<Vec<HeaderPlan>, Violation> {
    let mut plans = vec![
        plan(1, None)?,
        plan(5, None)?,
        plan(0, Some(wrapped_slot(format, None, key)?))?,
    ];
    for hint in samples::awkward_hints()? {
        plans.push(plan(2, Some(wrapped_slot(format, Some(hint), key)?))?);
    }
    let mut from_server = plan(1, Some(wrapped_slot(format, None, key)?))?;
    from_server.info.server_id = Some("5b0d4c1e-7d8f-4a53-9f0e-1c2d3e4f5a6b".to_owned());
    from_server.info.sealed_at = "2046-01-02T03:04:05.678901Z".parse()?;
    plans.push(from_server);
    Ok(plans)
}

async fn a_header_is_read_as_it_was_written(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for plan in plans(&*format, &key)? {
        let bytes = format.write_header(&plan, &key)?;
        let (header, len) = whole(&*format, &bytes)?;
        equal(len, bytes.len(), "the length of the header")?;
        equal(
            header.keysets.len(),
            plan.keysets.len(),
            "the number of keyset slots",
        )?;
        equal(&header.keysets, &plan.keysets, "the keyset slots")?;
        equal(
            header.passwords.as_slice(),
            plan.password.as_slice(),
            "the password slots",
        )?;
        equal(
            header.info.as_ref(),
            Some(&plan.info),
            "what the file says about itself",
        )?;
        equal(header.others.len(), 0, "the slots that are not known")?;
        format.verify_header(&header, &key)?;
    }
    Ok(())
}

async fn every_beginning_of_a_header_needs_more(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let bytes = format.write_header(&plan(2, Some(wrapped_slot(&*format, None, &key)?))?, &key)?;
    for len in 0..bytes.len() {
        match format.parse_header(&bytes[..len]) {
            Ok(ParsedHeader::NeedsMore) => {}
            Ok(ParsedHeader::Complete { .. }) => {
                return Err(Violation::new(format!(
                    "it is complete after {len} of {} bytes",
                    bytes.len()
                )));
            }
            Err(error) => {
                return Err(Violation::new(format!(
                    "its first {len} of {} bytes are refused: {error}",
                    bytes.len()
                )));
            }
        }
    }
    Ok(())
}

async fn the_payload_is_not_part_of_the_header(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let bytes = format.write_header(&plan(1, None)?, &key)?;
    let (alone, len) = whole(&*format, &bytes)?;
    for payload in [
        b"\n".to_vec(),
        b"-> ssh-rsa AAAA\n--- \n".to_vec(),
        vec![0; 100_000],
        samples::bytes(1, 70_000),
    ] {
        let (header, len_with_payload) = whole(&*format, &[bytes.as_slice(), &payload].concat())?;
        equal(len_with_payload, len, "the length of the header before a payload")?;
        ensure!(
            header == alone,
            "the header is another one with a payload behind it"
        );
    }
    Ok(())
}

async fn another_file_key_does_not_verify(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let (header, _) = whole(&*format, &format.write_header(&plan(1, None)?, &key)?)?;
    changed(
        format.verify_header(&header, &samples::file_key(2)),
        "another file key",
    )?;
    let mut forged = header.clone();
    forged.mac = [0; 32];
    changed(format.verify_header(&forged, &key), "a code of zeros")?;
    let mut forged = header;
    forged.authenticated.push(b'\n');
    changed(format.verify_header(&forged, &key), "a longer header")
}

async fn a_changed_header_is_noticed(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let password = wrapped_slot(&*format, Some(samples::hint("pet's name")?), &key)?;
    let bytes = format.write_header(&plan(2, Some(password))?, &key)?;
    let payload = samples::bytes(2, 500);
    for position in 0..bytes.len() {
        for bits in [0x01, 0x20, 0x80] {
            let mut file = [bytes.as_slice(), &payload].concat();
            file[position] ^= bits;
            // Refusing it at once is as good; a change of the end mark may also ask for more.
            if let Ok(ParsedHeader::Complete { header, .. }) = format.parse_header(&file) {
                changed(
                    format.verify_header(&header, &key),
                    &format!("byte {position} changed by {bits:#04x}"),
                )?;
            }
        }
    }
    Ok(())
}

async fn what_is_no_sealed_file_is_refused(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let format = fixture.format();
    let files = [
        b"This is a letter and not a sealed file, whatever its name may say.\n".to_vec(),
        vec![0; 1_000],
        samples::bytes(3, 1_000),
        b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA\n".to_vec(),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xbd\x07\x60\x1c\x49\x96\x25\x26\x2f\x6d\xca\x7b\x7f\x4a".to_vec(),
    ];
    for file in files {
        match format.parse_header(&file) {
            Err(SealedFormatError::NotSealed(_)) => {}
            other => {
                return Err(Violation::new(format!(
                    "{} bytes that are no sealed file: {other:?}",
                    file.len()
                )));
            }
        }
    }
    Ok(())
}

/// A reader collects a header until it is complete. Without a bound it would collect a whole tape.
async fn a_header_without_an_end_is_refused(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let bytes = format.write_header(&plan(2, None)?, &key)?;
    for filler in [b'A', b'\n', b' '] {
        let mut endless = bytes[..bytes.len() / 2].to_vec();
        endless.resize(16 * 1024 * 1024, filler);
        ensure!(
            format.parse_header(&endless).is_err(),
            "16 MiB without an end are not refused"
        );
    }
    Ok(())
}

fn changed(result: Result<(), SealedFormatError>, what: &str) -> Verdict {
    match result {
        Err(SealedFormatError::HeaderChanged) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(()) => Err(Violation::new(format!("{what}: verified"))),
    }
}
