//! What the cases of this suite do again and again.

use keystead_application::ports::{
    HeaderPlan, ParsedHeader, PayloadStream, SealedFormat, SealedFormatError, SealedHeader,
};
use keystead_domain::{Argon2Cost, FileId, FileKey, Hint, KeysetSlot, PasswordSlot, SealInfo};

use crate::case::ensure;
use crate::{Verdict, Violation, samples};

/// The bytes before the first record.
pub(super) const NONCE: usize = 16;
/// The content of a full record.
pub(super) const CHUNK: usize = 64 * 1024;
/// A full record.
pub(super) const RECORD: usize = CHUNK + 16;

/// The least work that is worth the name: cases are not there to spend memory.
pub(super) const CHEAP: Argon2Cost = Argon2Cost {
    memory_kib: 64,
    passes: 1,
    lanes: 1,
};

/// A plan with so many keyset slots, each of another key size.
pub(super) fn plan(keysets: u32, password: Option<PasswordSlot>) -> Result<HeaderPlan, Violation> {
    let mut slots = Vec::new();
    for n in 1..=keysets {
        let key = samples::public_key(n)?;
        slots.push(KeysetSlot {
            tag: key.tag(),
            fingerprint: Some(key.fingerprint()),
            wrapped: samples::bytes(n, [256, 384, 512, 1024, 257][n as usize % 5]),
        });
    }
    let info = SealInfo {
        file_id: FileId::from_random_bytes([0x5e; 16]),
        server_id: None,
        sealed_at: samples::at(5)?,
        fingerprints: slots.iter().filter_map(|slot| slot.fingerprint).collect(),
    };
    Ok(HeaderPlan {
        keysets: slots,
        password,
        info,
    })
}

/// A password slot that is not wrapped yet.
pub(super) fn slot(hint: Option<Hint>) -> PasswordSlot {
    PasswordSlot {
        salt: [0xa7; 16],
        cost: CHEAP,
        hint,
        wrapped: [0; 32],
    }
}

/// A password slot that is wrapped.
pub(super) fn wrapped_slot(
    format: &dyn SealedFormat,
    hint: Option<Hint>,
    file_key: &FileKey,
) -> Result<PasswordSlot, Violation> {
    Ok(format.wrap_with_password(slot(hint), &samples::passphrase(b"password"), file_key)?)
}

/// The header at the beginning of these bytes, which must be whole.
pub(super) fn whole(format: &dyn SealedFormat, bytes: &[u8]) -> Result<(SealedHeader, usize), Violation> {
    match format.parse_header(bytes)? {
        ParsedHeader::Complete { header, len } => Ok((*header, len)),
        ParsedHeader::NeedsMore => Err(Violation::new(format!(
            "a header of {} bytes needs more",
            bytes.len()
        ))),
    }
}

/// Seals a content in steps of uneven length.
pub(super) fn seal(format: &dyn SealedFormat, key: &FileKey, content: &[u8]) -> Result<Vec<u8>, Violation> {
    let mut out = Vec::new();
    let nonce = samples::bytes(0x90, NONCE)
        .try_into()
        .map_err(|_| Violation::new("no nonce"))?;
    let result = feed(format.seal_payload(key, nonce)?, content, &mut out);
    result.map(|()| out).map_err(Violation::from)
}

/// Opens a payload in steps of uneven length. What came out is returned even when it fails.
pub(super) fn open(
    format: &dyn SealedFormat,
    key: &FileKey,
    sealed: &[u8],
) -> Result<(Vec<u8>, Result<(), SealedFormatError>), Violation> {
    let mut out = Vec::new();
    let result = feed(format.open_payload(key)?, sealed, &mut out);
    Ok((out, result))
}

fn feed(
    mut stream: Box<dyn PayloadStream>,
    input: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SealedFormatError> {
    let mut rest = input;
    for step in [1, 15, 0, 16, 17, 1_000, 65_535, 65_536, 65_537, 65_552, 300_000]
        .into_iter()
        .cycle()
    {
        let (now, later) = rest.split_at(rest.len().min(step));
        stream.push(now, out)?;
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    stream.finish(out)
}

/// That a payload opens to a content.
pub(super) fn opens_to(
    format: &dyn SealedFormat,
    key: &FileKey,
    sealed: &[u8],
    content: &[u8],
    what: &str,
) -> Verdict {
    let (out, result) = open(format, key, sealed)?;
    if let Err(error) = result {
        return Err(Violation::new(format!("{what}: does not open ({error})")));
    }
    ensure!(
        out == content,
        "{what}: opens to another content ({} bytes instead of {})",
        out.len(),
        content.len()
    );
    Ok(())
}

/// That a payload does not open, and that nothing came out but a beginning of the content, at most so many bytes of it.
pub(super) fn fails_within(
    format: &dyn SealedFormat,
    key: &FileKey,
    sealed: &[u8],
    content: &[u8],
    most: usize,
    what: &str,
) -> Verdict {
    let (out, result) = open(format, key, sealed)?;
    match result {
        Ok(()) => return Err(Violation::new(format!("{what}: opened"))),
        Err(SealedFormatError::PayloadCut(_) | SealedFormatError::PayloadDamaged(_)) => {}
        Err(error) => {
            return Err(Violation::new(format!(
                "{what}: refused with another error ({error:?})"
            )));
        }
    }
    ensure!(
        content.starts_with(&out),
        "{what}: bytes came out that are not of the content"
    );
    ensure!(
        out.len() <= most,
        "{what}: {} bytes came out, at most {most} were authentic",
        out.len()
    );
    Ok(())
}
