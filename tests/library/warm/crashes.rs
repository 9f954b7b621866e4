//! Tests that take their process along: each costs itself alone.

use super::stage::{Project, Way};

const AROUND: &str = "import os, signal, sys\nimport pytest\n\ndef test_before():\n    pass\n\n";
const AFTER: &str = "\n\ndef test_after():\n    pass\n\ndef test_last():\n    pass\n";

async fn run_with(test: &str) -> Option<super::stage::Done> {
    let project = Project::of_tests(&format!("{AROUND}{test}{AFTER}"))?;
    let done = project.run(&Way::default()).await;
    for name in ["test_before", "test_after", "test_last"] {
        assert_eq!(done.verdict(name), "passed", "{name}");
    }
    Some(done)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_process_costs_the_running_test_alone() {
    let test = "def test_it():\n    os.kill(os.getpid(), signal.SIGKILL)";
    let Some(done) = run_with(test).await else {
        return;
    };
    let [(id, reason)] = done.released.as_slice() else {
        panic!("it runs twice: {:?}", done.released);
    };
    assert_eq!(id, "test_it.py::test_it");
    assert!(
        reason.ends_with("while this test ran; it runs once more, by itself"),
        "{reason}"
    );
    let verdict = done.verdict("test_it");
    let expected = "error: pytest ended (killed by SIGKILL (9): often the system, out of memory) while this test ran";
    assert_eq!(verdict, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_whose_process_is_killed_from_outside_passes_the_second_time() {
    let test = "def test_it():\n    if not os.path.exists('killed'):\n        open('killed', 'w').close()\n        \
                os.kill(os.getpid(), signal.SIGKILL)";
    let Some(done) = run_with(test).await else {
        return;
    };
    assert_eq!(done.verdict("test_it"), "passed");
    assert_eq!(done.released.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_with_zero_inside_a_test_is_no_pass() {
    let Some(done) = run_with("def test_it():\n    os._exit(0)").await else {
        return;
    };
    let verdict = done.verdict("test_it");
    assert_eq!(
        verdict,
        "error: pytest ended (exit code 0) while this test ran"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_in_a_module_teardown_is_charged_to_the_last_user() {
    let Some(project) = Project::of(&[
        (
            "test_a.py",
            "import os\n\ndef teardown_module():\n    os._exit(3)\n\ndef test_first():\n    pass\n\ndef test_last():\n    pass\n",
        ),
        ("test_b.py", "def test_innocent():\n    pass\n"),
    ]) else {
        return;
    };
    let done = project.run(&Way::default()).await;
    assert_eq!(done.verdict("test_first"), "passed");
    assert_eq!(
        done.verdict("test_last"),
        "error: pytest ended (exit code 3) while this test ran"
    );
    assert_eq!(done.verdict("test_innocent"), "passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_comes_with_its_stack() {
    let test = "def test_it():\n    import ctypes\n    ctypes.string_at(0)";
    let Some(done) = run_with(test).await else {
        return;
    };
    let tail = &done.attempt("test_it").output_tail;
    assert!(
        tail.contains("Segmentation fault") && tail.contains("in test_it"),
        "{tail}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupts_inside_a_test_cost_it_alone() {
    let table = [
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("pytest.exit('enough')", "pytest.exit: enough"),
        (
            "os.kill(os.getpid(), signal.SIGINT)\n    import time; time.sleep(9)",
            "KeyboardInterrupt",
        ),
    ];
    for (statement, why) in table {
        let Some(done) = run_with(&format!("def test_it():\n    {statement}")).await else {
            return;
        };
        let expected = format!("error: the test ended its session: {why}");
        assert_eq!(done.verdict("test_it"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn session_that_a_test_stops_goes_on_in_another_process() {
    let test = "def test_it(request):\n    request.session.shouldstop = 'I have seen enough'";
    let Some(done) = run_with(test).await else {
        return;
    };
    assert_eq!(done.verdict("test_it"), "passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn forked_child_that_returns_into_pytest_does_not_speak() {
    let test = "def test_it():\n    os.fork()";
    let Some(done) = run_with(test).await else {
        return;
    };
    assert_eq!(done.verdict("test_it"), "passed");
    assert_eq!(done.attempts.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_that_closes_all_files_is_charged_with_it() {
    let test = "def test_it():\n    os.closerange(3, 100)";
    let Some(done) = run_with(test).await else {
        return;
    };
    let verdict = done.verdict("test_it");
    assert!(verdict.starts_with("error: pytest "), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_functions_do_not_disturb_the_channel() {
    let test = "def test_it(monkeypatch):\n    import json, socket\n    monkeypatch.setattr(os, 'getpid', lambda: 1)\n    \
                monkeypatch.setattr(json, 'dumps', None)\n    monkeypatch.setattr(socket, 'socket', None)\n    os.chdir('/')\n    socket.setdefaulttimeout(0.001)";
    let Some(done) = run_with(test).await else {
        return;
    };
    assert_eq!(done.verdict("test_it"), "passed");
}
