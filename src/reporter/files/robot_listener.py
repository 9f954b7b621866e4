"""Listener for Robot Framework: lists the tests for TESTPLAN_LISTING, or writes an event stream."""
import testplan_events as events
from robot.version import get_version

ROBOT_LISTENER_API_VERSION = 3

# Robot Framework gives these to a test that it did not run, and to the one that it interrupted.
NOT_RUN = "robot:exit"
INTERRUPTED = "Execution terminated by signal"

_state = {"started": False, "count": 0, "interrupted": False, "broken": []}
# Each test that has run: what its lines begin with, its result, and the status that was written.
_ended = []


def start_suite(data, result):
    if _state["started"]:
        return
    _state["started"] = True
    if events.listing:
        events.write_listing([(events.file(test.source), test.name) for test in tests_of(data)], _state["broken"])
        # The listing is complete: there is nothing to run.
        data.suites.clear()
        data.tests.clear()
        data.setup = data.teardown = None
    else:
        events.write("run_start", v=1, tool=f"Robot Framework {get_version()}")


def start_test(data, result):
    _state["count"] += 1
    _state["line"] = {
        "id": str(_state["count"]),
        "file": events.file(data.source),
        "titles": [events.clean(data.name)],
        "line": data.lineno,
    }
    events.write("test_start", **_state["line"])


def end_test(data, result):
    line = _state["line"]
    if NOT_RUN in result.tags:
        events.write("test_end", **line)
    elif result.message.startswith(INTERRUPTED):
        _state["interrupted"] = True
    else:
        _ended.append([line, result, result.status])
        write_end(line, result)


def end_suite(data, result):
    """A failed clean-up of a suite changes the results of its tests."""
    for ended in _ended:
        line, test, status = ended
        if test.status != status:
            ended[2] = test.status
            write_end(line, test)


def message(message):
    if events.listing and message.level == "ERROR":
        _state["broken"].append(message.message)


def close():
    if not events.listing and _state["started"] and not _state["interrupted"]:
        events.write("run_end")


def tests_of(suite):
    for test in suite.tests:
        yield test
    for inner in suite.suites:
        yield from tests_of(inner)


def write_end(line, test):
    status = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}.get(test.status, "error")
    words = {}
    if status == "skipped":
        words = {"message": events.cut(test.message, events.MOST_MESSAGE)}
    elif status != "passed":
        # `Parent suite setup failed:` has the cause on the next line.
        first = test.message.replace(" failed:\n", " failed: ", 1).split("\n", 1)[0]
        words = events.failure(first, text=test.message)
    events.write("test_end", **line, status=status, ms=test.elapsedtime, **words)
