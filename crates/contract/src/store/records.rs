use std::sync::Arc;

use keystead_application::ports::{MAX_RECORD_DOCUMENT, Record, RecordKind, StoreErrorKind};
use keystead_domain::keyset::Version;
use keystead_domain::{Action, Timestamp};

use super::StoreFixture;
use super::record_steps::{changed, kept_by, put, read, replace, sorted};
use super::steps::{commit, fresh, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        records_survive_the_store,
        ends_of_records_survive_the_store,
        documents_of_records_survive_the_store,
        a_replaced_record_is_the_new_one,
        a_second_record_with_a_key_is_a_duplicate,
        a_stale_replacement_of_a_record_is_a_conflict,
        a_deleted_record_is_gone,
        a_stale_deletion_of_a_record_is_a_conflict,
    ]
}

/// One of each kind, with the same key and other documents, at versions from the first to the last.
async fn records_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    equal(kept_by(&*store).await?, vec![], "the records of a new store")?;
    let mut records = Vec::new();
    for (kind, version) in RecordKind::ALL.into_iter().zip([1, 2, 255, 65_536, 1, u32::MAX]) {
        records.push(Record {
            version: Version(version),
            ..samples::record(kind, "one key")
        });
    }
    put(&*store, &records).await?;
    for record in &records {
        let found = read(&*store, record.kind, &record.key).await?;
        equal(found.as_ref(), Some(record), "the record")?;
        let found = read(&*store, record.kind, "another key").await?;
        equal(found, None, "the record with another key")?;
    }
    equal(kept_by(&*store).await?, records, "all records")
}

async fn ends_of_records_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let mut ends: Vec<Option<Timestamp>> = samples::awkward_times()?.into_iter().map(Some).collect();
    ends.push(None);
    let of_end = |(n, expires_at): (usize, &Option<Timestamp>)| Record {
        expires_at: *expires_at,
        ..samples::record(RecordKind::Session, &format!("session {n}"))
    };
    let records: Vec<Record> = ends.iter().enumerate().map(of_end).collect();
    put(&*store, &records).await?;
    for record in &records {
        // One whose time is over is there until it is deleted.
        let found = read(&*store, record.kind, &record.key).await?;
        let end = found.map(|found| found.expires_at);
        equal(end, Some(record.expires_at), "the end of the record")?;
    }
    Ok(())
}

/// Texts that are easily damaged on their way through a column, up to the longest.
fn documents() -> Vec<String> {
    let of_length = |text: &str, length: usize| {
        let mut document = text.repeat(length / text.len());
        document.push_str(&"x".repeat(length - document.len()));
        document
    };
    let awkward = "Büro\r\n🔑\n\r\te\u{301} \u{feff}'\"\\%_\u{2028}\r \n\n";
    let mut documents = vec![
        String::new(),
        " ".to_owned(),
        "\r\n".to_owned(),
        "null".to_owned(),
    ];
    documents.push(format!("  {awkward}  "));
    documents.push("{\"a\": [1.50, 1e2, \"\\u00fc\"], \"a\": {}}".to_owned());
    for length in [255, 256, 65_534, 65_535, MAX_RECORD_DOCUMENT] {
        documents.push(of_length(awkward, length));
        documents.push(of_length("🗄", length));
    }
    documents
}

async fn documents_of_records_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let documents = documents();
    for (n, document) in documents.iter().enumerate() {
        let first = Record {
            document: document.clone(),
            ..samples::record(RecordKind::Job, &format!("job {n}"))
        };
        put(&*store, std::slice::from_ref(&first)).await?;
        same(&*store, &first).await?;
        // And once more in the place of another one.
        let other = Record {
            version: Version(2),
            document: documents[(n + 1) % documents.len()].clone(),
            ..first.clone()
        };
        replace(&*store, &first, &other).await?;
        same(&*store, &other).await?;
    }
    Ok(())
}

/// Long documents are compared, and not shown.
async fn same(store: &dyn keystead_application::ports::Store, expected: &Record) -> Verdict {
    let length = expected.document.len();
    let Some(found) = read(store, expected.kind, &expected.key).await? else {
        return Err(Violation::new(format!(
            "the record with a document of {length} bytes is not there"
        )));
    };
    let what = format!("the length of a document of {length} bytes");
    equal(found.document.len(), length, &what)?;
    ensure!(
        found == *expected,
        "a document of {length} bytes is another one of the same length"
    );
    Ok(())
}

