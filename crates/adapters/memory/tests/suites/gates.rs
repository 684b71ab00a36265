//! What a backend does not promise is skipped, with the reason.

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{FileShare, SharePath, Store};
use keystead_contract::file_share::{self, FileShareFixture};
use keystead_contract::store::{self, FreshStore, StoreFixture};
use keystead_contract::{Outcome, block_on};

use crate::fixtures::Memory;

/// The reference, behind a fixture that can do as little as possible.
struct Modest(Memory);

#[async_trait]
impl StoreFixture for Modest {
    async fn store(&self) -> FreshStore {
        self.0.store().await
    }

    fn can_reopen(&self) -> bool {
        false
    }

    async fn reopen(&self, _place: &str) -> Arc<dyn Store> {
        panic!("the suite asks for what is not there")
    }
}

#[async_trait]
impl FileShareFixture for Modest {
    fn share(&self) -> Arc<dyn FileShare> {
        FileShareFixture::share(&self.0)
    }

    async fn folder(&self) -> SharePath {
        self.0.folder().await
    }

    fn knows_folders(&self) -> bool {
        false
    }

    fn keeps_paths_inside(&self) -> bool {
        false
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        self.0.files_in(folder).await
    }

    fn can_break_writes(&self) -> bool {
        false
    }

    async fn leave_broken_write(&self, _folder: &SharePath) {
        panic!("the suite asks for what is not there")
    }

    async fn others_can_read(&self, _path: &SharePath) -> Option<bool> {
        None
    }
}

#[test]
fn a_store_that_cannot_be_reopened_skips_four_cases() {
    let report = block_on(store::suite().run(Arc::new(Modest(Memory::new()))));
    let skipped: Vec<_> = report.skipped().map(|(name, _)| name).collect();
    assert_eq!(
        skipped,
        [
            "recoveries_are_there_after_reopening",
            "records_are_there_after_reopening",
            "all_is_there_after_reopening",
            "two_handles_share_one_pointer"
        ]
    );
    assert!(
        report
            .to_string()
            .contains("cannot reach a store through a second handle"),
        "{report}"
    );
    assert!(report.into_result().is_ok());
}

#[test]
fn a_share_that_claims_owners_must_prove_it() {
    let report = block_on(file_share::suite().run(Arc::new(Modest(Memory::new()))));
    let skipped: Vec<_> = report.skipped().map(|(name, _)| name).collect();
    let expected = [
        "a_missing_folder_is_named",
        "a_folder_is_not_written_over",
        "a_folder_is_not_read",
        "cleaning_up_takes_broken_writes_away",
        "a_path_with_dots_is_refused",
        "a_name_with_a_control_character_is_refused",
        "slashes_at_the_ends_say_nothing",
    ];
    assert_eq!(skipped, expected);
    let violated: Vec<_> = report.violated().map(|(name, _)| name).collect();
    assert_eq!(violated, ["a_published_file_is_for_its_owner_alone"]);
    assert!(matches!(
        report.outcome("an_existing_file_stays"),
        Some(Outcome::Passed)
    ));
}
