//! What is read from listings, and calls that are refused.

use std::path::Path;

use testplan::preset::{CallPaths, NotSelected, PRESETS, Preset};

use super::preset_project::{called, test};

fn names(preset: &str, listing: &str) -> Vec<String> {
    let preset = Preset::named(preset).unwrap();
    let listing = preset.read_listing(listing.as_bytes(), "/w").unwrap();
    listing.tests.iter().map(called).collect()
}

fn paths() -> CallPaths<'static> {
    CallPaths {
        tag: "t1",
        list: Path::new("/t/list"),
        results: Path::new("/t/results"),
        events: Path::new("/t/events"),
        reporters: Path::new("/t/reporters"),
    }
}

#[test]
fn presets_have_names_of_their_own() {
    let mut names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    assert!(names.is_sorted());
    names.dedup();
    assert_eq!(names.len(), PRESETS.len());
    assert!(Preset::named("mystery").is_none());
    for preset in PRESETS {
        assert!(!preset.traps.is_empty() && !preset.versions.is_empty());
    }
}

#[test]
fn files_below_the_folder_are_relative() {
    let listing = r#"[{"name":"S > a","file":"/w/d/a.test.ts"},{"name":"b","file":"/other/b.test.ts","projectName":"x"}]"#;
    assert_eq!(
        names("vitest", listing),
        ["d/a.test.ts::S > a", "/other/b.test.ts::[x] b"]
    );
}

#[test]
fn output_around_json_is_left_out() {
    let listing = "warning: {x}\n{not json\n{\"tests\":[{\"name\":\"a\"},{\"name\":\"off\",\"properties\":[{\"name\":\"DISABLED\",\"value\":true}]}]}\ndone\n";
    assert_eq!(names("ctest", listing), ["ctest::a"]);
    let preset = Preset::named("ctest").unwrap();
    for bad in ["", "no tests", "[]", "{\"tests\":1}"] {
        assert!(preset.read_listing(bad.as_bytes(), "/w").is_err(), "{bad}");
    }
}

#[test]
fn broken_files_are_told() {
    let pytest = Preset::named("pytest").unwrap();
    let listing = pytest
        .read_listing(
            b"t.py::test_a\nt.py::test_p[a ]\n\n==== ERRORS ====\nERROR bad.py - x\n",
            "/w",
        )
        .unwrap();
    assert_eq!(listing.broken, ["bad.py - x"]);
    assert_eq!(listing.tests[1].testcase, "test_p[a ]");
    let jest = Preset::named("jest").unwrap();
    let listing = jest
        .read_listing(
            br#"{"testResults":[{"name":"/w/b.test.js","message":" cannot load\n","status":"failed","assertionResults":[]}]}"#,
            "/w",
        )
        .unwrap();
    assert_eq!(listing.broken, ["b.test.js: cannot load"]);
}

#[test]
fn names_that_cannot_be_selected_are_refused() {
    for (preset, name, why) in [
        ("pytest", "a\nb", "line break"),
        ("vitest", "a\nb", "line break"),
        ("playwright", "a\rb", "line break"),
        ("googletest", "a*", "GoogleTest"),
        ("googletest", "a-b", "GoogleTest"),
        ("nextest", " a", "blanks"),
    ] {
        let one = test("s", name);
        let error = Preset::named(preset)
            .unwrap()
            .call(&[one], &paths())
            .unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[test]
fn pytest_ids_with_brackets_in_the_path_are_refused() {
    let pytest = Preset::named("pytest").unwrap();
    let error = pytest
        .call(&[test("d/test_[x].py", "test_a")], &paths())
        .unwrap_err();
    assert!(error.to_string().contains("parameter"), "{error}");
}

#[test]
fn pytest_ids_become_the_names_of_its_results() {
    let pytest = Preset::named("pytest").unwrap();
    for (suite, testcase, called) in [
        ("test_a.py", "test_x", "test_a::test_x"),
        (
            "d/test_a.py",
            "TestC::TestD::test_m",
            "d.test_a.TestC.TestD::test_m",
        ),
        (
            "d/test_a.py",
            "test_p[a::b/c.py]",
            "d.test_a::test_p[a::b/c.py]",
        ),
        (
            "d/test_a.py",
            "TestC::test_p[x[1]::y]",
            "d.test_a.TestC::test_p[x[1]::y]",
        ),
        ("README.md", "README.md", "README.md::README.md"),
    ] {
        assert_eq!(pytest.called(&test(suite, testcase)), called);
    }
}

#[test]
fn commands_that_no_system_starts_are_refused() {
    let tests: Vec<_> = (0..2000)
        .map(|n| test("a.test.js", &format!("{n}{}", "x".repeat(100))))
        .collect();
    let jest = Preset::named("jest").unwrap();
    assert_eq!(jest.call(&tests, &paths()), Err(NotSelected::TooLong));
    assert!(jest.call(&tests[..100], &paths()).is_ok());
    // CTest finds nothing with a longer pattern.
    let ctest = Preset::named("ctest").unwrap();
    assert_eq!(
        ctest.call(&tests[..600], &paths()),
        Err(NotSelected::TooLong)
    );
    assert!(ctest.call(&tests[..400], &paths()).is_ok());
    // A list file has room for all.
    for preset in ["vitest", "playwright", "pytest", "googletest"] {
        let call = Preset::named(preset)
            .unwrap()
            .call(&tests, &paths())
            .unwrap();
        assert!(call.list.unwrap().len() > 200_000);
    }
}
