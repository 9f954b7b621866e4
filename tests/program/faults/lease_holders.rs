//! Workers that hold the leases of many tests at once: what was confirmed to them, and what came of the tests.

use std::collections::{BTreeMap, BTreeSet};

use testplan::model::{
    ExecutionId,
    record::{Confirmation, RecordEvent},
};

use crate::{
    scenarios::house::{Held, House, Kind},
    support::{Process, Records, Stage, test_center::Dialect},
};

/// Workers of one plan. Its tests add their test case to the file `ran`.
pub(super) struct Workers {
    pub(super) house: House,
    pub(super) plan: i64,
}

impl Workers {
    pub(super) fn new(kind: Kind, stage: Stage) -> Self {
        let house = House::standing(kind, stage, Dialect::default());
        let plan = house.start_plan();
        Self { house, plan }
    }

    pub(super) fn work(&self, name: &str, lease: &str) -> Process {
        let work = self.house.testplan("work").named(name).on(self.plan);
        work.flags(&format!("--workers 1 --lease {lease} --out {name}"))
            .start()
    }

    /// The tests whose results the service confirmed to a worker.
    pub(super) fn confirmed(&self, name: &str) -> BTreeSet<String> {
        let records = Records::below(self.house.stage.path(name));
        let tests: BTreeMap<ExecutionId, String> = records
            .pick(|event| match event {
                RecordEvent::Reserved {
                    execution, test, ..
                } => Some((*execution, test.testcase.clone())),
                _ => None,
            })
            .into_iter()
            .collect();
        let confirmed = records.pick(|event| match event {
            RecordEvent::Confirmed {
                execution,
                answer: Confirmation::Counted,
            } => Some(tests[execution].clone()),
            _ => None,
        });
        confirmed.into_iter().collect()
    }

    /// Everything is done once, and what was confirmed to the first worker ran nowhere else.
    pub(super) fn all_done_once(&self, tests: usize, first: &BTreeSet<String>) {
        let held = self.house.held(self.plan);
        assert_eq!(held.len(), tests);
        let ran = self.house.stage.lines("ran");
        for (name, held) in &held {
            assert_eq!(
                (held.state, held.results.len()),
                ("done", 1),
                "{name}: {held:?}"
            );
            if first.contains(name) {
                assert_eq!(*held, Held::done(1), "{name}");
                let times = ran.iter().filter(|it| *it == name).count();
                assert_eq!(times, 1, "{name} ran again after its result had counted");
            }
        }
    }
}
