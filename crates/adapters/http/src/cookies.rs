//! The cookies of people's browsers.

use axum::http::{HeaderMap, HeaderValue, header};
use keystead_domain::SecretBytes;

use crate::service::ServiceOptions;

/// The session.
pub(crate) const SESSION: &str = "keystead_session";
/// The proof that the person signed in from there before.
pub(crate) const PLACE: &str = "keystead_place";
/// As long as browsers keep a cookie (RFC 6265bis: 400 days), in seconds.
const PLACE_AGE: u32 = 400 * 24 * 3600;
/// No cookie of this service is longer.
const MAX_VALUE: usize = 512;

/// The value of a cookie, with or without the prefix that says that it came by HTTPS from this very host. With two of a
/// name nobody knows which is right, and there is none.
pub(crate) fn find(headers: &HeaderMap, name: &str) -> Option<SecretBytes> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all.flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    let mut found = pairs.filter_map(|pair| {
        let pair = pair.trim_ascii();
        let pair = pair.strip_prefix(b"__Host-").unwrap_or(pair);
        let value = pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        (value.len() <= MAX_VALUE).then_some(value)
    });
    match (found.next(), found.next()) {
        (Some(value), None) => Some(SecretBytes::new(value.to_vec())),
        _ => None,
    }
}

/// What sets a cookie that no script sees and no other site sends. `None` when the value cannot be one.
pub(crate) fn set(name: &str, value: &str, lasting: bool, options: &ServiceOptions) -> Option<HeaderValue> {
    let age = match lasting {
        true => format!("; Max-Age={PLACE_AGE}"),
        false => String::new(),
    };
    written(name, value, &age, options)
}

/// What takes a cookie away.
pub(crate) fn clear(name: &str, options: &ServiceOptions) -> Option<HeaderValue> {
    written(name, "", "; Max-Age=0", options)
}

fn written(name: &str, value: &str, age: &str, options: &ServiceOptions) -> Option<HeaderValue> {
    let (prefix, secure) = match options.secure_cookies {
        true => ("__Host-", "; Secure"),
        false => ("", ""),
    };
    let text = format!("{prefix}{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookie: &str) -> Option<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        find(&headers, SESSION).map(|value| value.expose().to_vec())
    }

    #[test]
    fn a_cookie_is_found_once_or_not_at_all() {
        assert_eq!(
            found("a=b; __Host-keystead_session=x y; c"),
            Some(b"x y".to_vec())
        );
        assert_eq!(found("keystead_session=1"), Some(b"1".to_vec()));
        for none in [
            "keystead_session=1; __Host-keystead_session=2",
            "keystead_sessions=1",
            "xkeystead_session=1",
            "",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
        assert_eq!(found(&format!("keystead_session={}", "a".repeat(513))), None);
    }
}
