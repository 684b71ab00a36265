use keystead_application::ports::{Location, ShareError, ShareErrorKind, SharePath, harmless_location};

/// The path that a location names: itself, or what a `file:` URL (RFC 8089) says.
pub(crate) fn path(location: &Location) -> Result<SharePath, ShareError> {
    let bad = |why: &str| {
        ShareError::new(
            ShareErrorKind::BadLocation,
            "understand the location",
            harmless_location(&location.text),
            why,
        )
    };
    let path = match location.scheme.as_deref() {
        None => location.text.clone(),
        Some(scheme @ "file") => {
            url_path(location.text.get(scheme.len() + 1..).unwrap_or_default()).map_err(bad)?
        }
        Some(_) => return Err(bad("it is neither a path nor a file: URL")),
    };
    if path.is_empty() {
        Err(bad("it names nothing"))
    } else if path.contains('\0') {
        Err(bad("a path cannot hold a NUL character"))
    } else {
        Ok(SharePath::new(path))
    }
}

/// The path in what follows `file:`. With `//` a host may come before the path; only this machine is meant.
fn url_path(rest: &str) -> Result<String, &'static str> {
    if rest.contains(['?', '#']) {
        return Err("a file: URL has no ? or # part; write %3F or %23 when the name holds one");
    }
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(authority) => match authority.split_once('/') {
            Some((host, _)) if host.is_empty() || host.eq_ignore_ascii_case("localhost") => {
                &authority[host.len()..]
            }
            _ => {
                return Err(
                    "it names another host, and this program opens file: URLs on this machine only; \
                     write file:///folder/name for a path from the root",
                );
            }
        },
    };
    percent_decoded(path)
}

fn percent_decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    bytes.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        let escaped = piece
            .get(..2)
            .filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or("a % is not followed by two hexadecimal digits; write %25 for a percent sign")?;
        bytes.push(escaped);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(bytes).map_err(|_| "the name is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(text: &str) -> Option<String> {
        match path(&Location::parse(text)) {
            Ok(path) => Some(path.as_str().to_owned()),
            Err(e) => {
                assert_eq!(e.kind, ShareErrorKind::BadLocation);
                None
            }
        }
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        for text in ["/mnt/safe/k.pem", "k.pem", "../100%/k #1?.pem", "Büro/", "."] {
            assert_eq!(located(text).as_deref(), Some(text));
        }
        assert_eq!(located(""), None);
        assert_eq!(located("a\0b"), None);
    }

    #[test]
    fn a_file_url_names_a_path_on_this_machine() {
        let cases = [
            ("file:///mnt/safe/k.pem", "/mnt/safe/k.pem"),
            ("FILE:/mnt/safe/k.pem", "/mnt/safe/k.pem"),
            ("file://localhost/mnt", "/mnt"),
            ("file://LOCALHOST/mnt", "/mnt"),
            ("file:k.pem", "k.pem"),
            ("file:../a/k.pem", "../a/k.pem"),
            ("file:///a%20b/%C3%BC%23%3f%25.pem", "/a b/ü#?%.pem"),
            ("file:///mnt/", "/mnt/"),
        ];
        for (url, path) in cases {
            assert_eq!(located(url).as_deref(), Some(path), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        let cases = [
            "file:",
            "file://",
            "file://nas/safe",
            "file://nas",
            "file:///a?b",
            "file:///a#b",
            "file:///a%2",
            "file:///a%+1",
            "file:///a%zz",
            "file:///%ff",
            "file:///a%00b",
            "file:///%€",
            "smb://nas/safe",
        ];
        for url in cases {
            assert_eq!(located(url), None, "{url}");
        }
    }
}
