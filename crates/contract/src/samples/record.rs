//! Samples of records.

use keystead_application::ports::{Record, RecordKind};
use keystead_domain::keyset::Version;

/// A record at its first version that is kept.
#[must_use]
pub fn record(kind: RecordKind, key: &str) -> Record {
    Record {
        kind,
        key: key.to_owned(),
        version: Version(1),
        expires_at: None,
        document: format!("{{\"sample\":\"{} {key} 🗄\"}}\n", kind.as_str()),
    }
}
