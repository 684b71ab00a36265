//! Stores that break a promise each.

mod adapter;
mod memory;
mod records;
mod recoveries;
mod view;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::ports::Store;
use keystead_contract::store::{FreshStore, StoreFixture};
use keystead_contract::{Outcome, block_on};

use self::adapter::BrokenStore;
use crate::fixtures::Memory;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    ForgetsVersionsOnSave,
    ForgetsVersionsOnDelete,
    DeletesNothing,
    KeepsPrivateKeys,
    MovesPointerAnyway,
    PointsAtAnything,
    CommitsWithoutEvent,
    CommitsAndSaysUnaudited,
    CommitsOnDrop,
    ListsNewestFirst,
    RepeatsAcrossPages,
    PromisesOnePageMore,
    IgnoresLimits,
    MissesHighestDigits,
    FindsOneByTag,
    LeavesGaps,
    LosesEvents,
    MixesUpEvents,
    LosesDetails,
    SeesLaterCommits,
    DoesNotSeeOwnWrites,
    ShowsSupersededAsActive,
    RoundsTimes,
    CutsHints,
    ForgetsOrigins,
    SwallowsDuplicates,
    ReplacesInstallation,
    Panics,
    LosesDataOnReopening,
    NeverLetsGo,
    HeadStaysAfterRollback,
    ChainRestartsAfterRollback,
    MixesUpCheckpoints,
    TrimsNotes,
    CountsOnlyTheFirstKey,
    CountsOrphans,
    ListsUnstagedBackwards,
    ShowsStagedCopies,
    StagesForAnything,
    DiscardsNothing,
    SwitchesWithOneMissing,
    SwitchesToAnyKey,
    SwitchForgetsTheInstallation,
    FindsServersByTheCurrentIdentity,
    SortsIdentities,
    ReplacesApprovals,
    ForgetsPermissions,
    TakesRequestsOfNobody,
    CountsFromAfterTheMoment,
    CountsForEveryServer,
    KeepsTheFirstPolicy,
    MixesUpDocuments,
    CutsDocuments,
    LosesEmptyDocuments,
    TakesDocumentsOfNobody,
    MixesUpKinds,
    CutsRecords,
    TidiesLineEnds,
    KeepsTheFirstEnd,
    IgnoresCaseOfKeys,
    TrimsKeys,
    SortsKeysByLetters,
    WantsEventsForEverything,
    SweepsTheMomentToo,
    SweepsWhatIsKept,
    SweepsEveryKind,
    SweepsAndSaysNothing,
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

    fn wrap(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        Arc::new(BrokenStore::new(store, self.fault))
    }
}

#[async_trait]
impl StoreFixture for BrokenFixture {
    async fn store(&self) -> FreshStore {
        let FreshStore { store, place } = self.memory.store().await;
        FreshStore {
            store: self.wrap(store),
            place,
        }
    }

    fn can_reopen(&self) -> bool {
        true
    }

    async fn reopen(&self, place: &str) -> Arc<dyn Store> {
        match self.fault {
            Fault::LosesDataOnReopening => self.memory.store().await.store,
            _ => self.wrap(self.memory.reopen(place).await),
        }
    }
}

