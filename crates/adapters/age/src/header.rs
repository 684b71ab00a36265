//! The grammar of an age v1 header: a version line, stanzas, and a message authentication code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use keystead_application::ports::SealedFormatError;

pub(crate) const VERSION_LINE: &str = "age-encryption.org/v1";
const STANZA_PREFIX: &str = "-> ";
const MAC_PREFIX: &str = "--- ";
/// The part of the last line that the code itself covers.
const MAC_COVERED: &str = "---";
const BODY_COLUMNS: usize = 64;
/// The longest header that is read. A slot for an 8192-bit key takes 1.5 KiB, so this is room for hundreds of slots.
pub(crate) const MAX_HEADER_LEN: usize = 1024 * 1024;

/// One stanza: a kind, arguments and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stanza {
    pub(crate) kind: String,
    pub(crate) args: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// A header as lines and stanzas.
#[derive(Debug)]
pub(crate) struct RawHeader {
    /// What the code covers.
    pub(crate) authenticated: Vec<u8>,
    pub(crate) mac: [u8; 32],
    pub(crate) stanzas: Vec<Stanza>,
    /// The length of the whole header.
    pub(crate) len: usize,
}

/// The bytes that the message authentication code of these stanzas covers.
pub(crate) fn authenticated_bytes(stanzas: &[Stanza]) -> Vec<u8> {
    let mut text = format!("{VERSION_LINE}\n");
    for stanza in stanzas {
        text.push_str(STANZA_PREFIX);
        text.push_str(&stanza.kind);
        for arg in &stanza.args {
            text.push(' ');
            text.push_str(arg);
        }
        text.push('\n');
        let body = STANDARD_NO_PAD.encode(&stanza.body);
        let mut rest = body.as_str();
        // The body ends with the first line that is shorter than the others, which may be an empty one.
        while rest.len() >= BODY_COLUMNS {
            let (line, tail) = rest.split_at(BODY_COLUMNS);
            text.push_str(line);
            text.push('\n');
            rest = tail;
        }
        text.push_str(rest);
        text.push('\n');
    }
    text.push_str(MAC_COVERED);
    text.into_bytes()
}

/// A whole header.
pub(crate) fn finished(mut authenticated: Vec<u8>, mac: &[u8; 32]) -> Vec<u8> {
    authenticated.push(b' ');
    authenticated.extend_from_slice(STANDARD_NO_PAD.encode(mac).as_bytes());
    authenticated.push(b'\n');
    authenticated
}

/// Reads a header; `None` when it does not end within these bytes.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<RawHeader>, SealedFormatError> {
    let mut lines = Lines { bytes, at: 0 };
    let Some(version) = lines.next_line()? else {
        return check_beginning(bytes).map(|()| None);
    };
    if version != VERSION_LINE {
        check_beginning(bytes)?;
        return Err(damaged("its first line is malformed"));
    }
    let mut stanzas = Vec::new();
    loop {
        let start = lines.at;
        let Some(line) = lines.next_line()? else {
            return Ok(None);
        };
        if let Some(mac) = line.strip_prefix(MAC_PREFIX) {
            let mac = decode(mac)?
                .try_into()
                .map_err(|_| damaged("its authentication code is malformed"))?;
            if stanzas.is_empty() {
                return Err(damaged("it has no slots"));
            }
            let authenticated = bytes[..start + MAC_COVERED.len()].to_vec();
            return Ok(Some(RawHeader {
                authenticated,
                mac,
                stanzas,
                len: lines.at,
            }));
        }
        let Some(words) = line.strip_prefix(STANZA_PREFIX) else {
            return Err(damaged("a line is neither a slot nor the authentication code"));
        };
        let Some(stanza) = read_stanza(words, &mut lines)? else {
            return Ok(None);
        };
        stanzas.push(stanza);
    }
}

fn read_stanza(words: &str, lines: &mut Lines<'_>) -> Result<Option<Stanza>, SealedFormatError> {
    let mut words = words.split(' ').map(str::to_owned);
    let kind = words.next().unwrap_or_default();
    let args: Vec<String> = words.collect();
    if kind.is_empty() || args.iter().any(String::is_empty) {
        return Err(damaged("a slot has an empty word"));
    }
    let mut body = String::new();
    loop {
        let Some(line) = lines.next_line()? else {
            return Ok(None);
        };
        if line.len() > BODY_COLUMNS {
            return Err(damaged("a line of a slot is too long"));
        }
        body.push_str(line);
        if line.len() < BODY_COLUMNS {
            return Ok(Some(Stanza {
                kind,
                args,
                body: decode(&body)?,
            }));
        }
    }
}

struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<Option<&'a str>, SealedFormatError> {
        let rest = &self.bytes[self.at..];
        let Some(len) = rest.iter().position(|b| *b == b'\n') else {
            return if self.bytes.len() > MAX_HEADER_LEN {
                Err(SealedFormatError::HeaderTooLong(MAX_HEADER_LEN))
            } else {
                Ok(None)
            };
        };
        if self.at + len > MAX_HEADER_LEN {
            return Err(SealedFormatError::HeaderTooLong(MAX_HEADER_LEN));
        }
        let line = &rest[..len];
        let text = std::str::from_utf8(line)
            .ok()
            .filter(|t| t.bytes().all(|b| (32..127).contains(&b)));
        if text.is_none() {
            check_beginning(self.bytes)?;
        }
        self.at += len + 1;
        text.map(Some)
            .ok_or_else(|| damaged("it holds bytes that are not printable"))
    }
}

/// Tells a file that is something else from one that is damaged.
fn check_beginning(bytes: &[u8]) -> Result<(), SealedFormatError> {
    let expected = VERSION_LINE.as_bytes();
    let common = bytes.len().min(expected.len());
    if bytes[..common] != expected[..common] {
        return Err(SealedFormatError::NotSealed("it does not begin like one".into()));
    }
    if bytes.len() > expected.len() + 2 {
        return Err(damaged("its first line is malformed"));
    }
    Ok(())
}

/// Base64 without padding, in its one canonical spelling.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, SealedFormatError> {
    STANDARD_NO_PAD
        .decode(text)
        .map_err(|_| damaged("a value is not canonical base64"))
}

/// Base64 without padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub(crate) fn damaged(what: &str) -> SealedFormatError {
    SealedFormatError::HeaderDamaged(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(bodies: &[usize]) -> Vec<u8> {
        let stanzas: Vec<_> = bodies
            .iter()
            .map(|len| Stanza {
                kind: "x".into(),
                args: vec!["a".into(), "b".into()],
                body: vec![7; *len],
            })
            .collect();
        finished(authenticated_bytes(&stanzas), &[9; 32])
    }

    #[test]
    fn bodies_of_every_length_survive() {
        for len in [0, 1, 47, 48, 49, 95, 96, 97, 512] {
            let bytes = [header(&[len, 3]), b"payload".to_vec()].concat();
            let parsed = parse(&bytes).unwrap().unwrap();
            assert_eq!(parsed.stanzas[0].body, vec![7; len]);
            assert_eq!(parsed.len, bytes.len() - 7);
            assert_eq!(parsed.mac, [9; 32]);
            assert!(parsed.authenticated.ends_with(b"\n---"));
        }
    }

    #[test]
    fn every_beginning_of_a_header_needs_more() {
        let bytes = header(&[48, 512]);
        for len in 0..bytes.len() {
            assert!(parse(&bytes[..len]).unwrap().is_none(), "{len}");
        }
    }

    #[test]
    fn other_files_are_told_from_damaged_ones() {
        for other in [
            &b"PK\x03\x04"[..],
            b"-----BEGIN",
            b"\0\0\0\0\n",
            b"age-encryption.org/w",
        ] {
            assert!(
                matches!(parse(other), Err(SealedFormatError::NotSealed(_))),
                "{other:?}"
            );
        }
        let good = String::from_utf8(header(&[48])).unwrap();
        for (from, to) in [
            ("\n---", "\n-- "),
            ("-> x", "->x "),
            ("-> x", "-> \u{1}"),
            ("v1\n", "v1\r\n"),
            (" a b", "  a b"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert!(
                matches!(parse(bad.as_bytes()), Err(SealedFormatError::HeaderDamaged(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn an_endless_header_is_refused() {
        let mut endless = format!("{VERSION_LINE}\n-> x\n").into_bytes();
        endless.extend(std::iter::repeat_n(b'A', MAX_HEADER_LEN + 1));
        assert!(parse(&endless).is_err());
        let line = format!("{}\n", "A".repeat(64));
        let many = format!("{VERSION_LINE}\n-> x\n{}", line.repeat(MAX_HEADER_LEN / 64));
        assert!(matches!(
            parse(many.as_bytes()),
            Err(SealedFormatError::HeaderTooLong(_))
        ));
    }
}
