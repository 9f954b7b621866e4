//! Answers that are lost: the service has done what it was asked, and nobody was told.

use std::time::Duration;

use super::{
    house::{Held, House, Kind},
    reading::Junit,
};
use crate::support::{Ended, PlanFile, Stage, test_center::Fault};

fn house(kind: Kind) -> House {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    House::of(kind, stage, &PlanFile::run_with(&test).numbered("s", 3))
}

/// A run that loses so many answers to a call, and comes to a good end.
fn run(house: &House, call: &'static str, times: usize) -> Ended {
    house.lose_answers(call, times);
    let run = house
        .testplan("run")
        .flags("--workers 1 --lease 3s --out out");
    // What is not known takes as long to find out as one request may take.
    run.flags("--patience 3s").run()
}

fn complete(house: &House) {
    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.brief(), "t1=pass t2=pass t3=pass");
}

/// Ours knows the request again. At Test Center the plan is looked up by its title. It is not started twice.
pub(crate) fn of_executeplan(kind: Kind) {
    let house = house(kind);
    run(&house, "POST /execution/v1/executeplan", 1)
        .code_is(0)
        .says("POST /execution/v1/executeplan");
    assert_eq!(house.plans(), 1);
    house.all_done_once(kind.pick(105, 2), 3);
    complete(&house);
}

/// Ours knows the request again. With Test Center the execution comes back when its lease is over.
pub(crate) fn of_reserve(kind: Kind) {
    let house = house(kind);
    run(&house, "POST /execution/v1/reserve/", 1).code_is(0);
    let mut held: Vec<Held> = house.held(kind.pick(105, 2)).into_values().collect();
    held.sort_by_key(|held| held.handed_out);
    let last = Held::done(kind.pick(2, 1));
    assert_eq!(held, [Held::done(1), Held::done(1), last]);
    complete(&house);
}

/// Sent again it is refused by Test Center; while the lease lasts that can only mean that it has it.
pub(crate) fn of_finished(kind: Kind) {
    let house = house(kind);
    run(&house, "POST /execution/v1/finished/", 1).code_is(0);
    house.all_done_once(kind.pick(105, 2), 3);
    complete(&house);
}

/// Pages of a server that breaks in the middle of everything.
pub(crate) fn of_a_service_that_breaks(kind: Kind) {
    let house = house(kind);
    let Some(center) = house.center() else {
        // Ours does not answer so.
        return;
    };
    for call in [
        "GET /execution/v1/testplans",
        "GET /execution/v1/status/",
        "POST /execution/v1/reserve/",
        "POST /execution/v1/finished/",
    ] {
        center.inject(call, Fault::Break, 1);
    }
    let run = house.testplan("run").flags("--workers 1 --out out");
    run.run().code_is(0).says("Internal Server Error");
    house.all_done_once(105, 3);
    complete(&house);
}

/// Sent again it is refused, and by then somebody else may have held the execution: what cannot be known is not green,
/// and the other tests are run all the same.
pub(crate) fn of_finished_for_too_long(kind: Kind) {
    let house = house(kind);
    let Some(center) = house.center() else {
        // Ours knows a result again.
        return;
    };
    let call = "POST /execution/v1/finished/";
    center.inject(call, Fault::LoseAnswer, 1);
    center.inject(call, Fault::Slow(Duration::from_secs(2)), 1);
    let run = house
        .testplan("run")
        .flags("--workers 1 --lease 2s --out out");
    run.run()
        .code_is(5)
        .says("not known whether the result was counted")
        .says("1 missing, 2 passed");
    for (name, held) in house.held(105) {
        assert_eq!(held.results, [""], "{name}");
    }
    assert_eq!(
        Junit::of(&house.stage, "out").brief(),
        "t1=error t2=pass t3=pass"
    );
}
