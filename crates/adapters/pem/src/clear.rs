//! Private keys in the clear. The `pem` crate would leave copies of them in freed memory; here every buffer is overwritten
//! and none grows. Base64 is converted in constant time.

use base64ct::{Base64, Encoding};
use keystead_application::ports::ExportCodecError;
use keystead_domain::SecretBytes;
use zeroize::Zeroizing;

use crate::scan::{Block, lines};

/// The bytes of a line of 64 digits.
const LINE_BYTES: usize = 48;
const LINE_DIGITS: usize = 64;

pub(crate) fn read(block: &Block<'_>) -> Result<SecretBytes, ExportCodecError> {
    let mut digits = Zeroizing::new(Vec::with_capacity(block.body.len()));
    lines(block.body).for_each(|line| digits.extend_from_slice(line));
    if digits.is_empty() {
        return Err(block.label.damaged("it is empty"));
    }
    let mut bytes = Zeroizing::new(vec![0; digits.len() / 4 * 3]);
    let len = Base64::decode(digits.as_slice(), &mut bytes)
        .map_err(|_| block.label.damaged("it is not base64"))?
        .len();
    bytes.truncate(len);
    Ok(SecretBytes::from_zeroizing(bytes))
}

/// The length of a block of this many bytes.
pub(crate) fn written_len(label: &str, bytes: usize) -> usize {
    let boundaries = 2 * label.len() + "-----BEGIN -----\n-----END -----\n".len();
    boundaries + bytes.div_ceil(3) * 4 + bytes.div_ceil(LINE_BYTES)
}

/// Writes a block with LF line ends. The buffer has to have the room.
pub(crate) fn write(file: &mut Vec<u8>, label: &str, bytes: &[u8]) -> Result<(), ExportCodecError> {
    file.extend_from_slice(format!("-----BEGIN {label}-----\n").as_bytes());
    let mut digits = Zeroizing::new([0; LINE_DIGITS]);
    for line in bytes.chunks(LINE_BYTES) {
        let text = Base64::encode(line, digits.as_mut_slice())
            .map_err(|_| ExportCodecError::Encode("a line is too long".into()))?;
        file.extend_from_slice(text.as_bytes());
        file.push(b'\n');
    }
    file.extend_from_slice(format!("-----END {label}-----\n").as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_what_the_pem_crate_writes_and_as_long_as_computed() {
        for len in [1, 2, 3, 47, 48, 49, 96, 1217] {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 7 % 256) as u8).collect();
            let mut file = Vec::new();
            write(&mut file, "SOME KEY", &bytes).unwrap();
            let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
            let theirs = pem::encode_config(&pem::Pem::new("SOME KEY", bytes), config);
            assert_eq!(file, theirs.as_bytes());
            assert_eq!(file.len(), written_len("SOME KEY", len));
        }
    }
}
