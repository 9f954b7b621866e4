//! What an earlier run left in the `--out` folder.

use std::fs;

use super::plan::{PASSES, plan};
use crate::support::Stage;

const RESULTS: [&str; 3] = ["junit.xml", "report.html", "summary.md"];

fn results(stage: &Stage) -> Vec<&'static str> {
    let there = |name: &&str| stage.path(&format!("testplan-out/{name}")).exists();
    RESULTS.into_iter().filter(there).collect()
}

#[test]
fn results_of_an_earlier_run_are_removed_before_an_early_end() {
    let stage = Stage::with(&plan(&[PASSES]));
    let nobody = ["--url", "http://127.0.0.1:1", "--patience", "0s"];
    let early: [(&[&str], i32); 5] = [
        (&["run"], 3),
        (&["work", "--plan-id", "1"], 3),
        (&["report", "--plan-id", "1"], 3),
        (&["run", "--config", "gone.yml"], 2),
        (&["run", "--template", "gone"], 3),
    ];
    for (command, code) in early {
        assert_eq!(stage.run(["run"]).code, Some(0));
        assert_eq!(results(&stage), RESULTS);
        let ended = stage.run([command, &nobody].concat());
        assert_eq!(ended.code, Some(code), "{command:?}: {ended:#?}");
        assert_eq!(results(&stage), [""; 0], "{command:?}");
    }
}

#[test]
fn files_of_the_user_survive_an_early_end() {
    let stage = Stage::with(&plan(&[PASSES]));
    for name in RESULTS {
        stage.write(&format!("testplan-out/{name}"), "mine");
    }
    let ended = stage.run(["run", "--url", "http://127.0.0.1:1", "--patience", "0s"]);
    assert_eq!(ended.code, Some(3), "{ended:#?}");
    assert_eq!(results(&stage), RESULTS);
}

#[test]
fn records_do_not_pile_up_in_one_folder() {
    let stage = Stage::with(&plan(&[PASSES]));
    let mut lines = Vec::new();
    for _ in 0..3 {
        let ended = stage.run(["run"]);
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        assert!(!ended.stderr.contains("warning"), "{ended:#?}");
        lines.push(ended.stderr.lines().count());
        for part in ["records", "logs"] {
            let folder = stage.path(&format!("testplan-out/{part}"));
            let files = fs::read_dir(folder).unwrap().count();
            assert_eq!(files, 1, "{part}");
        }
    }
    assert_eq!(lines[0], lines[2]);
}

#[test]
fn report_names_the_newest_of_several_plans() {
    let stage = Stage::with(&plan(&[PASSES]));
    for out in ["one", "two"] {
        assert_eq!(stage.run(["run", "--out", out]).code, Some(0));
    }
    assert_eq!(stage.run(["run", "--out", "two"]).code, Some(0));
    let both = ["report", "--records", "one/records", "two/records"];
    let ended = stage.run(both);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(
        ended.stderr.contains("the records are of plan 2 too")
            && ended
                .stderr
                .contains("the newest, plan 3; --plan-id names another"),
        "{ended:#?}"
    );
    let named = stage.run([&both[..], &["--plan-id", "2"]].concat());
    assert_eq!(named.code, Some(0), "{named:#?}");
    assert!(!named.stderr.contains("too: this is"), "{named:#?}");
    let unknown = stage.run([&both[..], &["--plan-id", "999999"]].concat());
    assert_eq!(unknown.code, Some(2), "{unknown:#?}");
    assert!(
        unknown
            .stderr
            .contains("no record is of plan 999999: the records are of plans 2, 3"),
        "{unknown:#?}"
    );
}
