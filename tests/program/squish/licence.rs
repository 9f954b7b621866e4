//! A licence that cannot be had: tried again under the same lease, and told.

use std::time::Duration;

use rustix::process::Signal;
use testplan::model::record::RecordEvent;

use super::told::told;
use crate::support::{Records, Service, Squish, Testplan};

fn squish(settings: &str, more: &str) -> Squish {
    let squish = Squish::new();
    squish.suite("suite_a", &[("tst_one", "pass")]);
    squish.plan(&format!("server: local{settings}"), more);
    squish
}

/// `testplan` where the first `count` calls of squishrunner find no licence.
fn without(squish: &Squish, subcommand: &str, count: usize) -> Testplan {
    squish
        .testplan(subcommand)
        .flags("--out out")
        .with("STAND_IN_NO_LICENCE", count.to_string())
        .with("STAND_IN_LICENCE_CALLS", squish.stage.path("licence"))
}

#[test]
fn a_licence_that_comes_back_is_waited_for_and_each_miss_is_told() {
    // The time limit is of a try: two pauses of at least a second do not reach it.
    let squish = squish("", "  timeout: 2s");
    let ended = without(&squish, "run", 2).run().code_is(0);
    assert_eq!(squish.calls().len(), 3);
    assert_eq!(
        squish.calls()[0],
        squish.calls()[2],
        "the same is started again"
    );
    assert_eq!(told(&squish)["tst_one"].words(), "passed");
    let said = ended
        .stderr
        .matches("found no licence (exit code 37)")
        .count();
    assert_eq!(said, 2, "{ended}");
    assert!(ended.stderr.contains("suite_a / tst_one"), "{ended}");
    let reserved = Records::below(squish.stage.path("out")).pick(|event| match event {
        RecordEvent::Reserved { .. } => Some(()),
        _ => None,
    });
    assert_eq!(reserved.len(), 1, "one lease");
}

#[test]
fn without_patience_it_is_tried_once_and_the_licence_server_is_named() {
    let squish = squish(", licence-patience: 0s", "");
    let ended = without(&squish, "run", 99).run().code_is(3);
    assert_eq!(squish.calls().len(), 1);
    let words = told(&squish)["tst_one"].words();
    assert!(
        words.contains("licence server cannot be reached")
            && words.contains("SQUISH_LICENSEKEY_DIR"),
        "{words}"
    );
    assert!(ended.stderr.contains("licence server"), "{ended}");
    assert!(!words.contains("tried"), "{words}");
}

#[test]
fn patience_ends_and_says_how_long_it_was() {
    let squish = squish(", licence-patience: 2s", "");
    without(&squish, "run", 99).run().code_is(3);
    let calls = squish.calls().len();
    assert!((2..=4).contains(&calls), "{calls}");
    let words = told(&squish)["tst_one"].words();
    assert!(
        words.contains(&format!("tried {calls} times within")),
        "{words}"
    );
}

#[test]
fn a_stop_ends_the_waiting_and_gives_the_lease_back() {
    let squish = squish("", "");
    let service = Service::start_with(&squish.stage, |serve| serve);
    let plan = service.start_plan(&squish.stage);
    let mut worker = without(&squish, "work", 99).at(&service).on(plan).start();
    worker.wait_for_word("found no licence");
    worker.send(Signal::TERM);
    worker.end_within(Duration::from_secs(5)).code_is(143);
    let execution = service.executions(plan)[0].execution_id.0;
    assert_eq!(service.history(plan, execution), ["reserved", "released"]);
}

#[test]
fn a_lost_lease_ends_the_waiting_and_nothing_is_finished() {
    let squish = squish("", "");
    let mut service = Service::start_with(&squish.stage, |serve| serve);
    let plan = service.start_plan(&squish.stage);
    let mut worker = without(&squish, "work", 99)
        .at(&service)
        .on(plan)
        .flags("--lease 2s --patience 1s")
        .start();
    worker.wait_for_word("found no licence");
    service.kill();
    worker.wait_for_word("lease lost");
    let calls = squish.calls().len();
    worker.end();
    assert_eq!(
        squish.calls().len(),
        calls,
        "nothing is started without a lease"
    );
}
