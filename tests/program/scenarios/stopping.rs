//! Runs that are stopped: what they hold goes back at once.

use rustix::process::Signal;

use super::{
    house::{Held, House, Kind},
    reading::Junit,
};
use crate::support::{PlanFile, Stage};

/// Two tests that pass, and two that hang, of which each worker gets one.
fn house(kind: Kind) -> House {
    let stage = Stage::new();
    let test = stage.script(
        "test.sh",
        r#"echo "$2" >> begun
           case $2 in hangs*) hang ;; esac"#,
    );
    let file = PlanFile::run_with(&test).tests("s", ["t1", "t2", "hangs1", "hangs2"]);
    House::of(kind, stage, &file)
}

fn given_back(house: &House, kind: Kind) {
    let held = house.held(kind.pick(105, 2));
    assert_eq!((&held["t1"], &held["t2"]), (&Held::done(1), &Held::done(1)));
    for name in ["hangs1", "hangs2"] {
        assert_eq!(held[name].state, "open", "{name}: {held:?}");
        assert_eq!(held[name].results, Vec::<String>::new(), "{name}");
    }
    let junit = Junit::of(&house.stage, "out");
    assert_eq!(junit.counts, (4, 0, 2), "{}", junit.brief());
    assert!(
        junit.brief().contains("t1=pass t2=pass"),
        "{}",
        junit.brief()
    );
}

pub(crate) fn by_a_signal(kind: Kind) {
    let house = house(kind);
    let run = house.testplan("run").flags("--workers 2 --out out").start();
    house.stage.wait_for_lines("begun", 4);
    run.send(Signal::INT);
    run.end().code_is(130).says("cancelled");
    given_back(&house, kind);
}

pub(crate) fn by_its_deadline(kind: Kind) {
    let house = house(kind);
    let run = house.testplan("run").flags("--workers 2 --out out");
    let run = run.flags("--deadline 3s").run();
    run.code_is(5).says("incomplete (exit code 5)");
    assert_eq!(house.stage.lines("begun").len(), 4);
    given_back(&house, kind);
}
