use std::fmt;

use super::{ShareError, ShareErrorKind, SharePath};

/// Where a share is: a URL (RFC 3986) with a host and a path, and without a password.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShareAddress {
    /// The scheme, in lower case.
    pub scheme: String,
    /// The user, decoded.
    pub user: Option<String>,
    /// The host or bucket, in lower case and without brackets; empty in `file:///folder`.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
    /// The names of the path, decoded, from the top.
    pub names: Vec<String>,
    /// Whether the path ends in a slash and so can only be a folder.
    pub ends_in_slash: bool,
}

impl ShareAddress {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadLocation`] when it is none, has a password, a query or a fragment;
    /// [`ShareErrorKind::OutsideShare`] when there is `.` or `..` in its path. No error quotes what may be a password.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            bad(
                &harmless_location(text),
                "it is no URL; write it as scheme://host/path",
            )
        })?;
        let shown = harmless_location(text);
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, server) = match authority.rsplit_once('@') {
            None => (None, authority),
            Some((user, _)) if decoded(user).is_ok_and(|user| user.contains(':')) => {
                return Err(bad(
                    &shown,
                    "there is a password in the URL, where it would be logged and recorded; configure a share, or set \
                     KEYSTEAD_SHARE_PASSWORD_FILE",
                ));
            }
            Some((user, server)) => (Some(decoded(user).map_err(|why| bad(&shown, why))?), server),
        };
        if rest.contains(['?', '#']) {
            let why = "a share's URL has no ? or # part; write %3F or %23 when a name holds one";
            return Err(bad(&shown, why));
        }
        let (host, port) = host_and_port(server).map_err(|why| bad(&shown, why))?;
        let names = path.split('/').filter(|name| !name.is_empty()).map(decoded);
        let names: Vec<String> = names.collect::<Result<_, _>>().map_err(|why| bad(&shown, why))?;
        if names.iter().any(|name| name.contains('/')) {
            return Err(bad(&shown, "a name in the path holds a slash (%2F)"));
        }
        SharePath::new(names.join("/")).names("understand the location")?;
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            user,
            host: host.to_ascii_lowercase(),
            port,
            names,
            ends_in_slash: path.ends_with('/'),
        })
    }

    /// The same place with these names below it.
    #[must_use]
    pub fn below<S: AsRef<str>>(&self, names: &[S]) -> Self {
        let mut below = self.clone();
        below
            .names
            .extend(names.iter().map(|name| name.as_ref().to_owned()));
        below.ends_in_slash = self.ends_in_slash && names.is_empty();
        below
    }

    /// The share that the first `names` of the path make, and the path on it.
    #[must_use]
    pub fn split(&self, names: usize) -> (Self, SharePath) {
        let (top, rest) = self.names.split_at(names.min(self.names.len()));
        let slash = if self.ends_in_slash || rest.is_empty() {
            "/"
        } else {
            ""
        };
        let top = Self {
            names: top.to_vec(),
            ends_in_slash: false,
            ..self.clone()
        };
        (top, SharePath::new(format!("{}{slash}", rest.join("/"))))
    }

    /// The path on this share, when `other` is a place on it. A share that names no user is meant by every user.
    #[must_use]
    pub fn path_of(&self, other: &Self) -> Option<SharePath> {
        let same_user = self.user == other.user || other.user.is_none();
        let same =
            self.scheme == other.scheme && self.host == other.host && self.port == other.port && same_user;
        let inside = same && other.names.starts_with(&self.names);
        inside.then(|| other.split(self.names.len()).1)
    }

    /// The path with a slash before each name, encoded as URLs are.
    #[must_use]
    pub fn encoded_path(&self) -> String {
        let mut path: String = self
            .names
            .iter()
            .map(|name| format!("/{}", encoded(name)))
            .collect();
        if self.ends_in_slash || path.is_empty() {
            path.push('/');
        }
        path
    }
}

impl fmt::Display for ShareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(user) = &self.user {
            write!(f, "{}@", encoded(user))?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        for name in &self.names {
            write!(f, "/{}", encoded(name))?;
        }
        if self.ends_in_slash {
            f.write_str("/")?;
        }
        Ok(())
    }
}

fn host_and_port(server: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("a [ in the host is not closed")?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some("")))
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, Some("")),
        },
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c) || !c.is_ascii();
    if !host.chars().all(allowed) || host.chars().any(char::is_control) {
        return Err("the host holds characters that no host has");
    }
    match port {
        Some("") => Ok((host, None)),
        Some(port) => match port.parse() {
            Ok(port @ 1..) => Ok((host, Some(port))),
            _ => Err("the port is no number from 1 to 65535"),
        },
        None => Err("something stands between the host and the path"),
    }
}

/// What of a location can be shown that may be written wrong: nothing that may be a password. That is everything before
/// the last `@`, a port that is no number, and everything after `?` or `#`.
#[must_use]
pub fn harmless_location(text: &str) -> String {
    let (place, rest) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
    let hidden_rest = if rest.is_empty() { "" } else { "?***" };
    let (scheme, place) = match place.split_once("://") {
        Some((scheme, place)) => (format!("{scheme}://"), place),
        None => (String::new(), place),
    };
    let (user, place) = match place.rsplit_once('@') {
        Some((_, place)) => ("***@", place),
        None => ("", place),
    };
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let authority = match authority.rsplit_once(':') {
        Some((host, port)) if !scheme.is_empty() && !is_port(port) && !authority.ends_with(']') => {
            format!("{host}:***")
        }
        _ => authority.to_owned(),
    };
    let shown = format!("{scheme}{user}{authority}{path}{hidden_rest}");
    shown.escape_debug().to_string()
}

fn bad(shown: &str, why: &str) -> ShareError {
    ShareError::new(ShareErrorKind::BadLocation, "understand the location", shown, why)
}

fn decoded(text: &str) -> Result<String, &'static str> {
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

/// A name with everything encoded that is not unreserved (RFC 3986, section 2.3).
fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ShareAddress {
        ShareAddress::parse(text).unwrap()
    }

