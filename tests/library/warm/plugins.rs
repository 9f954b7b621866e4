//! Plugins of pytest that change how tests run, each beside a warm pytest.

use testplan::model::outcome::CaseVerdict;

use super::stage::{Project, Way};

#[tokio::test(flavor = "multi_thread")]
async fn worker_id_tells_workers_apart_with_and_without_xdist() {
    let tests = "import os, time, pytest\n\n@pytest.mark.parametrize('n', range(4))\ndef test_n(n, worker_id, testrun_uid):\n    \
                 assert os.environ['PYTEST_XDIST_WORKER'] == worker_id\n    time.sleep(0.3)\n    \
                 open('workers', 'a').write(f'{worker_id} {testrun_uid}\\n')\n";
    for without in ["-pno:xdist", "-pno:nothing"] {
        let Some(project) = Project::of_tests(tests) else {
            return;
        };
        let way = Way {
            arguments: vec![without.to_owned()],
            workers: 2,
            ..Way::default()
        };
        let done = project.run(&way).await;
        assert!(
            done.verdicts().values().all(|verdict| verdict == "passed"),
            "{:?}",
            done.attempts
        );
        let workers = project.read("workers");
        let uids: std::collections::BTreeSet<_> = workers
            .lines()
            .map(|line| line.split_once(' ').unwrap().1)
            .collect();
        assert!(workers.contains("gw0 "), "{workers}");
        assert_eq!(uids.len(), 1, "{workers}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reruns_are_attempts_of_one_test() {
    let tests = "tries = []\n\ndef test_flaky():\n    tries.append(1)\n    print('try', len(tries))\n    assert len(tries) == 3\n\n\
                 def test_never():\n    assert False\n\ndef test_fine():\n    pass\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    if !project.has("pytest-rerunfailures") {
        return;
    }
    let way = Way {
        arguments: vec!["--reruns=2".to_owned(), "-pno:pytest-retry".to_owned()],
        ..Way::default()
    };
    let done = project.run(&way).await;
    assert_eq!(done.verdict("test_flaky"), "passed");
    let flaky = &done.attempt("test_flaky").cases;
    assert_eq!(flaky.len(), 1);
    assert_eq!(flaky[0].verdict, CaseVerdict::Passed { flaky: true });
    assert_eq!(done.verdict("test_never"), "failed");
    assert_eq!(done.attempt("test_never").cases.len(), 1);
    assert_eq!(done.verdict("test_fine"), "passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_limit_of_pytest_timeout_holds_for_its_test_alone() {
    let tests = "import time, pytest\n\n@pytest.mark.timeout(1)\ndef test_slow():\n    time.sleep(60)\n\n\
                 @pytest.mark.timeout(1, method='thread')\ndef test_slow_by_thread():\n    time.sleep(60)\n\ndef test_after():\n    pass\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    if !project.has("pytest-timeout") {
        return;
    }
    let done = project.run(&Way::default()).await;
    assert_eq!(done.verdict("test_slow"), "failed");
    assert_eq!(
        done.verdict("test_slow_by_thread"),
        "error: pytest ended (exit code 1) while this test ran"
    );
    assert_eq!(done.verdict("test_after"), "passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn event_loop_of_a_module_stays() {
    let tests = "import asyncio, pytest\n\nloops = []\npytestmark = pytest.mark.asyncio(loop_scope='module')\n\n\
                 async def test_first():\n    loops.append(asyncio.get_running_loop())\n\n\
                 async def test_second():\n    assert loops == [asyncio.get_running_loop()]\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    if !project.has("pytest-asyncio") {
        return;
    }
    let done = project.run(&Way::default()).await;
    assert_eq!(done.verdict("test_second"), "passed", "{:?}", done.attempts);
}

#[tokio::test(flavor = "multi_thread")]
async fn random_seed_is_one_for_all_processes() {
    let tests = "import os, random, time, pytest\n\n@pytest.mark.parametrize('n', range(6))\ndef test_n(n, request):\n    \
                 time.sleep(0.3)\n    open('seeds', 'a').write(f'{os.getpid()} {request.config.option.randomly_seed}\\n')\n";
    let Some(project) = Project::of_tests(tests) else {
        return;
    };
    if !project.has("pytest-randomly") {
        return;
    }
    let way = Way {
        keeps_randomly: true,
        workers: 2,
        ..Way::default()
    };
    let done = project.run(&way).await;
    assert_eq!(done.attempts.len(), 6);
    let seeds = project.read("seeds");
    let seeds: std::collections::BTreeSet<_> = seeds
        .lines()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    assert_eq!(seeds.len(), 1, "{seeds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn coverage_of_each_process_is_kept() {
    let tests = "import time, pytest\nimport code_to_cover\n\n@pytest.mark.parametrize('n', range(4))\ndef test_n(n):\n    \
                 time.sleep(0.3)\n    code_to_cover.twice(n)\n";
    let code = "def twice(n):\n    return 2 * n\n";
    let Some(project) = Project::of(&[("test_it.py", tests), ("code_to_cover.py", code)]) else {
        return;
    };
    if !project.has("pytest-cov") {
        return;
    }
    let way = Way {
        arguments: vec!["--cov=code_to_cover".to_owned()],
        workers: 2,
        ..Way::default()
    };
    let done = project.run(&way).await;
    assert_eq!(done.attempts.len(), 4);
    assert!(project.path(".coverage.gw0-0").exists());
    assert!(!project.path(".coverage").exists());
}
