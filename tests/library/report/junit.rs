//! JUnit: ids, exactly one trouble per case, collapsed attempts, the schema.

use std::{collections::HashSet, path::PathBuf, process::Command};

use quick_xml::{Reader, XmlVersion, events::Event};
use testplan::{
    model::outcome::CaseVerdict,
    report::{
        PlanReport,
        junit::{Profile, render},
    },
};

use crate::report::story::{
    Worker, case, case_failed, case_passed, error, failed, flaky, nightly, passed, report,
};

const LINUX: &[&str] = &["OS=Linux"];

/// An element as read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub tag: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Self>,
}

impl Element {
    pub(crate) fn get(&self, name: &str) -> &str {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    pub(crate) fn all(&self, tag: &str) -> Vec<&Self> {
        let mut found: Vec<&Self> = self.children.iter().flat_map(|it| it.all(tag)).collect();
        if self.tag == tag {
            found.insert(0, self);
        }
        found
    }

    fn id(&self) -> (String, String) {
        (
            self.get("classname").to_owned(),
            self.get("name").to_owned(),
        )
    }

    fn tags(&self) -> Vec<&str> {
        self.children.iter().map(|it| it.tag.as_str()).collect()
    }
}

/// Parses strictly: only characters that XML 1.0 allows, tags that match, one root.
pub(crate) fn parse(xml: &[u8]) -> Element {
    let text = std::str::from_utf8(xml).unwrap();
    for c in text.chars() {
        assert!(
            matches!(c, '\n' | '\r' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..),
            "{c:?} is not allowed in XML"
        );
    }
    let mut reader = Reader::from_str(text);
    let mut stack = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => stack.push(element(&start)),
            Event::Empty(start) => {
                let element = element(&start);
                stack.last_mut().unwrap().children.push(element);
            }
            Event::End(_) => {
                let element = stack.pop().unwrap();
                stack.last_mut().unwrap().children.push(element);
            }
            Event::Text(part) => stack
                .last_mut()
                .unwrap()
                .text
                .push_str(&part.decode().unwrap()),
            Event::GeneralRef(reference) => {
                let name = reference.decode().unwrap();
                let resolved = match reference.resolve_char_ref().unwrap() {
                    Some(c) => c.to_string(),
                    None => quick_xml::escape::resolve_xml_entity(&name)
                        .unwrap()
                        .to_owned(),
                };
                stack.last_mut().unwrap().text.push_str(&resolved);
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(stack.len(), 1);
    let mut roots = stack.pop().unwrap().children;
    assert_eq!(roots.len(), 1);
    roots.remove(0)
}

fn element(start: &quick_xml::events::BytesStart<'_>) -> Element {
    Element {
        tag: String::from_utf8(start.name().as_ref().to_vec()).unwrap(),
        attributes: start
            .attributes()
            .map(|attribute| {
                let attribute = attribute.unwrap();
                (
                    String::from_utf8(attribute.key.as_ref().to_vec()).unwrap(),
                    attribute
                        .normalized_value(XmlVersion::Implicit1_0)
                        .unwrap()
                        .into_owned(),
                )
            })
            .collect(),
        ..Element::default()
    }
}

/// What must hold of every file.
pub(crate) fn check(root: &Element) {
    let cases = root.all("testcase");
    let ids: HashSet<_> = cases.iter().map(|case| case.id()).collect();
    assert_eq!(ids.len(), cases.len(), "ids are not unique");
    let count = |tag: &str| cases.iter().filter(|it| it.tags().contains(&tag)).count();
    assert_eq!(root.get("tests"), cases.len().to_string());
    assert_eq!(root.get("failures"), count("failure").to_string());
    assert_eq!(root.get("errors"), count("error").to_string());
    for case in cases {
        let troubles = case
            .tags()
            .iter()
            .filter(|tag| matches!(**tag, "failure" | "error" | "skipped"))
            .count();
        assert!(troubles <= 1, "{troubles} in {case:?}");
        assert!(!case.get("name").is_empty() && !case.get("classname").is_empty());
    }
}

fn read(report: &PlanReport, profile: Profile) -> Element {
    let root = parse(&render(report, profile).unwrap());
    check(&root);
    root
}

fn ids(root: &Element) -> Vec<String> {
    root.all("testcase")
        .iter()
        .map(|case| format!("{}::{}", case.get("classname"), case.get("name")))
        .collect()
}

/// Validates with xmllint where it and the schema are at hand.
pub(crate) fn validate(xml: &[u8]) {
    let schema = std::env::var_os("TESTPLAN_SHARED_DATA")
        .map(|folder| PathBuf::from(folder).join("junit-10.xsd"))
        .filter(|path| path.is_file());
    let Some(schema) = schema else {
        crate::skip::missing("TESTPLAN_SHARED_DATA names no folder with junit-10.xsd");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strict.xml");
    std::fs::write(&file, xml).unwrap();
    match Command::new("xmllint")
        .args(["--noout", "--huge", "--schema"])
        .args([&schema, &file])
        .output()
    {
        Ok(output) => assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => crate::skip::missing(&format!("xmllint cannot be started ({error})")),
    }
}

#[test]
fn strict_is_valid_against_the_schema() {
    validate(&render(&report(&nightly()), Profile::Strict).unwrap());
}

#[test]
fn both_profiles_hold_the_same_cases() {
    let report = report(&nightly());
    let (full, strict) = (
        read(&report, Profile::Default),
        read(&report, Profile::Strict),
    );
    assert_eq!(ids(&full), ids(&strict));
    assert_eq!(full.get("skipped"), "2");
    assert_eq!(strict.get("skipped"), "");
    assert!(!full.all("testcase")[0].all("property").is_empty());
    assert!(strict.all("testcase")[0].all("property").is_empty());
}

#[test]
fn default_is_read_back_by_the_crate_that_wrote_it() {
    let bytes = render(&report(&nightly()), Profile::Default).unwrap();
    let back = quick_junit::Report::deserialize(bytes.as_slice()).unwrap();
    let written = parse(&bytes);
    assert_eq!(back.tests.to_string(), written.get("tests"));
    let names: Vec<&str> = back
        .test_suites
        .iter()
        .flat_map(|suite| &suite.test_cases)
        .map(|case| case.name.as_str())
        .collect();
    let cases = written.all("testcase");
    assert!(
        names.iter().eq(cases
            .iter()
            .map(|case| case.get("name"))
            .collect::<Vec<_>>()
            .iter())
    );
}

#[test]
fn unique_ids_stay_as_the_tool_wrote_them() {
    let worker = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends_with(
            1,
            passed(),
            vec![
                case_passed("tests.test_api.TestX", "test_get[a|<b>]"),
                case_passed("tests.test_api.TestX", "  test_put"),
            ],
            "",
        )
        .counted(1);
    assert_eq!(
        ids(&read(&report(&[worker]), Profile::Default)),
        [
            "tests.test_api.TestX::test_get[a|<b>]",
            "tests.test_api.TestX::  test_put"
        ]
    );
}

#[test]
fn equal_ids_are_told_apart_by_labels_then_by_number() {
    let windows: &[&str] = &["OS=Windows"];
    let twice = || vec![case_passed("t", "x"), case_passed("t", "x")];
    let worker = Worker::begins("a", LINUX, 4)
        .plans(&[
            (1, "s", "c", LINUX),
            (2, "s", "c", windows),
            (3, "s", "c", windows),
            (4, "s", "c", &[]),
        ])
        .takes(1, Some(1))
        .ends_with(
            1,
            passed(),
            vec![case_passed("t", "x"), case_passed("t", "y")],
            "",
        )
        .counted(1)
        .takes(2, Some(1))
        .ends_with(2, passed(), vec![case_passed("t", "x")], "")
        .counted(2)
        .takes(3, Some(1))
        .ends_with(3, passed(), twice(), "")
        .counted(3)
        .runs(4, 1, passed());
    assert_eq!(
        ids(&read(&report(&[worker]), Profile::Strict)),
        [
            "s::c",
            "t [OS=Linux]::x",
            "t::y",
            "t [OS=Windows]::x (execution 2)",
            "t [OS=Windows]::x (execution 3)",
            "t [OS=Windows]::x (execution 3) #2",
        ]
    );
}

#[test]
fn attempts_collapse_into_one_case() {
    let flaky = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends_with(
            1,
            failed(),
            vec![case_passed("t", "a"), case_failed("t", "b", "no")],
            "",
        )
        .counted(1)
        .resets(1)
        .takes(1, Some(2))
        .ends_with(
            1,
            passed(),
            vec![case_passed("t", "a"), case_passed("t", "b")],
            "",
        )
        .counted(1);
    let root = read(&report(&[flaky]), Profile::Strict);
    let cases = root.all("testcase");
    assert_eq!(cases.len(), 2);
    assert!(cases[0].all("flakyFailure").is_empty());
    assert_eq!(cases[1].tags(), ["flakyFailure"]);
    assert_eq!(cases[1].children[0].get("message"), "no");
    assert_eq!(cases[1].children[0].get("type"), "AssertionError");

    let failing = Worker::begins("a", LINUX, 1)
        .runs(1, 1, error())
        .resets(1)
        .runs(1, 2, failed())
        .resets(1)
        .runs(1, 3, failed());
    let root = read(&report(&[failing]), Profile::Strict);
    assert_eq!(
        root.all("testcase")[0].tags(),
        ["failure", "rerunError", "rerunFailure", "system-err"]
    );
}

#[test]
fn the_tools_own_flakiness_shows() {
    let worker = Worker::begins("a", LINUX, 1).runs(1, 1, flaky());
    let root = read(&report(&[worker]), Profile::Strict);
    assert_eq!(root.all("testcase")[0].tags(), ["flakyFailure"]);
}

#[test]
fn failure_of_an_earlier_try_is_that_of_the_flaky_failure() {
    let mut case = case_passed("group", "case");
    case.verdict = CaseVerdict::Passed { flaky: true };
    case.output =
        "testplan: it failed before it passed\n\nEarlier try: timed out\nat line 5".into();
    let worker = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends_with(1, flaky(), vec![case], "")
        .counted(1)
        .leaves();
    for profile in [Profile::Strict, Profile::Default] {
        let root = read(&report(std::slice::from_ref(&worker)), profile);
        let found = root.all("flakyFailure");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].get("message"), "timed out");
        assert!(found[0].text.contains("at line 5"), "{}", found[0].text);
    }
}

#[test]
fn a_recovered_lease_is_a_note_not_a_flake() {
    let report = report(&nightly());
    let root = read(&report, Profile::Strict);
    let lost = root
        .all("testcase")
        .into_iter()
        .find(|case| case.get("name") == "tst_lost")
        .unwrap();
    assert_eq!(lost.tags(), ["system-err"]);
    assert_eq!(
        lost.children[0].text,
        "testplan: lease lost on worker linux-1, recovered by worker linux-2"
    );
}

#[test]
fn what_no_case_tells_gets_a_case_of_its_own() {
    // A coverage threshold fails the tool while every case passes; a crash errs after some cases passed.
    for (outcome, tag) in [(failed(), "failure"), (error(), "error")] {
        let worker = Worker::begins("a", LINUX, 1)
            .takes(1, Some(1))
            .ends_with(1, outcome, vec![case_passed("t", "a")], "")
            .counted(1);
        let root = read(&report(&[worker]), Profile::Strict);
        assert_eq!(ids(&root), ["t::a", "suite::case 1"]);
        assert_eq!(root.all("testcase")[1].tags(), [tag]);
    }
}

#[test]
fn missing_executions_are_errors() {
    let worker = Worker::begins("a", LINUX, 5).takes(1, Some(1));
    let root = read(&report(&[worker]), Profile::Strict);
    assert_eq!(root.get("errors"), "2");
    let cases = root.all("testcase");
    assert!(
        cases[0].children[0]
            .get("message")
            .contains("worker a was killed")
    );
    assert_eq!(
        cases[1].children[0].get("message"),
        "planned executions without a counted result: 4"
    );
}

#[test]
fn the_end_of_the_output_is_on_the_case_that_failed() {
    let output = format!("{}the reason\n", "noise\n".repeat(100_000));
    let worker = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends_with(
            1,
            failed(),
            vec![
                case_passed("t", "a"),
                case("t", "b", CaseVerdict::Failed(<_>::default())),
            ],
            &output,
        )
        .counted(1);
    let root = read(&report(&[worker]), Profile::Default);
    let outputs = root.all("system-out");
    assert_eq!(outputs.len(), 1);
    assert!(outputs[0].text.ends_with("the reason\n") && outputs[0].text.len() < 70_000);
    let cases = root.all("testcase");
    assert_eq!(cases[0].tags(), ["properties"]);
    assert_eq!(cases[1].tags(), ["failure", "system-out"]);
}

#[test]
fn attachments_are_lines_of_the_output_in_both_profiles() {
    let mut broken = case_failed("suite", "case", "no");
    broken.output = "said".to_owned();
    broken.attachments = [
        "results/a b.png",
        "results/<&>.log",
        "no]]t",
        "results/\u{1b}[31mred\n.png",
    ]
    .map(str::to_owned)
    .into();
    let mut quiet = case_passed("suite", "quiet");
    quiet.attachments = vec!["results/c.png".to_owned()];
    let worker = Worker::begins("a", LINUX, 1)
        .takes(1, Some(1))
        .ends_with(1, failed(), vec![broken, quiet], "tail")
        .counted(1)
        .leaves();
    let report = report(&[worker]);
    for profile in [Profile::Default, Profile::Strict] {
        let xml = render(&report, profile).unwrap();
        let root = parse(&xml);
        let outputs: Vec<&str> = root
            .all("system-out")
            .iter()
            .map(|it| it.text.as_str())
            .collect();
        assert_eq!(
            outputs,
            [
                "said\n[[ATTACHMENT|results/a b.png]]\n[[ATTACHMENT|results/<&>.log]]\n\
                 [[ATTACHMENT|results/red .png]]",
                "[[ATTACHMENT|results/c.png]]",
            ]
        );
    }
    validate(&render(&report, Profile::Strict).unwrap());
}
