//! Ids of any kind, each run and answered under its own name.

use super::stage::{Order, Project, Way};

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_have_the_verdicts_of_plain_pytest() {
    let Some(project) = Project::fixture("names") else {
        return;
    };
    let plain = project.plain();
    let way = Way {
        order: Order::Shuffled,
        ..Way::default()
    };
    let done = project.run(&way).await;
    assert!(plain.len() > 100, "{}", plain.len());
    assert_eq!(done.verdicts(), plain);
    assert_eq!(done.collected.ids.len(), plain.len());
    assert_eq!(done.collected.duplicates, [""; 0]);
    assert_eq!(done.collected.tests().len(), plain.len());
    assert_eq!(done.collected.without_test(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_id_ends_alone() {
    let tests = "def test_a():\n    pass\n\ndef test_b():\n    pass\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let unknown = ["test_it.py::test_gone", "other.py::test_a"];
    let done = project.run_also(&Way::default(), &unknown).await;
    assert_eq!(done.verdict("test_b"), "passed");
    assert_eq!(
        done.verdict("test_gone"),
        "error: pytest has no test test_it.py::test_gone"
    );
    assert_eq!(done.attempts.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_that_one_process_alone_has_is_run_there() {
    let tests = "import os, time, pytest\n\ndef test_long():\n    time.sleep(1.5)\n\n\
                 @pytest.mark.parametrize('n', range(4))\ndef test_all(n):\n    time.sleep(0.1)\n\n\
                 @pytest.mark.parametrize('process', [os.getpid()])\ndef test_own(process):\n    assert process == os.getpid()\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let way = Way {
        workers: 2,
        ..Way::default()
    };
    let done = project.run(&way).await;
    let verdicts = done.verdicts();
    assert!(verdicts.values().all(|it| it == "passed"), "{verdicts:?}");
    assert_eq!(verdicts.len(), 6);
    assert!(
        done.released
            .iter()
            .all(|(id, why)| id.contains("test_own[")
                && why.ends_with("the one that listed it still runs")),
        "{:?}",
        done.released
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn list_of_many_names_arrives_whole() {
    let tests = "import pytest\n\n@pytest.mark.parametrize('n', range(9000), ids=lambda n: f'{n:0100}')\n\
                 def test_many(n):\n    pass\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    let mut host = project.host(&Way::default());
    let collected = host
        .collect(std::time::Duration::from_secs(120))
        .await
        .unwrap();
    assert_eq!(collected.ids.len(), 9000);
    assert!(collected.ids[8999].ends_with("8999]"));
}
