use keystead_application::exchange::dearmored;
use keystead_application::ports::SshSignatureError;

const LABEL: &str = "SSH SIGNATURE";

/// The longest text that is read: a mail may stand around the signature.
const LONGEST: usize = 1024 * 1024;

/// Takes the armor off.
pub(crate) fn take_off(armored: &str) -> Result<Vec<u8>, SshSignatureError> {
    dearmored(LABEL, armored, LONGEST).map_err(|error| SshSignatureError::Malformed(error.to_string()))
}