caught! { store, BrokenFixture;
    a_forgotten_version_on_save: ForgetsVersionsOnSave => "a_stale_save_is_a_conflict";
    a_forgotten_version_on_delete: ForgetsVersionsOnDelete => "a_stale_deletion_is_a_conflict";
    a_deletion_without_effect: DeletesNothing => "a_deleted_keyset_is_gone_with_its_private_key";
    a_private_key_that_stays: KeepsPrivateKeys => "a_deleted_keyset_is_gone_with_its_private_key";
    a_pointer_that_moves_anyway: MovesPointerAnyway => "a_pointer_that_is_elsewhere_is_a_conflict";
    a_pointer_to_anything: PointsAtAnything => "a_pointer_to_a_missing_keyset_is_a_conflict";
    a_commit_without_event: CommitsWithoutEvent => "a_change_without_an_event_does_not_happen";
    a_refused_commit_that_happened: CommitsAndSaysUnaudited => "a_change_without_an_event_does_not_happen";
    a_commit_on_drop: CommitsOnDrop => "dropping_a_unit_undoes_all_of_it";
    a_list_from_the_wrong_end: ListsNewestFirst => "keysets_are_listed_oldest_first_and_by_id";
    a_page_that_repeats: RepeatsAcrossPages => "pages_join_without_gap_or_repetition";
    a_page_too_many: PromisesOnePageMore => "the_last_page_has_no_next";
    an_audit_page_that_repeats: RepeatsAcrossPages => "audit_pages_join_without_gap_or_repetition";
    a_limit_that_is_ignored: IgnoresLimits => "keysets_with_one_beginning_come_in_order_and_up_to_the_limit";
    an_upper_bound_that_is_wrong: MissesHighestDigits => "a_beginning_of_highest_digits_is_found";
    a_tag_that_finds_one: FindsOneByTag => "keysets_are_found_by_their_tag";
    gaps_in_the_audit_trail: LeavesGaps => "places_count_from_one_without_gaps";
    lost_events: LosesEvents => "concurrent_activations_never_show_two_active_keysets";
    mixed_up_events: MixesUpEvents => "every_event_survives_the_store";
    lost_details: LosesDetails => "awkward_texts_in_events_survive_the_store";
    a_snapshot_that_moves: SeesLaterCommits => "a_snapshot_does_not_see_what_is_committed_later";
    a_unit_blind_for_itself: DoesNotSeeOwnWrites => "a_unit_reads_its_own_changes";
    a_second_active_keyset: ShowsSupersededAsActive => "activation_moves_the_pointer";
    a_second_active_keyset_in_the_crowd: ShowsSupersededAsActive => "concurrent_activations_never_show_two_active_keysets";
    rounded_times: RoundsTimes => "times_survive_the_store";
    cut_hints: CutsHints => "hints_survive_the_store";
    forgotten_origins: ForgetsOrigins => "origins_survive_the_store";
    a_duplicate_that_is_swallowed: SwallowsDuplicates => "a_second_keyset_with_a_fingerprint_is_a_duplicate";
    a_second_installation: ReplacesInstallation => "there_is_one_installation";
    a_head_that_stays_ahead: HeadStaysAfterRollback => "the_head_goes_back_with_a_rollback";
    a_chain_that_starts_again: ChainRestartsAfterRollback => "the_chain_goes_on_after_a_rollback";
    a_chain_with_events_missing: LosesEvents => "the_head_is_the_last_row";
    checkpoints_in_disorder: MixesUpCheckpoints => "checkpoints_come_back_as_they_were_kept";
    a_note_without_its_last_line_feed: TrimsNotes => "checkpoints_come_back_as_they_were_kept";
    a_second_checkpoint: SwallowsDuplicates => "a_second_checkpoint_for_a_place_is_a_duplicate";
    a_census_of_one_key: CountsOnlyTheFirstKey => "the_census_counts_by_master_key";
    a_staged_copy_without_keyset: CountsOrphans => "a_deleted_keyset_takes_its_staged_copy_along";
    private_keys_in_disorder: ListsUnstagedBackwards => "unstaged_private_keys_come_in_the_order_of_ids";
    a_staged_copy_for_the_key: ShowsStagedCopies => "a_staged_copy_is_not_the_private_key";
    a_copy_for_nobody: StagesForAnything => "staging_for_a_missing_keyset_is_a_conflict";
    copies_that_stay: DiscardsNothing => "discarding_deletes_every_staged_copy";
    a_switch_with_one_missing: SwitchesWithOneMissing => "a_switch_with_one_missing_is_a_conflict";
    a_switch_to_any_key: SwitchesToAnyKey => "a_switch_to_another_key_than_a_staged_one_is_a_conflict";
    a_switch_that_only_discards: SwitchForgetsTheInstallation => "a_switch_puts_every_staged_copy_in_its_place";
    a_switch_without_event: CommitsWithoutEvent => "a_switch_without_an_event_does_not_happen";
    a_switch_on_drop: CommitsOnDrop => "a_switch_is_undone_when_dropped";
    a_snapshot_that_moves_with_a_switch: SeesLaterCommits => "a_snapshot_does_not_see_a_later_switch";
    a_forgotten_version_of_a_server: ForgetsVersionsOnSave => "a_stale_save_of_a_server_is_a_conflict";
    a_forgotten_version_of_an_officer: ForgetsVersionsOnSave => "a_stale_save_of_an_officer_is_a_conflict";
    a_forgotten_version_of_a_request: ForgetsVersionsOnSave => "a_stale_save_of_a_request_is_a_conflict";
    an_identity_of_two_servers: SwallowsDuplicates => "an_identity_belongs_to_one_server";
    a_server_under_a_known_id: SwallowsDuplicates => "a_second_server_with_an_id_is_a_duplicate";
    an_officer_under_a_known_id: SwallowsDuplicates => "a_second_officer_with_an_id_is_a_duplicate";
    a_request_under_a_known_id: SwallowsDuplicates => "a_second_request_with_an_id_is_a_duplicate";
    a_document_over_another: SwallowsDuplicates => "a_second_document_is_a_duplicate";
    a_retired_identity_that_finds_nobody: FindsServersByTheCurrentIdentity => "a_server_is_found_by_each_identity_that_it_ever_had";
    identities_in_disorder: SortsIdentities => "servers_survive_the_store";
    an_identity_that_is_lost: ReplacesApprovals => "an_identity_is_never_taken_away";
    an_approval_that_is_replaced: ReplacesApprovals => "an_approval_is_never_taken_away_or_changed";
    a_permission_that_is_lost: ForgetsPermissions => "approvals_survive_the_store";
    a_request_of_nobody: TakesRequestsOfNobody => "a_request_of_no_server_is_a_conflict";
    a_bound_that_is_left_out: CountsFromAfterTheMoment => "requests_are_counted_by_server_from_a_moment_on";
    a_count_of_all_servers: CountsForEveryServer => "requests_are_counted_by_server_from_a_moment_on";
    a_policy_for_good: KeepsTheFirstPolicy => "the_policy_survives_the_store";
    a_response_for_the_request: MixesUpDocuments => "a_request_has_two_documents";
    a_document_of_one_packet: CutsDocuments => "documents_of_every_size_survive_the_store";
    an_empty_document_that_is_none: LosesEmptyDocuments => "documents_of_every_size_survive_the_store";
    a_document_of_nobody: TakesDocumentsOfNobody => "a_document_of_no_request_is_a_conflict";
    servers_on_two_pages: RepeatsAcrossPages => "servers_are_listed_by_id_page_by_page";
    servers_without_limit: IgnoresLimits => "servers_are_listed_by_id_page_by_page";
    officers_from_the_wrong_end: ListsNewestFirst => "officers_come_in_the_order_in_which_they_were_added";
    requests_on_two_pages: RepeatsAcrossPages => "requests_are_listed_latest_first_page_by_page";
    requests_from_the_wrong_end: ListsNewestFirst => "requests_are_listed_latest_first_page_by_page";
    rounded_times_of_requests: RoundsTimes => "requests_survive_the_store";
    cut_names_of_servers: CutsHints => "servers_survive_the_store";
    a_change_of_recoveries_without_event: CommitsWithoutEvent => "a_change_of_recoveries_without_an_event_does_not_happen";
    changes_of_recoveries_on_drop: CommitsOnDrop => "changes_of_recoveries_are_undone_when_dropped";
    a_document_on_drop: CommitsOnDrop => "a_document_is_undone_when_dropped";
    a_unit_blind_for_its_recoveries: DoesNotSeeOwnWrites => "a_unit_reads_its_own_changes_of_recoveries";
    a_snapshot_that_moves_with_recoveries: SeesLaterCommits => "a_snapshot_does_not_see_later_changes_of_recoveries";
    lost_recoveries_after_reopening: LosesDataOnReopening => "recoveries_are_there_after_reopening";
    lost_data_after_reopening: LosesDataOnReopening => "all_is_there_after_reopening";
    a_record_of_another_kind: MixesUpKinds => "records_survive_the_store";
    rounded_ends_of_records: RoundsTimes => "ends_of_records_survive_the_store";
    a_record_of_one_byte_less: CutsRecords => "documents_of_records_survive_the_store";
    line_ends_of_one_kind: TidiesLineEnds => "documents_of_records_survive_the_store";
    an_end_for_good: KeepsTheFirstEnd => "a_replaced_record_is_the_new_one";
    a_record_under_a_known_key: SwallowsDuplicates => "a_second_record_with_a_key_is_a_duplicate";
    a_forgotten_version_of_a_record: ForgetsVersionsOnSave => "a_stale_replacement_of_a_record_is_a_conflict";
    a_record_that_stays: DeletesNothing => "a_deleted_record_is_gone";
    a_forgotten_version_of_a_deleted_record: ForgetsVersionsOnDelete => "a_stale_deletion_of_a_record_is_a_conflict";
    keys_without_case: IgnoresCaseOfKeys => "keys_of_records_are_compared_byte_by_byte";
    keys_without_spaces_at_their_ends: TrimsKeys => "keys_of_records_are_compared_byte_by_byte";
    keys_in_the_order_of_letters: SortsKeysByLetters => "keys_of_records_are_compared_byte_by_byte";
    records_on_two_pages: RepeatsAcrossPages => "records_are_listed_by_key_page_by_page";
    records_without_limit: IgnoresLimits => "records_are_listed_by_key_page_by_page";
    records_from_the_wrong_end: ListsNewestFirst => "records_are_listed_by_key_page_by_page";
    records_from_letter_to_letter: SortsKeysByLetters => "records_are_listed_by_key_page_by_page";
    a_sweep_of_the_moment: SweepsTheMomentToo => "a_sweep_deletes_what_was_over_before_the_moment";
    a_sweep_of_what_is_kept: SweepsWhatIsKept => "a_sweep_deletes_what_was_over_before_the_moment";
    a_sweep_that_counts_nothing: SweepsAndSaysNothing => "a_sweep_deletes_what_was_over_before_the_moment";
    a_sweep_without_limit: IgnoresLimits => "a_sweep_deletes_no_more_than_the_limit";
    a_sweep_of_every_kind: SweepsEveryKind => "a_sweep_spares_the_kinds_that_need_an_event";
    a_change_of_a_record_without_event: CommitsWithoutEvent => "a_change_of_a_record_without_an_event_does_not_happen";
    a_refused_change_of_a_record_that_happened: CommitsAndSaysUnaudited => "a_change_of_a_record_without_an_event_does_not_happen";
    an_event_for_everything: WantsEventsForEverything => "a_record_that_needs_no_event_is_committed_without_one";
    a_keyset_that_comes_along: CommitsWithoutEvent => "what_needs_an_event_takes_what_needs_none_along";
    changes_of_records_on_drop: CommitsOnDrop => "changes_of_records_are_undone_when_dropped";
    a_unit_blind_for_its_records: DoesNotSeeOwnWrites => "a_unit_reads_its_own_changes_of_records";
    a_snapshot_that_moves_with_records: SeesLaterCommits => "a_snapshot_does_not_see_later_changes_of_records";
    lost_records_after_reopening: LosesDataOnReopening => "records_are_there_after_reopening";
    a_key_that_many_win: SwallowsDuplicates => "one_of_many_wins_a_new_key";
    a_version_that_many_win: ForgetsVersionsOnSave => "one_of_many_wins_a_version";
}

#[test]
fn a_panic_is_reported_and_the_other_cases_still_run() {
    let fixture = Arc::new(BrokenFixture::with(Fault::Panics));
    let report = block_on(keystead_contract::store::suite().run(fixture));
    match report.outcome("keysets_are_found_by_their_tag") {
        Some(Outcome::Violated(violation)) => {
            assert!(violation.as_str().contains("it panicked: no tags here"))
        }
        other => panic!("{other:?}"),
    }
    assert!(report.passed().count() > 30, "{report}");
}

#[test]
fn a_lock_that_is_never_given_back_ends_in_a_report() {
    let fixture = Arc::new(BrokenFixture::with(Fault::NeverLetsGo));
    let suite = keystead_contract::store::suite().with_deadline(std::time::Duration::from_millis(300));
    let report = block_on(suite.run(fixture));
    match report.outcome("a_cancelled_unit_sets_the_store_free") {
        Some(Outcome::Violated(violation)) => assert!(violation.as_str().contains("did not come to an end")),
        other => panic!("{other:?}"),
    }
    assert!(report.passed().count() > 10, "{report}");
}
