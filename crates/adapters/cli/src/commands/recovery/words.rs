//! Recovery requests in words.

use std::collections::BTreeMap;

use keystead_domain::Timestamp;
use keystead_wire::{
    ApprovalJson, FileJson, FileOriginJson, NeededKeysetJson, RecoveryJson, RecoveryStateJson,
    ShownRecoveryJson, UnopenedJson, WhyUnopenedJson,
};

use crate::output::{StateFacts, field_lines, moment, printable, state_words, table};

/// How many files are named.
const SHOWN_FILES: usize = 20;
/// How many keysets are named. More is a made-up request.
const SHOWN_KEYSETS: usize = 20;

/// A request, seen closely.
pub(super) fn words(shown: &ShownRecoveryJson, now: Timestamp) -> String {
    let ShownRecoveryJson {
        recovery,
        identity_retired_at,
        approvals_given,
        approvals_needed,
        keysets: needed,
        files: named,
    } = shown;
    let identity = match identity_retired_at {
        Some(at) => format!("{} (RETIRED {})", recovery.identity, moment(at)),
        None => recovery.identity.clone(),
    };
    let standing = (*approvals_given, *approvals_needed);
    let mut fields = vec![
        ("request", recovery.id.clone()),
        ("state", recovery_state(recovery, Some(standing), now)),
        (
            "server",
            format!("{} ({})", printable(&recovery.server_name), recovery.server_id),
        ),
        ("identity", identity),
        ("asked by", recovery.asked_by.clone()),
        (
            "reason",
            recovery.reason.clone().unwrap_or_else(|| "none given".to_owned()),
        ),
        ("made", moment(&recovery.created_at)),
        ("received", moment(&recovery.received_at)),
        ("holds until", moment(&recovery.expires_at)),
        ("digest", recovery.digest.clone()),
        ("files", recovery.file_count.to_string()),
        (
            "approvals",
            format!(
                "{approvals_given} of {approvals_needed} needed{}",
                approvers(&recovery.approvals)
            ),
        ),
    ];
    fields.extend(strangers(named).into_iter().map(|line| ("CAREFUL", line)));
    let mut text = field_lines(&fields);
    text.push_str("\n\nkeysets that it needs:\n");
    text.push_str(&keysets(needed));
    text.push_str("\n\nfiles:\n");
    text.push_str(&file_names(named));
    text
}

/// Whether a request waits, and can still be answered. A time that cannot be read is no reason to hide it.
pub(super) fn is_open(recovery: &RecoveryJson, now: Timestamp) -> bool {
    recovery.state == RecoveryStateJson::Waiting && !is_over(recovery, now)
}

fn is_over(recovery: &RecoveryJson, now: Timestamp) -> bool {
    recovery
        .expires_at
        .parse::<Timestamp>()
        .is_ok_and(|until| until <= now)
}

/// What became of a request; while it waits, how many approvals count of how many, and whether it still holds.
pub(super) fn recovery_state(
    recovery: &RecoveryJson,
    standing: Option<(u32, u32)>,
    now: Timestamp,
) -> String {
    let decided = moment(recovery.decided_at.as_deref().unwrap_or("(not known)"));
    match (recovery.state, standing) {
        (RecoveryStateJson::Waiting, _) if is_over(recovery, now) => {
            format!("not answered, ended {}", moment(&recovery.expires_at))
        }
        (RecoveryStateJson::Waiting, Some((given, needed))) => {
            format!("waiting, {given} of {needed} approved")
        }
        (RecoveryStateJson::Waiting, None) => "waiting".to_owned(),
        (RecoveryStateJson::Denied, _) => {
            let word = |word: &Option<String>| printable(word.as_deref().unwrap_or("(not known)"));
            let (by, reason) = (word(&recovery.denied_by), word(&recovery.denied_because));
            format!("denied {decided} by {by} ({reason})")
        }
        (RecoveryStateJson::Answered, _) => answered_words(recovery),
    }
}

fn answered_words(recovery: &RecoveryJson) -> String {
    answered(
        recovery.decided_at.as_deref(),
        recovery.opened.unwrap_or_default(),
        recovery.file_count,
        recovery.response_until.as_deref(),
    )
}

/// When a request was answered, for how many of its files, and until when that can be used.
pub(super) fn answered(at: Option<&str>, opened: u32, files: u32, until: Option<&str>) -> String {
    let known = |time: Option<&str>| moment(time.unwrap_or("(not known)"));
    format!(
        "answered {}, {opened} of {files} files, for use until {}",
        known(at),
        known(until)
    )
}

