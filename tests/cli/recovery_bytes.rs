//! Every byte of a request and of a response is changed, with the signatures and ciphers of the binary.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

#[path = "support/in_process.rs"]
mod in_process;

use std::sync::Arc;

use in_process::{Parts, Scene};
use keystead_application::exchange::{RequestDocument, ResponseDocument};
use keystead_application::ports::MasterKeyProviders;
use keystead_application::use_cases::{RecoveryError, ServerError};
use keystead_domain::{FileKey, GenerateBits};
use keystead_memory::{MemoryMasterKeyProvider, MemoryServerFolder, MemoryStore};
use keystead_system::{OsRandomness, SystemClock};

/// What is kept is kept in memory; what is computed is computed as in the binary.
async fn scene() -> Scene {
    let parts = Parts {
        store: Arc::new(MemoryStore::new()),
        master_keys: MasterKeyProviders::new(Arc::new(MemoryMasterKeyProvider::new()), Vec::new()),
        folder: Arc::new(MemoryServerFolder::new()),
        clock: Arc::new(SystemClock),
        randomness: Arc::new(OsRandomness),
    };
    Scene::set_up(parts, GenerateBits::B2048).await
}

/// The bytes with each of them changed once, in another of its bits each time; then without their ends, and with more.
fn changed(bytes: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let flipped = (0..bytes.len()).map(|place| {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1 << (place % 8);
        (format!("byte {place}"), changed)
    });
    let cut =
        [0, 1, bytes.len() / 2, bytes.len() - 1].map(|len| (format!("{len} bytes"), bytes[..len].to_vec()));
    let longer = [0, b'\n', b'}'].map(|more| (format!("{more} behind"), [bytes, &[more]].concat()));
    flipped.chain(cut).chain(longer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_or_a_response_with_any_byte_changed_is_refused() {
    let scene = scene().await;
    let headers = [scene.header(&FileKey::copy_of(&[1; 16]))];
    let made = scene.request(&headers).await;
    let bytes = RequestDocument::from_text(&made.text).unwrap();
    for (what, bytes) in changed(&bytes) {
        let refused = scene.receive(&RequestDocument::to_text(&bytes)).await;
        assert!(
            matches!(
                refused,
                Err(RecoveryError::Request(_) | RecoveryError::UnknownServer(_))
            ),
            "the request, {what}: {refused:?}"
        );
    }
    assert_eq!(scene.receive(&made.text).await.unwrap().id, made.id);

    scene.approve(made.id).await;
    let text = scene.respond(made.id, &|_| {}).await.text;
    let bytes = ResponseDocument::from_text(&text).unwrap().bytes().to_vec();
    for (what, bytes) in changed(&bytes) {
        let refused = match ResponseDocument::from_bytes(bytes) {
            Ok(document) => scene.applier().take(&document.to_text()).await.map(|_| ()),
            Err(error) => Err(ServerError::Response(error)),
        };
        assert!(
            matches!(
                refused,
                Err(ServerError::Response(_) | ServerError::OtherManager { .. })
            ),
            "the response, {what}: {refused:?}"
        );
    }
    let taken = scene.applier().take(&text).await.unwrap();
    assert_eq!((taken.request, taken.keys), (made.id, 1));
}
