//! What answering a request comes to: which slots are opened with which keysets, and what is said about it.

use std::collections::BTreeSet;
use std::sync::Arc;

use keystead_domain::{Keyset, KeysetId, Origins, Standing};

use super::examine::{Examination, Prospect};
use super::load::LoadedRecovery;
use super::unwrap::{Job, Unwrapped};
use crate::exchange::{RecoveredKey, UnopenedFile};

/// What is going to be done.
pub(super) struct Plan {
    pub(super) jobs: Vec<Job>,
    /// The keysets whose private keys are used.
    pub(super) keysets: Vec<Keyset>,
    pub(super) unopened: Vec<UnopenedFile>,
}

impl Plan {
    pub(super) fn of(examination: &Examination, allowed: Origins) -> Self {
        let (mut jobs, mut unopened) = (Vec::new(), Vec::new());
        let mut used: BTreeSet<KeysetId> = BTreeSet::new();
        for (file, place) in examination.files.iter().zip(0..) {
            match (Examination::refusal(file, allowed), &file.prospect) {
                (None, Prospect::Opens { header, tries }) => {
                    used.extend(tries.iter().map(|(keyset, _)| *keyset));
                    jobs.push(Job {
                        file: place,
                        header: Arc::clone(header),
                        tries: tries.clone(),
                    });
                }
                (Some(why), _) => unopened.push(UnopenedFile { file: place, why }),
                (None, Prospect::Unopened(why)) => unopened.push(UnopenedFile {
                    file: place,
                    why: why.clone(),
                }),
            }
        }
        let here = examination.candidates.iter();
        Self {
            jobs,
            keysets: here
                .filter(|keyset| used.contains(&keyset.id()))
                .cloned()
                .collect(),
            unopened,
        }
    }
}

/// Those that were opened, and those that were not.
pub(super) fn divided(unwrapped: Unwrapped) -> (Vec<RecoveredKey>, Vec<UnopenedFile>) {
    let (mut opened, mut unopened) = (Vec::new(), Vec::new());
    for (file, outcome) in unwrapped {
        match outcome {
            Ok(key) => opened.push(RecoveredKey { file, key }),
            Err(why) => unopened.push(UnopenedFile { file, why }),
        }
    }
    (opened, unopened)
}

/// What the one event of a request tells: who asked, who approved what, which keysets, and the digest of every header.
pub(super) fn details(loaded: &LoadedRecovery, plan: &Plan) -> Vec<(&'static str, String)> {
    let LoadedRecovery {
        recovery,
        server,
        standing,
        signed,
        officers,
        verified,
    } = loaded;
    let joined = |words: Vec<String>| words.join(" ");
    let approvals = Standing::counted(verified, officers)
        .into_iter()
        .map(|approval| format!("\"{}\" ({})", approval.name, approval.officer))
        .collect::<Vec<_>>()
        .join(", ");
    let mut details = vec![
        ("server", server.name.to_string()),
        ("server_id", server.id.to_string()),
        ("identity", recovery.identity.to_string()),
        ("digest", recovery.digest.to_string()),
        ("asked_by", recovery.asked_by.to_string()),
        ("files", recovery.files.to_string()),
        ("approved_by", approvals),
        ("origins", standing.permission.origins.as_str().to_owned()),
        (
            "retired_identity",
            standing.permission.retired_identity.to_string(),
        ),
        (
            "keysets",
            joined(
                plan.keysets
                    .iter()
                    .map(|keyset| keyset.fingerprint().to_string())
                    .collect(),
            ),
        ),
        (
            "headers",
            joined(
                signed
                    .request
                    .files
                    .iter()
                    .map(|file| file.header_digest().to_string())
                    .collect(),
            ),
        ),
    ];
    details.extend(
        recovery
            .reason
            .iter()
            .map(|reason| ("reason", reason.to_string())),
    );
    details
}

/// How many files are not opened, and why.
pub(super) fn words(unopened: &[UnopenedFile]) -> String {
    let count = |word: &str| unopened.iter().filter(|file| file.why.as_str() == word).count();
    let kinds = [
        ("no-keyset", "a keyset is needed that is not here"),
        ("not-sealed", "no header of a sealed file"),
        ("header-changed", "the header was changed after it was sealed"),
        ("other-file", "another file id than the request says"),
        ("other-server", "another server sealed it"),
        ("unnamed", "the header names no server"),
    ];
    kinds
        .into_iter()
        .filter_map(|(word, text)| match count(word) {
            0 => None,
            files => Some(format!("{text} (files: {files})")),
        })
        .collect::<Vec<_>>()
        .join(", ")
}
