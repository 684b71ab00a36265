use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_application::ports::SshSignatureError;

use crate::envelope::MOST_BYTES;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// Takes the armor off. Where its lines break and with which characters is all the same; nothing may stand around it.
pub(crate) fn take_off(armored: &str) -> Result<Vec<u8>, SshSignatureError> {
    let inner = armored
        .trim()
        .strip_prefix(BEGIN)
        .ok_or_else(|| malformed("it does not begin with a line of its own that says SSH SIGNATURE"))?
        .strip_suffix(END)
        .ok_or_else(|| malformed("its end is missing"))?;
    if inner.len() > 2 * MOST_BYTES {
        return Err(malformed("it is longer than any signature"));
    }
    let text: Vec<u8> = inner.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    STANDARD
        .decode(text)
        .map_err(|_| malformed("what stands between its first and its last line is not base64"))
}

fn malformed(why: &str) -> SshSignatureError {
    SshSignatureError::Malformed(why.to_owned())
}
