//! Shares that break a promise each.

mod adapter;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::{FileShare, SharePath};
use keystead_contract::file_share::FileShareFixture;

use self::adapter::BrokenShare;
use crate::fixtures::Memory;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    Overwrites,
    LooksOnlyAtTheBeginning,
    LeavesTemporaryFiles,
    LeavesTemporaryFilesOnDiscard,
    PublishesEarly,
    LosesTheLastByte,
    ReplacesInTwoSteps,
    CleansUpTooMuch,
    CleansUpWhatIsBeingWritten,
    CleansUpNothing,
    ForgetsToCount,
    MissingIsUnavailable,
    TakesFoldersForFiles,
    MakesFolders,
    OpenToOthers,
    ManglesNames,
    ComplainsAboutNothingToRemove,
    KeepsWhatIsReplaced,
    FollowsDots,
    TakesControlCharacters,
    TellsOfNoPromise,
}

struct BrokenFixture {
    memory: Memory,
    fault: Fault,
}

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        Self {
            memory: Memory::new(),
            fault,
        }
    }
}

#[async_trait]
impl FileShareFixture for BrokenFixture {
    fn share(&self) -> Arc<dyn FileShare> {
        Arc::new(BrokenShare::new(self.memory.share.clone(), self.fault))
    }

    async fn folder(&self) -> SharePath {
        self.memory.folder().await
    }

    fn knows_folders(&self) -> bool {
        true
    }

    fn keeps_paths_inside(&self) -> bool {
        true
    }

    async fn files_in(&self, folder: &SharePath) -> usize {
        self.memory.files_in(folder).await
    }

    fn can_break_writes(&self) -> bool {
        true
    }

    async fn leave_broken_write(&self, folder: &SharePath) {
        self.memory.leave_broken_write(folder).await;
    }

    async fn others_can_read(&self, _path: &SharePath) -> Option<bool> {
        Some(self.fault == Fault::OpenToOthers)
    }
}

caught! { file_share, BrokenFixture;
    an_overwritten_file: Overwrites => "an_existing_file_stays";
    a_file_overwritten_in_between: LooksOnlyAtTheBeginning => "a_file_that_came_in_between_stays";
    two_writers_that_both_win: LooksOnlyAtTheBeginning => "of_many_writers_one_publishes";
    a_temporary_file_that_stays: LeavesTemporaryFiles => "a_dropped_writer_leaves_nothing";
    a_discarded_file_that_stays: LeavesTemporaryFilesOnDiscard => "a_discarded_writer_leaves_nothing";
    a_file_that_is_there_too_early: PublishesEarly => "nothing_stands_under_the_name_before_publishing";
    a_cut_file: LosesTheLastByte => "what_was_published_is_read";
    a_replacement_in_two_steps: ReplacesInTwoSteps => "a_file_is_replaced_in_one_step";
    a_replacement_that_is_forgotten: KeepsWhatIsReplaced => "an_existing_file_is_replaced_when_allowed";
    a_clean_up_of_foreign_files: CleansUpTooMuch => "cleaning_up_leaves_the_files_of_others";
    a_clean_up_of_live_files: CleansUpWhatIsBeingWritten => "cleaning_up_leaves_a_file_that_is_being_written";
    a_clean_up_of_nothing: CleansUpNothing => "cleaning_up_takes_broken_writes_away";
    a_receipt_that_lies: ForgetsToCount => "a_receipt_tells_place_and_size";
    a_missing_file_called_unavailable: MissingIsUnavailable => "a_missing_file_is_not_found";
    a_folder_called_a_file: TakesFoldersForFiles => "stat_tells_files_from_folders";
    a_folder_made_by_the_way: MakesFolders => "a_missing_folder_is_named";
    a_file_for_everybody: OpenToOthers => "a_published_file_is_for_its_owner_alone";
    mangled_names: ManglesNames => "names_beyond_ascii_work";
    a_path_that_leads_out: FollowsDots => "a_path_with_dots_is_refused";
    a_name_that_rings_bells: TakesControlCharacters => "a_name_with_a_control_character_is_refused";
    a_receipt_that_promises_too_much: TellsOfNoPromise => "a_receipt_tells_place_and_size";
    a_second_removal_that_fails: ComplainsAboutNothingToRemove => "a_removed_file_is_gone";
}
