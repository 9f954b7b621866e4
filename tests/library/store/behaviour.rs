//! The behaviour suite: one test per row of the protocol's table of transitions, and its limits.
//!
//! Every test takes a factory of stores, so that each implementation passes the same.

pub(crate) mod heartbeats;
pub(crate) mod imports;
pub(crate) mod lists;
pub(crate) mod machines;
pub(crate) mod plans;
pub(crate) mod reservations;
pub(crate) mod results;
pub(crate) mod trouble;

/// Hands the names of all tests to a macro, with a factory.
macro_rules! every {
    ($run:ident, $factory:path) => {
        $run! { $factory:
            plans: execute_starts_all_open execute_wants_a_template_title_and_batch
                execute_repeats_under_its_key execute_refuses_a_reused_key execute_forgets_keys_after_a_week
                published_templates_keep_their_numbers templates_that_left_are_hidden
                the_newest_of_equal_titles_is_found near_names_are_told status_counts_by_requirement
                lists_come_in_pages limits_are_kept whoever_waits_is_told due_times_are_told;
            reservations: reserve_hands_out_what_fits reserve_compares_labels_by_rule
                most_labels_then_longest_go_first unknown_durations_start_early reserve_clamps_its_timeout
                reserve_tells_what_is_pending a_planned_time_delays_all an_expired_lease_is_taken_over
                poison_is_given_up zero_allows_any_number what_is_given_back_by_timeout_does_not_count
                a_worker_gets_other_work_first a_key_gets_the_same_lease_again
                a_key_with_another_request_is_refused reserve_refuses_what_is_malformed;
            heartbeats: heartbeat_extends_and_shortens heartbeat_revives_at_and_after_the_deadline
                heartbeat_of_a_lost_lease_is_refused heartbeat_after_reset_is_refused
                heartbeat_after_its_own_finish_is_fine heartbeat_of_an_unknown_execution_is_refused
                heartbeat_by_others_is_refused vendor_heartbeats_work_by_principal
                vendor_heartbeats_need_a_reservation a_service_may_insist_on_leases
                heartbeat_clamps_its_timeout release_opens_at_once release_needs_the_lease
                release_may_be_repeated leases_outlive_a_pause_of_the_service;
            imports: an_import_says_what_nobody_said it_may_come_before_the_result
                labels_must_cover_what_is_needed a_counted_outcome_is_never_overturned
                the_first_after_the_reservation_counts an_earlier_attempt_uploads_for_itself
                other_projects_and_batches_are_not_meant a_failure_by_import_can_be_reset
                an_upload_is_known_by_its_key imports_come_in_pages imports_are_bounded;
            lists: a_plan_holds_the_tests_it_was_requested_with an_unknown_list_starts_nothing
                a_list_that_does_not_match_is_not_kept a_list_is_known_in_its_project
                a_plan_keeps_the_account_of_its_discovery publishing_on_request_leaves_others_alone
                a_file_that_did_not_change_takes_nothing_back;
            results: finish_counts_once_and_repeats finish_with_another_payload_is_refused
                finish_is_taken_until_somebody_else_has_it finish_of_a_lost_lease_is_kept_not_counted
                finish_after_reset_or_release_is_not_counted finish_by_others_is_refused
                vendor_results_work_by_principal a_message_is_an_execution_error long_texts_are_cut
                late_results_are_bounded verdicts_move_the_plans_counters reset_opens_failures_only
                reset_may_be_repeated reset_of_a_generation_happens_once reset_of_open_and_reserved_is_refused
                history_is_complete;
            machines: a_reservation_gets_a_machine no_machine_is_told_apart_from_no_execution
                the_machine_must_offer_all_that_was_asked_for a_machine_rests_after_an_expiry
                a_machine_is_free_at_once_after_finish_and_release a_lease_revives_on_its_machine
                a_lease_whose_machine_went_is_refused a_disabled_machine_keeps_its_lease
                a_removed_machine_keeps_its_lease unknown_machines_are_refused
                one_machine_is_registered_once servers_of_a_file_are_registered_once
                the_standing_tells_needs_and_what_machines_do;
            trouble: a_machine_with_trouble_rests_and_the_execution_is_open_at_once
                rests_double_until_an_execution_ends_well a_result_with_trouble_counts_and_the_machine_rests
                trouble_told_twice_counts_once the_execution_prefers_another_machine
                trouble_of_a_machine_that_went_is_nobodys whoever_registers_or_enables_ends_a_rest
                a_resting_machine_is_told_with_its_reason;
        }
    };
}
pub(crate) use every;
