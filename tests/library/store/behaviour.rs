//! The behaviour suite: one test per row of the protocol's table of transitions, and its limits.
//!
//! Every test takes a factory of stores, so that each implementation passes the same.

pub(crate) mod batches;
pub(crate) mod cancels;
pub(crate) mod failed_starts;
pub(crate) mod heartbeats;
pub(crate) mod imports;
pub(crate) mod lists;
pub(crate) mod machines;
pub(crate) mod page_facts;
pub(crate) mod plans;
pub(crate) mod reservations;
pub(crate) mod results;
pub(crate) mod test_runs;
pub(crate) mod trouble;

/// Hands the names of all tests to a macro, with a factory.
macro_rules! every {
    ($run:ident, $factory:path) => {
        $run! { $factory:
            plans: execute_opens_all_executions execute_requires_a_template_title_and_batch
                execute_with_the_same_key_returns_the_same_plan execute_refuses_a_key_of_another_request execute_keys_expire_after_a_week
                published_templates_keep_their_numbers templates_removed_from_their_file_are_hidden
                newest_plan_of_a_title_is_found unknown_names_list_similar_ones status_counts_by_requirement
                lists_are_paged limits_are_enforced listener_hears_what_opened_and_what_is_drained dropped_listener_is_forgotten next_deadline_includes_the_planned_time;
            reservations: reserve_returns_fitting_executions reserve_compares_labels_as_configured
                reserve_order_is_most_labels_then_longest tests_without_a_history_start_early reserve_clamps_its_timeout
                reserve_reports_pending_executions nothing_is_reserved_before_the_planned_time expired_execution_is_reserved_again
                execution_with_too_many_expiries_is_abandoned zero_max_expiries_allows_any_number release_by_short_timeout_counts_no_expiry
                worker_gets_an_execution_it_did_not_lose_first reserve_with_the_same_key_returns_the_same_lease
                reserve_refuses_a_key_of_another_request reserve_refuses_malformed_requests;
            batches: batch_has_a_lease_for_each_execution batch_ends_at_the_wanted_work
                single_reservations_have_a_prediction_too listed_executions_have_the_mean_of_earlier_runs
                batch_with_a_squish_server_is_one batch_sizes_are_limited
                repeated_batch_has_the_same_leases batch_leaves_out_what_the_worker_lost
                list_of_heartbeats_answers_each_entry list_of_results_counts_each_entry
                first_batch_of_unknown_tests_is_small batch_is_a_share_of_the_remaining_work unknown_tests_count_as_the_long_ones
                execution_released_to_run_alone_is_handed_out_by_itself execution_in_lost_batches_is_handed_out_by_itself
                worker_gets_more_of_its_warm_suites_then_whole_suites suites_of_others_are_taken_from_the_end
                order_without_near_stays_as_it_is
                only_worker_with_warm_suites_gets_the_order_of_the_plan batch_leaves_out_what_runs_alone;
            cancels: cancelled_plan_hands_nothing_out running_test_of_a_cancelled_plan_finishes_and_counts
                lease_that_ends_after_a_cancel_ends_its_execution stopped_test_is_refused_and_its_result_does_not_count
                stopped_squish_server_cools_down expired_executions_are_cancelled_too
                reset_execution_of_a_cancelled_plan_runs_again second_cancel_changes_only_what_is_left
                cancel_after_the_end_changes_nothing import_gives_no_verdict_to_cancelled_executions
                large_plan_is_cancelled_in_several_transactions cancel_goes_on_with_a_sweep
                cancel_of_a_template_is_refused cancel_wakes_waiting_workers revoked_lease_opens_the_execution_uncounted
                revoke_without_a_lease_is_refused several_executions_are_reset_at_once disabling_a_server_keeps_who_and_why
                actions_are_listed_newest_first;
            heartbeats: heartbeat_extends_and_shortens_the_lease heartbeat_revives_at_and_after_the_deadline
                heartbeat_of_a_lost_lease_is_refused heartbeat_after_reset_is_refused
                heartbeat_after_its_own_finish_succeeds heartbeat_of_an_unknown_execution_is_refused
                heartbeat_by_others_is_refused heartbeat_without_lease_is_checked_by_principal
                heartbeat_without_lease_needs_a_reservation leases_can_be_required
                heartbeat_clamps_its_timeout release_opens_the_execution_at_once release_needs_the_lease
                release_can_be_repeated leases_survive_a_suspended_service;
            imports: import_gives_a_verdict_to_an_execution_without_one import_before_the_result_counts
                import_counts_only_if_its_labels_cover_the_requirements import_never_changes_a_verdict
                first_import_after_the_reservation_counts import_of_an_earlier_attempt_does_not_count
                import_counts_only_for_its_project_and_batch failure_from_an_import_can_be_reset
                upload_with_the_same_key_is_the_same_import imports_are_paged imports_are_limited;
            lists: plan_has_the_requested_tests unknown_list_starts_no_plan
                list_with_a_wrong_digest_is_refused list_is_known_only_in_its_project
                plan_stores_its_discovery publishing_on_request_keeps_other_templates
                unchanged_file_does_not_undo_a_published_template;
            results: repeated_finish_counts_once finish_with_another_payload_is_refused
                finish_counts_until_another_worker_reserves finish_of_a_lost_lease_is_only_kept_in_the_history
                failed_test_keeps_why finish_after_reset_or_release_is_not_counted finish_by_others_is_refused
                finish_without_lease_is_checked_by_principal finish_with_a_message_is_an_execution_error long_texts_are_cut
                late_results_are_bounded verdicts_update_the_counts_of_the_plan reset_opens_only_failures
                reset_can_be_repeated reset_of_a_generation_counts_once reset_of_open_and_reserved_is_refused
                history_is_complete;
            machines: reserve_allocates_a_squish_server missing_server_is_reported_apart_from_missing_execution
                server_must_offer_all_requested_labels server_cools_down_after_an_expiry
                server_is_free_after_finish_and_release revived_lease_keeps_its_server
                lease_whose_server_was_taken_is_refused disabled_server_keeps_its_lease
                removed_server_keeps_its_lease unknown_servers_are_refused
                server_is_registered_once_by_host_and_port servers_of_a_file_are_registered_once
                standing_lists_requirements_and_servers;
            test_runs: runs_of_a_test_are_listed_newest_first pass_after_a_reset_failure_is_flaky
                run_that_could_not_run_is_not_flaky_after_a_reset plans_of_a_template_are_listed_by_branch
                names_and_labels_of_many_tests_are_read_at_once workers_have_the_pages_of_their_jobs;
            trouble: server_with_trouble_cools_down_and_its_execution_opens
                cool_downs_double_until_an_execution_ends_without_trouble result_with_trouble_counts_and_the_server_cools_down
                trouble_reported_twice_counts_once execution_with_trouble_prefers_another_server
                trouble_of_a_server_with_another_lease_is_ignored registering_or_enabling_ends_a_cool_down
                listed_server_shows_why_it_cools_down;
            failed_starts: execution_that_did_not_start_prefers_another_machine
                execution_that_three_machines_could_not_start_ends_with_their_reasons
                execution_ends_if_all_that_are_there_could_not_start_it execution_stays_open_for_a_worker_that_has_not_tried;
            page_facts: recent_plans_are_newest_first_with_their_counts plan_detail_counts_each_kind_of_end
                filters_find_their_executions running_executions_name_worker_and_start history_of_an_execution_is_apart_from_others
                changes_after_an_event_are_found remaining_work_has_durations_and_results results_are_counted_by_worker;
        }
    };
}
pub(crate) use every;
