//! A service that says no: what is wrong and what to do is said, and nothing is started.

use super::house::{House, Kind};
use crate::support::{
    PlanFile, Stage,
    test_center::{Dialect, Envelope},
};

fn house(kind: Kind, dialect: Dialect) -> House {
    let stage = Stage::new();
    let test = stage.script("test.sh", "exit 0");
    let file = PlanFile::run_with(&test).numbered("s", 1);
    House::speaking(kind, stage, &file, dialect)
}

pub(crate) fn a_wrong_token(kind: Kind) {
    let house = house(kind, Dialect::default());
    let sentence = kind.pick(
        "the token was rejected or is missing (status 302, to the log-in page)",
        "the token was rejected (status 401",
    );
    let commands = [
        "run --out out",
        "execute --template T",
        "work --plan-id 105",
        "wait --plan-id 105",
        "report --plan-id 105",
    ];
    for command in commands {
        let (name, flags) = command.split_once(' ').unwrap();
        let ended = house.stranger(name).flags(flags).run().code_is(3);
        let ended = ended.says(sentence).says("help: ");
        assert!(ended.stderr.contains("TESTCENTER_TOKEN"), "{ended}");
        assert!(!ended.stderr.contains("not-the-right-one"), "{ended}");
    }
    assert_eq!(house.plans(), 0);
}

/// Only Test Center is activated.
pub(crate) fn no_licence(kind: Kind) {
    let house = house(
        kind,
        Dialect {
            activated: kind != Kind::TestCenter,
            ..Dialect::default()
        },
    );
    if kind == Kind::TestCenter {
        let run = house.testplan("run").flags("--out out").run().code_is(3);
        run.says("no licence or first user yet")
            .says("help: open Test Center in a browser");
        assert_eq!(house.plans(), 0);
    }
}

pub(crate) fn a_wrong_template(kind: Kind) {
    for envelope in [Envelope::Nested, Envelope::Flat] {
        let house = house(
            kind,
            Dialect {
                envelope,
                ..Dialect::default()
            },
        );
        for name in ["run --out out", "execute"] {
            let (name, out) = name.split_once(' ').unwrap_or((name, ""));
            let ended = house
                .testplan(name)
                .flags(out)
                .flags("--template Tee")
                .run();
            ended
                .code_is(4)
                .says(r#"no template "Tee" in project "p""#)
                .says("help: check project, title and type");
        }
        assert_eq!(house.plans(), 0);
    }
}

/// The dialect's other forms change nothing for whoever uses it.
pub(crate) fn other_forms(kind: Kind) {
    let house = house(
        kind,
        Dialect {
            envelope: Envelope::Flat,
            normalises_titles: true,
            string_ids: false,
            last_count: "done",
            lists_look_ups: true,
            ..Dialect::default()
        },
    );
    house.lose_answers("POST /execution/v1/executeplan", 1);
    let run = house.testplan("run").flags("--patience 3s --out out");
    run.flags("--title A_plan-1").run().code_is(0);
    assert_eq!(house.plans(), 1);
    house.all_done_once(kind.pick(105, 2), 1);
}
