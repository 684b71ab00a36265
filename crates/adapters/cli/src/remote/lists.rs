//! Lists that come in pages.

use keystead_wire::routes::{AUDIT_EVENTS, KEYSETS, RECOVERIES, with_query};
use keystead_wire::{AuditJson, KeysetListJson, RecoveriesJson};

use super::Remote;
use crate::Failure;

/// The most that the API gives at once.
const AT_ONCE: u32 = 1000;

fn page(path: &str, after: Option<String>, limit: u32) -> String {
    with_query(path, &[("limit", Some(limit.to_string())), ("after", after)])
}

/// How many are still to be asked for; 0 when there are enough.
fn missing(limit: Option<u32>, have: usize) -> u32 {
    match limit {
        None => AT_ONCE,
        Some(limit) => limit
            .saturating_sub(u32::try_from(have).unwrap_or(u32::MAX))
            .min(AT_ONCE),
    }
}

/// Keysets, the oldest first: so many, or all.
pub(crate) async fn keysets(remote: &Remote, limit: Option<u32>) -> Result<KeysetListJson, Failure> {
    let mut all = KeysetListJson::new(&[], &[], None);
    loop {
        let wanted = missing(limit, all.keysets.len());
        if wanted == 0 {
            break;
        }
        let part: KeysetListJson = remote.get(page(KEYSETS, all.next.take(), wanted)).await?;
        all.keysets.extend(part.keysets);
        all.damaged.extend(part.damaged);
        match part.next {
            Some(next) => all.next = Some(next),
            None => break,
        }
    }
    all.next = None;
    Ok(all)
}

/// Recovery requests, the newest first: so many, or all.
pub(crate) async fn recoveries(remote: &Remote, limit: Option<u32>) -> Result<RecoveriesJson, Failure> {
    let mut all = RecoveriesJson::new(&[], None);
    loop {
        let wanted = missing(limit, all.recoveries.len());
        if wanted == 0 {
            break;
        }
        let part: RecoveriesJson = remote.get(page(RECOVERIES, all.next.take(), wanted)).await?;
        all.recoveries.extend(part.recoveries);
        match part.next {
            Some(next) => all.next = Some(next),
            None => break,
        }
    }
    all.next = None;
    Ok(all)
}

/// Events of the audit trail after a place.
pub(crate) async fn audit(remote: &Remote, after: Option<u64>, limit: u32) -> Result<AuditJson, Failure> {
    let mut all = AuditJson {
        events: Vec::new(),
        damaged: Vec::new(),
        next_after: after,
    };
    loop {
        let wanted = missing(Some(limit), all.events.len() + all.damaged.len());
        if wanted == 0 {
            return Ok(all);
        }
        let after = all.next_after.map(|after| after.to_string());
        let part: AuditJson = remote.get(page(AUDIT_EVENTS, after, wanted)).await?;
        all.events.extend(part.events);
        all.damaged.extend(part.damaged);
        all.next_after = part.next_after;
        if all.next_after.is_none() {
            return Ok(all);
        }
    }
}
