use std::sync::Arc;

use keystead_application::ports::{MAX_RECORD_KEY, Record, RecordKind, StoreErrorKind};
use keystead_domain::keyset::Version;

use super::StoreFixture;
use super::record_steps::{put, read};
use super::steps::{fresh, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        keys_of_records_are_compared_byte_by_byte,
        records_are_listed_by_key_page_by_page,
    ]
}

/// Keys that are one another's only for who looks at letters, at patterns, or not at the end.
fn awkward_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "b", "a!", "a", "Z", "z", "A", "a ", "a  ", " a", "a\\", "aB", "ab", "_", "%", "a%", "'", "\"", "`",
        "--", "~", "!", "10", "9", "09", "null", "NULL", "a/b", "a:b", "a-b", "{}",
    ]
    .map(str::to_owned)
    .to_vec();
    for end in ["", "a", "b", "B", " "] {
        keys.push(format!("{}{end}", "k".repeat(MAX_RECORD_KEY - end.len())));
    }
    keys
}

async fn keys_of_records_are_compared_byte_by_byte(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keys = awkward_keys();
    let records: Vec<Record> = keys
        .iter()
        .map(|key| samples::record(RecordKind::Attempts, key))
        .collect();
    put(&*store, &records).await?;
    for record in &records {
        let found = read(&*store, record.kind, &record.key).await?;
        equal(found.as_ref(), Some(record), "the record with such a key")?;
    }
    let not_there = [
        "B",
        "a   ",
        "AB",
        "  a",
        "a_",
        "",
        "a\\\\",
        "0",
        &"k".repeat(MAX_RECORD_KEY - 1),
    ];
    for key in not_there {
        let found = read(&*store, RecordKind::Attempts, key).await?;
        equal(found, None, &format!("the record with the key {key:?}"))?;
        let mut unit = store.begin().await?;
        refused(
            unit.delete_record(RecordKind::Attempts, key, Version(1)).await,
            StoreErrorKind::Conflict,
            "a deletion of what is not there",
        )?;
    }
    let mut expected = keys;
    // The order of Rust's strings is that of their bytes.
    expected.sort();
    let mut snapshot = store.snapshot().await?;
    let found = snapshot.list_records(RecordKind::Attempts, None, 1_000).await?;
    let found: Vec<String> = found.into_iter().map(|record| record.key).collect();
    equal(found, expected, "the keys in their order")
}

async fn records_are_listed_by_key_page_by_page(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let of_kind = |kind: RecordKind, keys: &[&str]| {
        let record = |key: &&str| samples::record(kind, key);
        keys.iter().map(record).collect::<Vec<_>>()
    };
    let keys = ["Z", "a", "a!", "aa", "b", "c", "d"];
    let mut shuffled = keys;
    shuffled.reverse();
    shuffled.swap(1, 4);
    let others = [
        of_kind(RecordKind::User, &["0", "aaa", "z"]),
        of_kind(RecordKind::Code, &["0", "b", "z"]),
    ]
    .concat();
    let listed = RecordKind::Token;
    put(&*store, &[of_kind(listed, &shuffled), others].concat()).await?;

    let mut snapshot = store.snapshot().await?;
    let expected = of_kind(listed, &keys);
    for limit in 1..=8_u32 {
        let (mut found, mut after) = (Vec::<Record>::new(), None);
        loop {
            let page = snapshot.list_records(listed, after, limit).await?;
            ensure!(
                page.len() <= limit as usize,
                "a page holds more than {limit} records"
            );
            ensure!(
                found.len() + page.len() <= expected.len(),
                "the pages of {limit} repeat records"
            );
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            found.extend(page);
        }
        equal(&found, &expected, &format!("the pages of {limit} together"))?;
    }
    // The place that a list goes on from need not be a record's.
    for after in ["", " ", "A", "[", "a ", "a\"", "ab", "zz"] {
        let expected: Vec<Record> = expected
            .iter()
            .filter(|record| record.key.as_str() > after)
            .cloned()
            .collect();
        let found = snapshot.list_records(listed, Some(after.to_owned()), 100).await?;
        equal(found, expected, &format!("the records after {after:?}"))?;
    }
    let none = snapshot.list_records(RecordKind::Session, None, 100).await?;
    equal(none, vec![], "the records of a kind that has none")
}
