//! Settings of a project that change collecting, stopping or distributing.

use std::time::Duration;

use testplan::{model::outcome::CaseVerdict, warm::NotCollected};

use super::stage::{Project, Way};

const LONG: Duration = Duration::from_secs(120);

const TWO: &str = "def test_a():\n    assert False\n\ndef test_b():\n    pass\n";

#[tokio::test(flavor = "multi_thread")]
async fn options_that_stop_or_distribute_do_not_matter() {
    let ini = "[pytest]\naddopts = -x -q --maxfail=1\n";
    let Some(project) = Project::of(&[("pytest.ini", ini), ("test_it.py", TWO)]) else {
        return;
    };
    let done = project.run(&Way::default()).await;
    assert_eq!(done.verdict("test_a"), "failed");
    assert_eq!(done.verdict("test_b"), "passed");
    if project.has("pytest-xdist") {
        for options in [
            "-n2 -x -q",
            "-n2 --dist=loadfile",
            "--dist=load --tx=2*popen",
        ] {
            let ini = format!("[pytest]\naddopts = {options}\n");
            std::fs::write(project.path("pytest.ini"), ini).unwrap();
            let done = project.run(&Way::default()).await;
            assert_eq!(done.verdict("test_b"), "passed", "{options}");
            assert_eq!(done.attempts.len(), 2, "{options}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn file_that_cannot_be_collected_is_named_and_others_run() {
    let skipping = "import pytest\n\npytest.skip('not here', allow_module_level=True)\n";
    let Some(project) = Project::of(&[
        ("test_broken.py", "import no_such_module\n"),
        ("test_it.py", TWO),
        ("test_skipped.py", skipping),
    ]) else {
        return;
    };
    let done = project.run(&Way::default()).await;
    assert_eq!(done.attempts.len(), 3);
    let attempt = done.attempt("(collection)");
    assert_eq!(done.verdict("(collection)"), "failed");
    let CaseVerdict::Error(error) = &attempt.cases[0].verdict else {
        panic!("{:?}", attempt.cases);
    };
    assert_eq!(
        error.message,
        "failed on collection: ModuleNotFoundError: No module named 'no_such_module'"
    );
    assert!(
        attempt.output_tail.contains("test_broken.py"),
        "{attempt:?}"
    );
    let [broken] = done.collected.broken.as_slice() else {
        panic!("{:?}", done.collected);
    };
    assert_eq!(broken.file, "test_broken.py");
    assert!(broken.text.contains("No module named 'no_such_module'"));
    let [skipped] = done.collected.skipped.as_slice() else {
        panic!("{:?}", done.collected);
    };
    assert_eq!(skipped.file, "test_skipped.py");
    assert!(skipped.text.contains("not here"), "{}", skipped.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn conftest_that_cannot_be_loaded_is_an_error_with_its_words() {
    let Some(project) = Project::of(&[("conftest.py", "1 / 0\n"), ("test_it.py", TWO)]) else {
        return;
    };
    let NotCollected::Failed(why) = project.refusal(&Way::default()).await else {
        panic!("pytest itself was found");
    };
    assert!(why.contains("ZeroDivisionError"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_need_another_loop_are_named() {
    let own_loop = "def pytest_runtestloop(session):\n    return True\n";
    let table = [
        ("--pdb", ""),
        ("--collect-only", ""),
        ("--setup-plan", ""),
        ("--stepwise", ""),
        ("", own_loop),
    ];
    for (option, conftest) in table {
        let ini = format!("[pytest]\naddopts = {option}\n");
        let Some(project) = Project::of(&[
            ("pytest.ini", &ini),
            ("conftest.py", conftest),
            ("test_it.py", TWO),
        ]) else {
            return;
        };
        let way = Way::default();
        let mut host = project.host(&way);
        let collected = host.collect(LONG).await.unwrap();
        let why = collected.obstacles.join("; ");
        assert_eq!(collected.ids.len(), 2, "they are listed all the same");
        let named = if option.is_empty() {
            "conftest.py"
        } else {
            option
        };
        assert!(why.contains(named), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_write_files_of_their_own() {
    let ini = "[pytest]\naddopts = --junitxml=own.xml --log-file=own.log --basetemp=temp\n";
    let tests = "import pytest, time\n\n@pytest.mark.parametrize('n', range(4))\ndef test_n(n, tmp_path):\n    \
                 (tmp_path / 'x').write_text('')\n    time.sleep(0.3)\n    assert (tmp_path / 'x').exists()\n";
    let Some(project) = Project::of(&[("pytest.ini", ini), ("test_it.py", tests)]) else {
        return;
    };
    let way = Way {
        workers: 2,
        ..Way::default()
    };
    let done = project.run(&way).await;
    assert!(
        done.verdicts().values().all(|verdict| verdict == "passed"),
        "{:?}",
        done.verdicts()
    );
    assert!(project.path("own.gw0-0.xml").exists() && project.path("own.gw0-0.log").exists());
    assert!(!project.path("own.xml").exists());
    assert!(project.path("temp/gw0-0").is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_do_not_see_how_they_are_run() {
    let tests = "import os, subprocess, sys\n\ndef test_environment():\n    assert 'TESTPLAN_SESSION' not in os.environ\n    \
                 assert 'PYTHONPATH' not in os.environ\n    assert not any('testplan-' in path for path in sys.path)\n\n\
                 def test_pytest_in_a_test(tmp_path):\n    (tmp_path / 'test_inner.py').write_text('def test_x(): pass')\n    \
                 command = [sys.executable, '-m', 'pytest', '-q', str(tmp_path)]\n    \
                 assert b'1 passed' in subprocess.run(command, capture_output=True).stdout\n\n\
                 def test_pytest_inside(pytester):\n    pytester.makepyfile('def test_x(): pass\\ndef test_y(): pass')\n    \
                 pytester.runpytest_inprocess('-p', 'no:randomly').assert_outcomes(passed=2)\n\ndef test_after():\n    pass\n";
    let conftest = "pytest_plugins = ['pytester']\n";
    let Some(project) = Project::of(&[("conftest.py", conftest), ("test_it.py", tests)]) else {
        return;
    };
    let done = project.run(&Way::default()).await;
    let passed = done
        .verdicts()
        .into_iter()
        .filter(|(_, verdict)| verdict == "passed");
    assert_eq!(passed.count(), 4, "{:?}", done.attempts);
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_as_errors_do_not_hit_the_plugin() {
    let ini = "[pytest]\naddopts = -W error -p no:asyncio\n";
    let Some(project) = Project::of(&[
        ("pytest.ini", ini),
        ("test_it.py", "def test_a():\n    pass\n"),
    ]) else {
        return;
    };
    let done = project.run(&Way::default()).await;
    assert_eq!(done.verdict("test_a"), "passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn id_of_two_items_is_run_as_one_and_reported() {
    let conftest = "def pytest_collection_modifyitems(items):\n    items.append(items[0])\n";
    let Some(project) = Project::of(&[("conftest.py", conftest), ("test_it.py", TWO)]) else {
        return;
    };
    let mut host = project.host(&Way::default());
    let collected = host.collect(LONG).await.unwrap();
    assert_eq!(collected.duplicates, ["test_it.py::test_a"]);
}
