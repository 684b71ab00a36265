//! A tape drive writes whole blocks: the last one is filled up with zero bytes, and the reader gets them too.

use std::sync::Arc;

use keystead_application::ports::SealedFormat;
use keystead_domain::FileKey;

use super::SealedFormatFixture;
use super::steps::{CHUNK, NONCE, RECORD, fails_within, opens_to, seal};
use crate::case::cases;
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn SealedFormatFixture>> {
    cases![
        padding_of_any_length_is_passed_over,
        a_tag_that_ends_in_zero_bytes_keeps_them,
        something_behind_the_padding_is_noticed,
        padding_does_not_hide_a_cut,
    ]
}

const PADS: [usize; 10] = [1, 15, 16, 17, 31, 512, 10_240, RECORD - 1, RECORD, 3 * RECORD + 5];

fn padded(sealed: &[u8], pad: usize) -> Vec<u8> {
    let mut padded = sealed.to_vec();
    padded.resize(sealed.len() + pad, 0);
    padded
}

fn opens_padded(
    format: &dyn SealedFormat,
    key: &FileKey,
    sealed: &[u8],
    content: &[u8],
    pads: &[usize],
) -> Verdict {
    for pad in pads {
        let what = format!("{} bytes padded with {pad} zero bytes", content.len());
        opens_to(format, key, &padded(sealed, *pad), content, &what)?;
    }
    Ok(())
}

async fn padding_of_any_length_is_passed_over(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for len in [0, 1, 495, CHUNK - 40, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
        let content = samples::bytes(1, len);
        let sealed = seal(&*format, &key, &content)?;
        opens_padded(&*format, &key, &sealed, &content, &PADS)?;
        // The padding that makes a record full, to the byte and one more or less.
        let missing = (NONCE + RECORD).saturating_sub(sealed.len());
        opens_padded(
            &*format,
            &key,
            &sealed,
            &content,
            &[missing.max(2) - 1, missing, missing + 1],
        )?;
    }
    // Content that ends in zeros is not padding.
    let content = [samples::bytes(2, 100), vec![0; 700]].concat();
    opens_padded(&*format, &key, &seal(&*format, &key, &content)?, &content, &PADS)
}

/// One tag in 256 ends in a zero byte, so file keys are tried until a few such tags were seen.
async fn a_tag_that_ends_in_zero_bytes_keeps_them(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let format = fixture.format();
    for (len, wanted) in [(5, 6), (0, 2), (CHUNK, 1)] {
        let content = samples::bytes(1, len);
        let mut seen = 0;
        for n in 0..20_000 {
            let key = samples::file_key(n);
            let sealed = seal(&*format, &key, &content)?;
            let ends_in_zero = sealed.last() == Some(&0);
            if ends_in_zero || n < 4 {
                opens_to(&*format, &key, &sealed, &content, "without padding")?;
                opens_padded(&*format, &key, &sealed, &content, &[1, 15, 16, 17, 512, RECORD])?;
            }
            seen += u32::from(ends_in_zero);
            if seen == wanted {
                break;
            }
        }
    }
    Ok(())
}

async fn something_behind_the_padding_is_noticed(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for len in [0, 100, CHUNK, CHUNK + 100] {
        let content = samples::bytes(1, len);
        let sealed = seal(&*format, &key, &content)?;
        for pad in [1, 20, 512, RECORD, 2 * RECORD + 7] {
            for behind in [&b"\x01"[..], b"another file begins here", &[0xff; 600]] {
                let longer = [padded(&sealed, pad).as_slice(), behind].concat();
                let what = format!("{len} bytes, {pad} zero bytes and then {} others", behind.len());
                fails_within(&*format, &key, &longer, &content, len, &what)?;
            }
        }
    }
    Ok(())
}

async fn padding_does_not_hide_a_cut(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let content = samples::bytes(1, 2 * CHUNK + 100);
    let sealed = seal(&*format, &key, &content)?;
    for cut in [
        0,
        NONCE,
        NONCE + 500,
        NONCE + RECORD,
        NONCE + RECORD + 60,
        NONCE + 2 * RECORD,
        sealed.len() - 17,
    ] {
        for pad in [1, 16, 512, RECORD, 3 * RECORD] {
            let what = format!("cut after {cut} bytes and padded with {pad} zero bytes");
            let most = cut.saturating_sub(NONCE) / RECORD * CHUNK;
            fails_within(
                &*format,
                &key,
                &padded(&sealed[..cut], pad),
                &content,
                most,
                &what,
            )?;
        }
    }
    Ok(())
}
