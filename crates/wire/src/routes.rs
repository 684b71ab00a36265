//! The paths of the API, for who asks for them. Whatever people type into one is percent-encoded, so that it stays one
//! segment, or one value.

use std::fmt::Write;

/// All that is not unreserved (RFC 3986, section 2.3) is encoded.
fn encoded(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(byte.into()),
            other => {
                // Writing to a String does not fail.
                let _ = write!(path, "%{other:02X}");
            }
        }
    }
    path
}

/// A path below another, for what people name: `below("/v1/keysets", "active")`.
#[must_use]
pub fn below(path: &str, name: &str) -> String {
    match name {
        // Segments that clients and proxies take for steps in the path; these name nothing that there is.
        "." | ".." => format!("{path}/{}", name.replace('.', "%252E")),
        _ => format!("{path}/{}", encoded(name)),
    }
}

/// A path with a query, of the parameters that have a value.
#[must_use]
pub fn with_query(path: &str, parameters: &[(&str, Option<String>)]) -> String {
    let given: Vec<String> = parameters
        .iter()
        .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", encoded(value))))
        .collect();
    match given.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", given.join("&")),
    }
}

/// Who a request comes from.
pub const ME: &str = "/v1/me";
/// The password of who is signed in.
pub const MY_PASSWORD: &str = "/v1/me/password";
/// Keysets.
pub const KEYSETS: &str = "/v1/keysets";
/// Exports to the caller.
pub const EXPORT: &str = "/v1/keysets/export";
/// Exports to a share of the manager.
pub const EXPORT_TO_SHARE: &str = "/v1/keysets/export-to-share";
/// Looks into exports.
pub const INSPECT: &str = "/v1/keysets/inspect";
/// Imports.
pub const IMPORT: &str = "/v1/keysets/import";
/// Shares.
pub const SHARES: &str = "/v1/shares";
/// Backup servers.
pub const SERVERS: &str = "/v1/servers";
/// One-time codes that enrol backup servers.
pub const SERVER_CODES: &str = "/v1/server-codes";
/// Enrolments by a code.
pub const ENROLMENTS: &str = "/v1/enrolments";
/// Officers.
pub const OFFICERS: &str = "/v1/officers";
/// The rules for recoveries.
pub const POLICY: &str = "/v1/policy";
/// Recovery requests, for people.
pub const RECOVERIES: &str = "/v1/recoveries";
/// Recovery requests, for the backup server that makes them.
pub const OWN_RECOVERIES: &str = "/v1/server/recoveries";
/// Events of the audit trail.
pub const AUDIT_EVENTS: &str = "/v1/audit/events";
/// Verifications of the audit trail.
pub const AUDIT_VERIFICATION: &str = "/v1/audit/verification";
/// Checkpoints of the audit trail.
pub const AUDIT_CHECKPOINTS: &str = "/v1/audit/checkpoints";
/// Exports of the audit trail.
pub const AUDIT_EXPORT: &str = "/v1/audit/export";
/// Users.
pub const USERS: &str = "/v1/users";
/// Tokens.
pub const TOKENS: &str = "/v1/tokens";
/// Long work.
pub const JOBS: &str = "/v1/jobs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_stays_one_segment() {
        assert_eq!(below(SHARES, "nas"), "/v1/shares/nas");
        assert_eq!(
            below(SERVERS, "a/b?c#d é%2F"),
            "/v1/servers/a%2Fb%3Fc%23d%20%C3%A9%252F"
        );
        assert_eq!(below(USERS, ".."), "/v1/users/%252E%252E");
        assert_eq!(below(USERS, "a..b"), "/v1/users/a..b");
    }

    #[test]
    fn a_query_has_what_was_given() {
        let query =
            |reason: Option<&str>| with_query("/v1/users/bob", &[("reason", reason.map(str::to_owned))]);
        assert_eq!(query(None), "/v1/users/bob");
        assert_eq!(
            query(Some("left & gone")),
            "/v1/users/bob?reason=left%20%26%20gone"
        );
    }
}
