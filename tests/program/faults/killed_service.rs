//! The service is killed again and again while workers work, and comes back in its place.

use std::{collections::BTreeMap, thread, time::Duration};

use testplan::model::record::{Confirmation, RecordEvent};

use crate::support::{PlanFile, Records, Service, Stage};

const EXECUTIONS: usize = 200;
const KILLS: u64 = 5;

/// Another number here is another story.
const SEED: u64 = 20_251;

#[test]
fn workers_survive_a_killed_service_without_loss_or_repetition() {
    let stage = Stage::new();
    let note = stage.script("note.sh", r#"echo "$TESTPLAN_EXECUTION_ID" >> ran"#);
    PlanFile::run_with(&note)
        .numbered("s", EXECUTIONS)
        .on(&stage);
    let mut service = Service::start(&stage);
    let plan = service.start_plan(&stage);
    let work = |name: &str| {
        stage
            .testplan("work")
            .named(name)
            .at(&service)
            .on(plan)
            .flags("--workers 2 --out out")
            .start()
    };
    let workers = ["a", "b"].map(work);

    let mut dice = Dice(SEED);
    for kill in 0..KILLS {
        // Somewhere in its part of the plan, and anywhere between two requests.
        let part = EXECUTIONS as u64 * 9 / 10 / KILLS;
        let at = kill * part + dice.below(part - 4) + 1;
        stage.wait_for_lines("ran", usize::try_from(at).unwrap());
        thread::sleep(Duration::from_micros(dice.below(8_000)));
        service.kill();
        thread::sleep(Duration::from_millis(dice.below(150)));
        service.restart();
    }
    for worker in workers {
        worker.end().code_is(0);
    }

    let mut ran = BTreeMap::<i64, usize>::new();
    for line in stage.lines("ran") {
        *ran.entry(line.parse().unwrap()).or_default() += 1;
    }
    let twice: Vec<_> = ran.iter().filter(|(_, times)| **times > 1).collect();
    assert_eq!(twice, [], "no lease ended, so nothing ran twice");
    assert_eq!(ran.len(), EXECUTIONS, "nothing was lost");
    let events = service.events(plan);
    let happened = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!(happened("finished"), EXECUTIONS, "none was counted twice");
    assert_eq!(happened("reserved"), EXECUTIONS, "no lease was stranded");
    let counted = Records::below(stage.path("out")).pick(|event| match event {
        RecordEvent::Confirmed { answer, .. } => Some(*answer == Confirmation::Counted),
        _ => None,
    });
    assert_eq!(counted, [true; EXECUTIONS], "every worker heard so");

    let report = stage
        .testplan("report")
        .at(&service)
        .on(plan)
        .flags("--format json --out out")
        .run()
        .code_is(0)
        .json();
    assert_eq!(report["passed"], EXECUTIONS);
    assert_eq!(report["recovered"], 0);
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // The step and shifts of SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}
