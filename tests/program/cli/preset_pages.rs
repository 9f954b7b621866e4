//! `testplan presets`.

use testplan::preset::PRESETS;

use crate::support::Stage;

#[test]
fn presets_lists_all_of_them() {
    let stage = Stage::new();
    let ended = stage.testplan("presets").run();
    assert_eq!(ended.code, Some(0), "{ended}");
    let ended_json = stage.testplan("presets").flags("--format json").run();
    let json: serde_json::Value = serde_json::from_str(&ended_json.stdout).unwrap();
    let names = json["presets"].as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|it| it["name"].as_str().unwrap()).collect();
    let expected: Vec<&str> = PRESETS.iter().map(|it| it.name).collect();
    assert_eq!(names, expected);
    for name in names {
        let is_row = |line: &str| line.split_whitespace().next() == Some(name);
        assert!(ended.stdout.lines().any(is_row), "{name}: {ended}");
    }
}

/// What a page shows as its testplan.yml is one.
#[test]
fn page_of_each_preset_has_a_valid_plan_file() {
    let stage = Stage::new();
    for preset in PRESETS {
        let ended = stage.testplan("presets").flags(preset.name).run();
        assert_eq!(ended.code, Some(0), "{ended}");
        for trap in preset.traps {
            assert!(ended.stdout.contains(trap), "{trap}: {ended}");
        }
        let mut lines = ended.stdout.lines();
        let plan = lines.find_map(|line| line.strip_prefix("testplan.yml  "));
        stage.write("testplan.yml", plan.unwrap());
        let ended = stage.testplan("validate").run();
        assert_eq!(ended.code, Some(0), "{ended}");
    }
}

#[test]
fn unknown_preset_gets_a_near_name() {
    let stage = Stage::new();
    for (name, help) in [("pytset", "did you mean pytest?"), ("zzz", "ctest, ")] {
        let ended = stage.testplan("presets").flags(name).run();
        assert_eq!(ended.code, Some(2), "{ended}");
        assert!(ended.stderr.contains(help), "{ended}");
    }
}