fn approvers(counted: &[ApprovalJson]) -> String {
    let names: Vec<String> = counted
        .iter()
        .map(|approval| printable(&approval.officer))
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" ({})", names.join(", ")),
    }
}

/// What is unusual about where the files come from.
fn strangers(named: &[FileJson]) -> Vec<String> {
    // Those that no permission opens are not worth one.
    let count = |origin: FileOriginJson| {
        named
            .iter()
            .filter(|file| file.unopened.is_none() && file.origin == origin)
            .count()
    };
    let mut lines = Vec::new();
    match count(FileOriginJson::OtherServer) {
        0 => {}
        others => lines.push(format!(
            "{} sealed by another server; opened only when officers give --allow-other-servers",
            files(others)
        )),
    }
    match count(FileOriginJson::Unnamed) {
        0 => {}
        unnamed => lines.push(format!("{} sealed by a server that the header does not name; opened only when officers give --allow-unnamed", files(unnamed))),
    }
    lines
}

fn keysets(needed: &[NeededKeysetJson]) -> String {
    let row = |keyset: &NeededKeysetJson| {
        let (state, hint) = match StateFacts::of_needed(keyset) {
            Some(facts) => (state_words(facts), keyset.hint.clone().unwrap_or_default()),
            None => (
                "NOT HERE: keystead keyset import SOURCE".to_owned(),
                String::new(),
            ),
        };
        vec![
            keyset
                .fingerprint
                .clone()
                .unwrap_or_else(|| "(not named)".to_owned()),
            keyset.file_count.to_string(),
            state,
            hint,
        ]
    };
    table(
        &["FINGERPRINT", "FILES", "STATE", "HINT"],
        needed.iter().take(SHOWN_KEYSETS).map(row).collect(),
    ) + &match needed.len().saturating_sub(SHOWN_KEYSETS) {
        0 => String::new(),
        more => format!("\nand {more} more"),
    }
}

fn file_names(named: &[FileJson]) -> String {
    let name = |file: &FileJson| printable(file.name.as_deref().unwrap_or("(without a name)"));
    let mut lines: Vec<String> = named.iter().take(SHOWN_FILES).map(name).collect();
    if named.len() > SHOWN_FILES {
        lines.push(format!("and {} more", named.len() - SHOWN_FILES));
    }
    lines.join("\n")
}

/// What is to be done with a request; nothing when it does not wait.
pub(super) fn next(shown: &ShownRecoveryJson, now: Timestamp) -> Option<String> {
    if !is_open(&shown.recovery, now) {
        return None;
    }
    let id = printable(&shown.recovery.id);
    if shown.approvals_given < shown.approvals_needed {
        let retired = match shown.identity_retired_at {
            Some(_) => " --allow-retired-identity (only when a call to the machine's people confirmed it)",
            None => "",
        };
        let careful = match strangers(&shown.files).is_empty() {
            true => "",
            false => "; for the files of others see CAREFUL above",
        };
        return Some(format!(
            "officers approve with: keystead recovery approve {id} --key SSH_KEY{retired}{careful}"
        ));
    }
    Some(match shown.keysets.iter().all(|keyset| keyset.here) {
        false => format!("import the missing keysets, then: keystead recovery respond {id} -o FILE"),
        true => format!("keystead recovery respond {id} -o FILE"),
    })
}

/// A line for each reason.
pub(super) fn unopened_words(unopened: &[UnopenedJson]) -> Vec<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for file in unopened {
        *reasons.entry(why(file)).or_default() += 1;
    }
    let line = |(why, count): (String, usize)| format!("not opened, {}: {why}", files(count));
    reasons.into_iter().map(line).collect()
}

fn why(file: &UnopenedJson) -> String {
    match file.why {
        WhyUnopenedJson::NoKeyset if file.keysets.is_empty() => {
            "a keyset is needed that the header does not name".to_owned()
        }
        WhyUnopenedJson::NoKeyset => format!(
            "keyset {} is needed, which is not at the manager",
            printable(&file.keysets.join(" or "))
        ),
        WhyUnopenedJson::NotSealed => "there is no header of a sealed file".to_owned(),
        WhyUnopenedJson::HeaderChanged => "the header was changed after it was sealed".to_owned(),
        WhyUnopenedJson::OtherFile => "the file id is another one than the request says".to_owned(),
        WhyUnopenedJson::OtherServer => {
            let server = file.sealed_by.as_deref().unwrap_or_default();
            format!("another server sealed it ({})", printable(server))
        }
        WhyUnopenedJson::Unnamed => "the header does not name the server that sealed it".to_owned(),
    }
}

/// So many files.
pub(super) fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    }
}