async fn a_replaced_record_is_the_new_one(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let ends = [None, Some(samples::at(3)?), Some(samples::at(1)?), None];
    let (first, neighbour) = (
        samples::record(RecordKind::User, "ada"),
        samples::record(RecordKind::User, "ada2"),
    );
    put(&*store, &[first.clone(), neighbour.clone()]).await?;
    let mut current = first;
    for end in ends {
        let next = changed(&current, end);
        replace(&*store, &current, &next).await?;
        current = next;
        let expected = vec![current.clone(), neighbour.clone()];
        equal(kept_by(&*store).await?, expected, "the records")?;
    }
    Ok(())
}

async fn a_second_record_with_a_key_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for kind in RecordKind::ALL {
        let first = samples::record(kind, "taken");
        put(&*store, std::slice::from_ref(&first)).await?;
        for second in [first.clone(), changed(&first, None)] {
            let mut unit = store.begin().await?;
            refused(
                unit.put_record(&second, None).await,
                StoreErrorKind::Duplicate,
                "a second record",
            )?;
            drop(unit);
        }
        let found = read(&*store, kind, &first.key).await?;
        equal(found, Some(first), "the first record")?;
    }
    Ok(())
}

async fn a_stale_replacement_of_a_record_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    for kind in RecordKind::ALL {
        let first = samples::record(kind, "key");
        let second = changed(&first, None);
        put(&*store, std::slice::from_ref(&first)).await?;
        replace(&*store, &first, &second).await?;
        let third = changed(&second, None);
        let stranger = samples::record(kind, "nobody's");
        for (record, expected) in [
            (&third, Version(1)),
            (&third, Version(3)),
            (&second, Version(1)),
            (&stranger, Version(1)),
        ] {
            let mut unit = store.begin().await?;
            refused(
                unit.put_record(record, Some(expected)).await,
                StoreErrorKind::Conflict,
                &format!("a record in the place of {expected:?}"),
            )?;
            drop(unit);
        }
        let found = read(&*store, kind, &first.key).await?;
        equal(found, Some(second), "the record at its second version")?;
        let found = read(&*store, kind, &stranger.key).await?;
        equal(found, None, "the record that never was")?;
    }
    Ok(())
}

async fn a_deleted_record_is_gone(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let records: Vec<Record> = RecordKind::ALL
        .into_iter()
        .flat_map(|kind| ["a", "b"].map(|key| samples::record(kind, key)))
        .collect();
    put(&*store, &records).await?;
    let mut left = records.clone();
    for kind in RecordKind::ALL {
        let mut unit = store.begin().await?;
        unit.delete_record(kind, "a", Version(1)).await?;
        commit(unit, Action::UserRemove, "a").await?;
        left.retain(|record| (record.kind, record.key.as_str()) != (kind, "a"));
        equal(kept_by(&*store).await?, left.clone(), "the records that are left")?;
        equal(read(&*store, kind, "a").await?, None, "the deleted record")?;
    }
    // The key is free again.
    let again: Vec<Record> = RecordKind::ALL
        .into_iter()
        .map(|kind| changed(&samples::record(kind, "a"), None))
        .collect();
    put(&*store, &again).await?;
    let expected = sorted([left, again].concat());
    equal(kept_by(&*store).await?, expected, "the records in the end")
}

async fn a_stale_deletion_of_a_record_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let first = samples::record(RecordKind::Session, "key");
    let second = changed(&first, None);
    put(&*store, std::slice::from_ref(&first)).await?;
    replace(&*store, &first, &second).await?;
    for (kind, key, version) in [
        (RecordKind::Session, "key", Version(1)),
        (RecordKind::Session, "key", Version(3)),
        (RecordKind::Session, "nobody's", Version(2)),
        (RecordKind::Job, "key", Version(2)),
    ] {
        let mut unit = store.begin().await?;
        refused(
            unit.delete_record(kind, key, version).await,
            StoreErrorKind::Conflict,
            &format!("a deletion of {kind:?} {key} at {version:?}"),
        )?;
        drop(unit);
    }
    equal(kept_by(&*store).await?, vec![second], "the records")
}
