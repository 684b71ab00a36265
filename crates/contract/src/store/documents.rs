use std::sync::Arc;

use keystead_application::ports::{RecoveryDocument, Store, StoreErrorKind};
use keystead_domain::{Action, Recovery, RequestId, Sha256Digest};

use super::StoreFixture;
use super::recovery_steps::enroll;
use super::steps::{commit, fresh, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        documents_of_every_size_survive_the_store,
        a_request_has_two_documents,
        a_second_document_is_a_duplicate,
        a_document_of_no_request_is_a_conflict,
        a_document_is_undone_when_dropped,
    ]
}

/// What a database takes in one packet is often 16 MiB, or a fraction of it.
const BEYOND_A_PACKET: usize = 17 * 1024 * 1024 + 3;
const AROUND_PARTS: [usize; 7] = [0, 1, 65_535, 65_536, 1_048_576, 1_048_577, 3 * 1024 * 1024];

async fn documents_of_every_size_survive_the_store(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let requests = received(&*store, 8).await?;
    let sizes = AROUND_PARTS.into_iter().chain([BEYOND_A_PACKET]);
    for (request, size) in requests.iter().zip(sizes) {
        let bytes = document(1, size);
        keep(&*store, request.id, RecoveryDocument::Request, &bytes).await?;
        let mut snapshot = store.snapshot().await?;
        let found = snapshot
            .recovery_document(request.id, RecoveryDocument::Request)
            .await?;
        same(
            found.as_deref(),
            Some(&bytes),
            &format!("a document of {size} bytes"),
        )?;
    }
    Ok(())
}

async fn a_request_has_two_documents(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let requests = received(&*store, 3).await?;
    let sizes = [(Some(0), Some(70_000)), (Some(70_000), Some(0)), (None, Some(5))];
    let mut kept = Vec::new();
    for (n, (request, sizes)) in (1_u8..).zip(requests.iter().zip(sizes)) {
        let sizes = [
            (RecoveryDocument::Request, sizes.0),
            (RecoveryDocument::Response, sizes.1),
        ];
        for (which, size) in sizes {
            let bytes = size.map(|size| document(n, size));
            if let Some(bytes) = &bytes {
                keep(&*store, request.id, which, bytes).await?;
            }
            kept.push((request.id, which, bytes));
        }
    }
    let stranger = samples::request_id(77);
    kept.extend(RecoveryDocument::ALL.map(|which| (stranger, which, None)));
    let mut snapshot = store.snapshot().await?;
    for (id, which, bytes) in kept {
        let found = snapshot.recovery_document(id, which).await?;
        same(found.as_deref(), bytes.as_deref(), &format!("{which:?} of {id}"))?;
    }
    Ok(())
}

async fn a_second_document_is_a_duplicate(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let requests = received(&*store, 3).await?;
    for (request, first) in requests
        .iter()
        .zip([document(1, 0), document(1, 9), document(1, 3_000_000)])
    {
        keep(&*store, request.id, RecoveryDocument::Request, &first).await?;
        for second in [first.clone(), document(2, 4), Vec::new()] {
            let mut unit = store.begin().await?;
            refused(
                unit.keep_recovery_document(request.id, RecoveryDocument::Request, &second)
                    .await,
                StoreErrorKind::Duplicate,
                "a second document",
            )?;
            drop(unit);
        }
        let mut snapshot = store.snapshot().await?;
        let found = snapshot
            .recovery_document(request.id, RecoveryDocument::Request)
            .await?;
        same(found.as_deref(), Some(&first), "the first document")?;
        let none = snapshot
            .recovery_document(request.id, RecoveryDocument::Response)
            .await?;
        same(none.as_deref(), None, "the response")?;
    }
    Ok(())
}

async fn a_document_of_no_request_is_a_conflict(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    received(&*store, 1).await?;
    for (n, which) in (2..).zip(RecoveryDocument::ALL) {
        for bytes in [&b"bytes"[..], &[]] {
            let mut unit = store.begin().await?;
            refused(
                unit.keep_recovery_document(samples::request_id(n), which, bytes)
                    .await,
                StoreErrorKind::Conflict,
                "a document of a request that is not there",
            )?;
            drop(unit);
        }
    }
    Ok(())
}

async fn a_document_is_undone_when_dropped(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let requests = received(&*store, 1).await?;
    let (id, which) = (requests[0].id, RecoveryDocument::Response);
    let (dropped, kept) = (document(1, 3_000_000), document(2, 100));
    let mut unit = store.begin().await?;
    unit.keep_recovery_document(id, which, &dropped).await?;
    let seen = unit.recovery_document(id, which).await?;
    same(seen.as_deref(), Some(&dropped), "the document that the unit sees")?;
    unit.append_audit(&samples::event(Action::RecoveryRespond, id)?)
        .await?;
    drop(unit);
    drop(store.begin().await?);

    let found = store.snapshot().await?.recovery_document(id, which).await?;
    same(found.as_deref(), None, "the document after a rollback")?;
    keep(&*store, id, which, &kept).await?;
    let found = store.snapshot().await?.recovery_document(id, which).await?;
    same(found.as_deref(), Some(&kept), "the document after another try")
}

/// Requests of one server.
async fn received(store: &dyn Store, count: u32) -> Result<Vec<Recovery>, Violation> {
    let server = samples::server(1)?;
    enroll(store, std::slice::from_ref(&server)).await?;
    let requests = (1..=count)
        .map(|n| samples::recovery(n, &server))
        .collect::<Result<Vec<_>, _>>()?;
    super::recovery_steps::receive(store, &requests).await?;
    Ok(requests)
}

async fn keep(store: &dyn Store, id: RequestId, which: RecoveryDocument, bytes: &[u8]) -> Verdict {
    let mut unit = store.begin().await?;
    unit.keep_recovery_document(id, which, bytes).await?;
    commit(unit, Action::RecoveryReceive, id).await
}

/// Bytes of all values in which no part of a kibibyte is like another.
fn document(seed: u8, size: usize) -> Vec<u8> {
    let mut bytes = samples::bytes(seed.into(), 1024).repeat(size.div_ceil(1024));
    for (n, part) in (0_u32..).zip(bytes.chunks_mut(1024)) {
        part[..4].copy_from_slice(&n.to_be_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Megabytes are compared, and not shown.
fn same(found: Option<&[u8]>, expected: Option<&[u8]>, what: &str) -> Verdict {
    ensure!(
        found.is_some() == expected.is_some(),
        "{what}: it is there: {}, expected: {}",
        found.is_some(),
        expected.is_some()
    );
    let (found, expected) = (found.unwrap_or_default(), expected.unwrap_or_default());
    equal(found.len(), expected.len(), &format!("{what}, by its length"))?;
    equal(
        Sha256Digest::of(found),
        Sha256Digest::of(expected),
        &format!("{what}, by its digest"),
    )
}
