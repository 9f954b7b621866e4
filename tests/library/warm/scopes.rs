//! Fixtures of all scopes, unittest, subtests, doctests: as plain pytest has them.

use std::collections::BTreeMap;

use super::stage::{Order, Project, Way};

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_and_fixtures_equal_plain_pytest_with_one_worker() {
    let Some(project) = Project::fixture("scopes") else {
        return;
    };
    let plain = project.plain();
    let done = project.run(&Way::default()).await;
    assert_eq!(plain.len(), 40);
    assert_eq!(done.verdicts(), plain);
    let (expected, traced) = (project.read("plain.txt"), project.read("trace.txt"));
    assert!(expected.lines().count() > 200, "{expected}");
    assert_eq!(
        traced.lines().collect::<Vec<_>>(),
        expected.lines().collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_set_up_is_torn_down_once_with_two_workers_in_any_order() {
    let Some(project) = Project::fixture("scopes") else {
        return;
    };
    let plain = project.plain();
    let way = Way {
        workers: 2,
        order: Order::Shuffled,
        ..Way::default()
    };
    let done = project.run(&way).await;
    let verdicts = done.verdicts();
    assert_eq!(
        verdicts.keys().collect::<Vec<_>>(),
        plain.keys().collect::<Vec<_>>()
    );
    // A broken teardown of a module, class or package is charged to whoever used it last in its process.
    let shared = [
        "test_late_module.py",
        "TestClass::",
        "sub/",
        "session_param",
        "test_both",
    ];
    for (id, verdict) in &plain {
        if !shared.iter().any(|part| id.contains(part)) {
            assert_eq!(&verdicts[id], verdict, "{id}");
        }
    }
    let mut alive: BTreeMap<String, i32> = BTreeMap::new();
    let trace = project.read("trace.txt");
    for line in trace.lines() {
        if let Some(what) = line.strip_prefix("set up ") {
            *alive.entry(what.to_owned()).or_default() += 1;
        } else if let Some(what) = line.strip_prefix("tear down ") {
            *alive.entry(what.to_owned()).or_default() -= 1;
        }
    }
    alive.retain(|_, count| *count != 0);
    assert!(alive.is_empty(), "{alive:?}");
    let sessions = trace.matches("set up session for session").count();
    assert!(
        sessions <= 2,
        "{sessions} session fixtures for two processes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failure_is_told_with_text_place_and_output() {
    let tests = "def test_fails():\n    print('some output')\n    assert 1 == 2, 'the reason'\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let way = Way {
        writes_results: true,
        ..Way::default()
    };
    let done = project.run(&way).await;
    let attempt = done.attempt("test_fails");
    let [case] = attempt.cases.as_slice() else {
        panic!("{:?}", attempt.cases);
    };
    assert_eq!(
        (case.classname.as_str(), case.name.as_str()),
        ("test_it", "test_fails")
    );
    assert_eq!(
        (case.file.as_deref(), case.line),
        (Some("test_it.py"), Some(1))
    );
    assert_eq!(case.output, "---- Captured stdout call ----\nsome output\n");
    let testplan::model::outcome::CaseVerdict::Failed(trouble) = &case.verdict else {
        panic!("{:?}", case.verdict);
    };
    assert_eq!(trouble.message, "AssertionError: the reason");
    assert_eq!(trouble.kind, "AssertionError");
    assert!(trouble.text.contains("test_it.py:3: AssertionError"));
    assert!(attempt.output_tail.contains("some output"));
    let log = project.read(&format!("out/{}", attempt.log.as_ref().unwrap()));
    assert!(log.contains("assert 1 == 2") && log.contains("some output"));
    let results = attempt.results.as_ref().unwrap().join("pytest.xml");
    let xml = std::fs::read_to_string(results).unwrap();
    assert!(
        xml.contains("tests=\"1\"") && xml.contains("the reason"),
        "{xml}"
    );
}