    #[test]
    fn a_url_is_read_and_written() {
        let address = parsed("SMB://b%C3%BCro@NAS.example:1445/escrow/a%20b//k%23.pem");
        assert_eq!(address.user.as_deref(), Some("büro"));
        assert_eq!((address.host.as_str(), address.port), ("nas.example", Some(1445)));
        assert_eq!(address.names, ["escrow", "a b", "k#.pem"]);
        assert_eq!(
            address.to_string(),
            "smb://b%C3%BCro@nas.example:1445/escrow/a%20b/k%23.pem"
        );
        assert_eq!(parsed("sftp://[::1]:22/x/").to_string(), "sftp://[::1]:22/x/");
        assert_eq!(parsed("file:///mnt/nas").names, ["mnt", "nas"]);
        assert_eq!(parsed("s3://bucket").names, [""; 0]);
    }

    #[test]
    fn what_is_no_share_is_refused_and_no_password_is_quoted() {
        for text in [
            "smb:nas",
            "smb://nas/a?b",
            "smb://nas/a#b",
            "smb://nas:0/a",
            "smb://nas:x/a",
            "smb://na s/a",
            "smb://[::1/a",
            "smb://nas/%2",
            "smb://nas/%ff",
            "smb://nas/a%2fb",
            "smb://u:secret@nas/a",
            "smb://u:sec@ret@nas/a",
            "u:secret@nas/a",
            "smb://u%3Asecret@nas/a",
            "smb://KEY:secret/bucket",
            "smb://nas/a?password=secret",
        ] {
            let error = ShareAddress::parse(text).unwrap_err();
            assert_eq!(error.kind, ShareErrorKind::BadLocation, "{text}");
            assert!(!error.to_string().contains("sec"), "{error}");
        }
        for (text, shown) in [
            ("https://user:secret@dav.example/x", "https://***@dav.example/x"),
            ("backup:secret@nas:/k.pem", "***@nas:/k.pem"),
            ("//u:secret@nas/s", "***@nas/s"),
            ("smb://[::1]:445/s", "smb://[::1]:445/s"),
            ("/mnt/safe/k.pem", "/mnt/safe/k.pem"),
        ] {
            assert_eq!(harmless_location(text), shown);
        }
        for text in ["smb://nas/a/../b", "smb://nas/%2e%2e/b"] {
            let error = ShareAddress::parse(text).unwrap_err();
            assert_eq!(error.kind, ShareErrorKind::OutsideShare, "{text}");
        }
    }

    #[test]
    fn a_path_is_found_on_the_share_that_holds_it() {
        let share = parsed("smb://backup@nas/escrow/keys");
        let path = |text: &str| share.path_of(&parsed(text)).map(|path| path.to_string());
        assert_eq!(path("smb://nas/escrow/keys/k.pem").as_deref(), Some("k.pem"));
        assert_eq!(path("smb://backup@nas/escrow/keys/a/").as_deref(), Some("a/"));
        assert_eq!(path("smb://nas/escrow/keys").as_deref(), Some("/"));
        for other in [
            "smb://nas/escrow/keys2/k.pem",
            "smb://nas:445/escrow/keys/k",
            "smb://eve@nas/escrow/keys/k",
            "sftp://nas/escrow/keys/k",
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }
}
