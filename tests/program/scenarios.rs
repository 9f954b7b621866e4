//! One list of scenarios against both ends that testplan meets: a stand-in for Test Center, and `testplan serve`, with
//! SQLite and with PostgreSQL. Each runs the real binary from outside; where the two must differ, a scenario says so as data.

pub(super) mod batches;
pub(super) mod cancels;
pub(super) mod house;
pub(super) mod lost;
pub(super) mod managed;
pub(super) mod reading;
pub(super) mod recovery;
pub(super) mod refused;
pub(super) mod revision;
pub(super) mod servers;
pub(super) mod steps;
pub(super) mod stopping;
pub(super) mod whole;

use crate::support::PostgresSchema;
use house::Kind;

/// Makes a test of each scenario for each kind of service.
macro_rules! scenarios {
    ($($name:ident: $scenario:path),* $(,)?) => {
        mod test_center {
            use super::*;
            $(#[test] fn $name() { $scenario(Kind::TestCenter); })*
        }
        mod our_service {
            use super::*;
            $(#[test] fn $name() { $scenario(Kind::Ours); })*
        }
        mod on_postgres {
            use super::*;
            $(#[test] fn $name() {
                if PostgresSchema::is_possible() {
                    $scenario(Kind::OnPostgres);
                }
            })*
        }
    };
}

scenarios! {
    a_whole_run: whole::a_whole_run,
    failing_tests: whole::failing_tests,
    executions_that_could_not_run: whole::executions_that_could_not_run,
    fewer_results_than_records: whole::fewer_results_than_records,
    uploaded_results_are_counted_once: whole::uploaded_results_are_counted_once,
    an_empty_plan: whole::an_empty_plan,
    many_tests_per_call: batches::many_tests_per_call,
    vanished_test_and_a_crash_in_a_call: batches::vanished_test_and_a_crash_in_a_call,
    three_steps: steps::three_steps,
    a_killed_worker: recovery::a_killed_worker,
    an_expired_lease: recovery::an_expired_lease,
    failures_run_again: recovery::failures_run_again,
    failures_of_a_job_that_comes_back: recovery::failures_of_a_job_that_comes_back,
    a_lost_answer_of_executeplan: lost::of_executeplan,
    a_lost_answer_of_reserve: lost::of_reserve,
    a_lost_answer_of_finished: lost::of_finished,
    a_lost_answer_of_finished_for_too_long: lost::of_finished_for_too_long,
    a_service_that_breaks: lost::of_a_service_that_breaks,
    a_wrong_token: refused::a_wrong_token,
    no_licence: refused::no_licence,
    a_wrong_template: refused::a_wrong_template,
    other_forms_of_the_dialect: refused::other_forms,
    each_plan_has_its_own_tests: revision::each_plan_has_its_own,
    a_list_travels_once: revision::a_list_travels_once,
    a_mismatch_is_a_mistake: revision::a_mismatch_is_a_mistake,
    publishing_templates: revision::publishing,
    busy_squish_servers: servers::busy_ones,
    cancelled_and_running_tests_finish: cancels::running_tests_finish,
    cancelled_and_running_tests_are_stopped: cancels::running_tests_are_stopped,
    stopped_by_a_signal: stopping::by_a_signal,
    stopped_by_its_deadline: stopping::by_its_deadline,
    waiting_for_results: managed::waiting_for_results,
    managed_and_all_pass: managed::all_pass,
    managed_and_some_fail: managed::some_fail,
    managed_and_a_result_never_comes: managed::a_result_never_comes,
    managed_until_a_deadline: managed::a_deadline,
    managed_until_a_signal: managed::a_signal,
    managed_in_steps: managed::in_steps,
    managed_waiting_without_a_worker: managed::waiting_without_a_worker,
    managed_by_mistake: managed::mistakes,
}
