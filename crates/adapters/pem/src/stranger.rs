use keystead_application::ports::ExportCodecError;

use crate::scan::Block;

/// What to say about a file in which no private key was found.
pub(crate) fn describe(file: &[u8], blocks: &[Block<'_>]) -> ExportCodecError {
    if blocks.is_empty() {
        not_pem(file)
    } else {
        ExportCodecError::NoPrivateKey {
            found: format!("the file holds only {}", labels(blocks)),
        }
    }
}

fn labels(blocks: &[Block<'_>]) -> String {
    const SHOWN: usize = 5;
    let mut labels: Vec<String> = Vec::new();
    for block in blocks {
        let label = block.label.text();
        if !labels.contains(&label) {
            if labels.len() == SHOWN {
                labels.push("others".into());
                break;
            }
            labels.push(label);
        }
    }
    labels.join(", ")
}

fn not_pem(file: &[u8]) -> ExportCodecError {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file).trim_ascii();
    if text.is_empty() {
        no_key("the file is empty")
    } else if file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff") {
        not_accepted(
            "the file is text in UTF-16",
            "save it as UTF-8 or plain ASCII and import it again",
        )
    } else if is_der(file) {
        not_accepted(
            "the file is binary DER, not PEM",
            "convert a private key with `openssl pkey -inform DER -in FILE -out NEW.pem`, a PKCS#12 file (.p12, .pfx) \
             with `openssl pkcs12 -nocerts -in FILE -out NEW.pem`, and import the new file",
        )
    } else if text.starts_with(b"PuTTY-User-Key-File-") {
        not_accepted(
            "the file holds a private key in PuTTY's format",
            "export it from PuTTYgen as an OpenSSH key, and convert a copy of that with `ssh-keygen -p -m PKCS8 -f COPY`",
        )
    } else if text.starts_with(b"ssh-") {
        no_key("the file holds an OpenSSH public key")
    } else if text.starts_with(b"-----BEGIN ") {
        no_key(
            "the file begins a PEM block on a line that goes on behind it; its line breaks seem to be lost",
        )
    } else if is_text(file) {
        no_key("the file is text without a PEM block")
    } else {
        no_key("the file is binary data of an unknown kind")
    }
}

/// Whether the whole file is one DER SEQUENCE (X.690, section 8.1.3): keys, certificates and PKCS#12 are.
fn is_der(file: &[u8]) -> bool {
    let (header, content) = match file {
        [0x30, 0x80, ..] => return true,
        [0x30, len @ 0..=0x7f, ..] => (2, usize::from(*len)),
        [0x30, 0x81, len, ..] => (3, usize::from(*len)),
        [0x30, 0x82, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        [0x30, 0x83, a, b, c, ..] => (5, u32::from_be_bytes([0, *a, *b, *c]) as usize),
        _ => return false,
    };
    file.len() == header + content
}

fn is_text(file: &[u8]) -> bool {
    std::str::from_utf8(file).is_ok_and(|text| !text.contains('\0'))
}

fn no_key(found: &str) -> ExportCodecError {
    ExportCodecError::NoPrivateKey { found: found.into() }
}

fn not_accepted(found: &str, fix: &str) -> ExportCodecError {
    ExportCodecError::NotAccepted {
        found: found.into(),
        fix: fix.into(),
    }
}
