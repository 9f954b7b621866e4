"""Runs the tests of this pytest process one after the other, as a host asks for them. PYTEST_DONT_REWRITE

The host starts pytest with `-p testplan_session` and TESTPLAN_SESSION in its environment. docs/session-protocol.md
describes the messages. Needs nothing but the standard library and pytest 7 or later.
"""

import hashlib
import json
import os
import socket
import sys
from collections import deque

import pytest
from _pytest import runner

VERSION = 1
# Most characters of one text. With the other texts of a result it stays far below the longest line.
LONGEST_TEXT = 64 * 1024
# Characters of names in one message.
NAMES_PER_LINE = 256 * 1024

# A test may replace these while its fixtures are still alive, which is when the next test is asked for.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode
_getpid = os.getpid
_fstat = os.fstat
_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)


def _text(value):
    """A text that the host can read, with its middle left out if it is long."""
    value = str(value)
    if len(value) > LONGEST_TEXT:
        half = LONGEST_TEXT // 2
        left_out = len(value) - 2 * half
        value = f"{value[:half]}\n[{left_out} characters left out]\n{value[-half:]}"
    return value


def _name(value):
    """A name as it is on the wire: a file name that is not UTF-8 holds characters that no JSON text can."""
    return value.encode("utf-8", "replace").decode("utf-8")


class Channel:
    """The connection to the host: JSON lines both ways. After a fork, only the parent uses it."""

    def __init__(self, settings):
        kind, _, address = settings["address"].partition(":")
        if kind == "unix":
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.connect(address)
        else:
            host, _, port = address.rpartition(":")
            self.socket = socket.create_connection((host, int(port)))
            self.socket.settimeout(None)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pid = _getpid()
        self.file = self._identity()
        self.incoming = b""
        self.outgoing = []
        self.is_open = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.close)

    def _identity(self):
        status = _fstat(self.socket.fileno())
        return status.st_dev, status.st_ino

    def _is_ours(self):
        """Whether the number of the connection still is the connection: a test may have closed it."""
        try:
            return self.is_open and _getpid() == self.pid and self._identity() == self.file
        except (OSError, ValueError):
            return False

    def close(self):
        self.is_open = False
        self.outgoing.clear()
        try:
            self.socket.close()
        except OSError:
            pass

    def later(self, message):
        """Sends it together with what is sent next."""
        self.outgoing.append(_encode(message))

    def send(self, message):
        self.later(message)
        self.flush()

    def flush(self):
        if not self.outgoing:
            return
        lines = "\n".join(self.outgoing) + "\n"
        self.outgoing.clear()
        if self._is_ours():
            try:
                self.socket.sendall(lines.encode("utf-8", "replace"))
                return
            except OSError:
                pass
        self.is_open = False

    def receive(self, wait=True):
        """The messages that are there; with `wait`, at least one. None if the host is gone."""
        self.flush()
        while True:
            lines, newline, rest = self.incoming.rpartition(b"\n")
            if newline:
                self.incoming = rest
                return [_decode(line.decode("utf-8")) for line in lines.split(b"\n")]
            if not self._is_ours():
                return None
            try:
                received = self.socket.recv(65536) if wait else self._at_hand()
            except BlockingIOError:
                return []
            except OSError:
                return None
            if not received:
                return None
            self.incoming += received

    def _at_hand(self):
        if _DONTWAIT:
            return self.socket.recv(65536, _DONTWAIT)
        self.socket.setblocking(False)
        try:
            return self.socket.recv(65536)
        finally:
            self.socket.setblocking(True)


class NextItem:
    """Stands for the item that follows, which is asked for when the first plugin wants to know."""

    def __init__(self, session):
        self._session = session

    def listchain(self):
        item = self._session.following_item()
        return item.listchain() if item is not None else []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._session.following_item(), name)


class Job:
    """A test that the host sent."""

    def __init__(self, message, items):
        self.number = message["n"]
        self.results = message.get("results")
        self.items = items


class WarmSession:
    """The plugin object: collects reports, and takes the place of pytest's loop over all items."""

    def __init__(self, config, channel, settings):
        self.config = config
        self.channel = channel
        self.settings = settings
        self.by_name = {}
        self.names = []
        self.deselected = 0
        self.jobs = deque()
        self.has_asked = False
        self.is_over = False
        # The test that runs, and the one after it: None if there is none or it is not known yet.
        self.job = None
        self.reports = []
        self.following = None
        self.is_following_known = False
        self.after_last = NextItem(self)
        self.exit = None
        self.original = None

    # Fixtures of pytest-xdist: tests that keep their databases or ports apart by them need them here too.

    @pytest.fixture(scope="session")
    def worker_id(self):
        """Name of the worker that runs the test."""
        return self.settings["worker"]

    @pytest.fixture(scope="session")
    def testrun_uid(self):
        """The same for all workers of a run."""
        return self.settings["run"]

    # Collection.

    def pytest_collectreport(self, report):
        if not report.failed and not report.skipped:
            return
        kind = "broken" if report.failed else "skipped_file"
        text = report.longreprtext
        if report.skipped and isinstance(report.longrepr, tuple):
            text = report.longrepr[2]
        self.channel.later({"t": kind, "file": _name(report.nodeid), "text": _text(text)})

    def pytest_deselected(self, items):
        self.deselected += len(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        for item in session.items:
            name = _name(item.nodeid)
            self.names.append(name)
            self.by_name.setdefault(name, []).append(item)
        digest = hashlib.sha256("\n".join(self.names).encode("utf-8")).hexdigest()
        duplicates = [name for name, items in self.by_name.items() if len(items) > 1]
        self.channel.send(
            {
                "t": "hello",
                "tool": "pytest " + pytest.__version__,
                "root": _name(str(getattr(self.config, "rootpath", ""))),
                "tests": len(self.names),
                "hash": digest,
                "duplicates": duplicates[:100],
                "deselected": self.deselected,
                "obstacles": obstacles(self.config),
            }
        )
        while True:
            job = self.take(is_teardown=False)
            if job is None:
                return True
            while job is not None:
                self.run(session, job)
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
                job = self.following

    def send_names(self):
        part, length = [], 0
        for name in self.names:
            part.append(name)
            length += len(name)
            if length >= NAMES_PER_LINE:
                self.channel.later({"t": "names", "names": part, "more": True})
                part, length = [], 0
        self.channel.send({"t": "names", "names": part, "more": False})

    # What comes next.

    def ask(self, is_teardown):
        if not self.has_asked and not self.jobs and not self.is_over:
            self.has_asked = True
            question = {"t": "next", "teardown": is_teardown}
            if is_teardown and any(report.failed for report in self.reports):
                question["failed"] = True
            self.channel.send(question)

    def take(self, is_teardown):
        """The next test. None at the end and, in a teardown, if the host has no test now."""
        while True:
            none_now = self.read(wait=False)
            while self.jobs:
                message = self.jobs.popleft()
                items = self.by_name.get(message["id"])
                if items:
                    return Job(message, items)
                self.channel.later({"t": "unknown", "n": message["n"]})
            if self.is_over or (none_now and is_teardown):
                self.channel.flush()
                return None
            self.ask(is_teardown)
            if self.read(wait=True) and is_teardown and not self.jobs:
                return None

    def read(self, wait):
        """Reads what the host sent. Whether it has no test now."""
        messages = self.channel.receive(wait)
        if messages is None:
            self.is_over = True
            return False
        none_now = False
        for message in messages:
            kind = message["t"]
            if kind == "run":
                self.jobs.append(message)
                self.has_asked = False
            elif kind == "none":
                none_now = True
                self.has_asked = False
            elif kind == "names":
                self.send_names()
            elif kind == "variables":
                os.environ.update(message["set"])
            elif kind == "end":
                self.is_over = True
        return none_now

    def following_item(self):
        """The item after the last one of the running test. Never fails: it is called inside a teardown."""
        if not self.is_following_known:
            self.is_following_known = True
            # The time that the host takes is not the test's: pytest-timeout must not count it.
            cancel = getattr(self.job.items[-1], "cancel_timeout", None) if self.job else None
            try:
                if cancel is not None:
                    cancel()
                self.following = self.take(is_teardown=True)
            except Exception as error:
                sys.stderr.write(f"testplan_session: {error!r}\n")
                self.is_over = True
        return self.following.items[0] if self.following is not None else None

    # One test.

    def run(self, session, job):
        self.job, self.reports = job, []
        self.following, self.is_following_known = None, False
        self.channel.send({"t": "started", "n": job.number})
        self.wrap()
        try:
            for index, item in enumerate(job.items):
                is_last = index + 1 == len(job.items)
                following = self.after_last if is_last else job.items[index + 1]
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.shouldfail or session.shouldstop:
                    break
        except BaseException as error:
            self.finish(job, why_interrupted(error))
            self.channel.flush()
            raise
        self.finish(job, None)
        if not self.is_following_known or session.shouldfail or session.shouldstop:
            self.channel.flush()

    def finish(self, job, interrupted):
        if self.channel.pid != _getpid():
            return
        self.job = None
        result = result_of(self.reports)
        result.update(t="result", n=job.number)
        if interrupted is not None:
            result["interrupted"] = interrupted
        if job.results is not None:
            write_junit(job.results, self.reports, result)
        self.channel.later(result)

    def wrap(self):
        """Passes plugins the item that really follows, or None, in place of the stand-in.

        A plugin may have put its own function there (flaky does): then that one is wrapped, and if it is used later, the
        stand-in still answers for the item.
        """
        if runner.call_and_report is not self.call_and_report:
            self.original = runner.call_and_report
            runner.call_and_report = self.call_and_report = self.wrapped(self.original)

    call_and_report = None

    def wrapped(self, original):
        def call_and_report(item, when, log=True, **named):
            if named.get("nextitem") is self.after_last:
                named["nextitem"] = self.following_item()
            return original(item, when, log, **named)

        return call_and_report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        # Asked as soon as the test itself has ended: the answer travels while its report is made.
        if call.when == "call" and call.excinfo is None and self.job and item is self.job.items[-1]:
            if not self.is_following_known and not self.channel.incoming:
                try:
                    self.read(wait=False)
                    self.ask(is_teardown=True)
                except Exception:
                    self.is_over = True

    def pytest_runtest_logreport(self, report):
        if self.job is not None:
            self.reports.append(report)

    # The end.

    def pytest_sessionfinish(self, exitstatus):
        self.exit = int(exitstatus)

    def pytest_unconfigure(self):
        if self.call_and_report is not None and runner.call_and_report is self.call_and_report:
            runner.call_and_report = self.original
        self.channel.send({"t": "bye", "exit": self.exit})
        self.channel.close()


def why_interrupted(error):
    if isinstance(error, KeyboardInterrupt):
        return "KeyboardInterrupt"
    if isinstance(error, pytest.exit.Exception):
        return "pytest.exit: " + _text(error)
    return "internal error: " + _text(repr(error))


def result_of(reports):
    """What the reports of one test say: the phases of its last attempt, and of the earlier ones what failed."""
    attempts = [[]]
    for report in reports:
        attempts[-1].append(report)
        if report.when == "teardown" and not is_subtest(report):
            attempts.append([])
    if not attempts[-1] and len(attempts) > 1:
        attempts.pop()
    last = attempts[-1]
    result = {"phases": [phase(report) for report in last if not is_subtest(report)]}
    subtests = [report for report in last if is_subtest(report)]
    if subtests:
        failed = [subtest(report) for report in subtests if report.failed]
        result["subtests"] = {"passed": sum(report.passed for report in subtests), "failed": failed[:100]}
    earlier = [phase(report) for attempt in attempts[:-1] for report in attempt if not report.passed]
    if earlier:
        result["earlier"] = earlier[:20]
    # Sections accumulate from phase to phase, and from attempt to attempt.
    if last and last[-1].sections:
        result["sections"] = [[_text(title), _text(text)] for title, text in last[-1].sections[-50:]]
    if last and not all(report.passed for report in last):
        file, line, _ = last[0].location
        result["file"] = _name(str(file))
        if line is not None:
            result["line"] = line + 1
    return bounded(result)


def bounded(result):
    """Shortens a result with many long texts, so that its line is never refused."""
    most = 1024 * 1024
    for key in ("earlier", "sections"):
        parts = result.get(key, ())
        while parts and len(_encode(parts)) > most:
            parts.pop(0)
    failed = result.get("subtests", {}).get("failed", ())
    while failed and len(_encode(failed)) > most:
        failed.pop()
    return result


def is_subtest(report):
    return type(report).__name__.lower() == "subtestreport"


def phase(report):
    entry = {"when": report.when, "outcome": report.outcome, "ms": round(report.duration * 1000, 3)}
    if hasattr(report, "wasxfail"):
        entry["xfail"] = _text(report.wasxfail)
    if report.longrepr is not None:
        describe(report, entry)
    return entry


def subtest(report):
    description = getattr(report, "_sub_test_description", None) or getattr(report, "sub_test_description", None)
    entry = {"name": _text(description()) if description else "(<subtest>)"}
    describe(report, entry)
    return entry


def describe(report, entry):
    longrepr = report.longrepr
    if isinstance(longrepr, tuple) and len(longrepr) == 3:
        entry["message"] = _text(longrepr[2])
        return
    text = _text(report.longreprtext)
    crash = getattr(longrepr, "reprcrash", None)
    if crash is not None:
        entry["message"] = _text(crash.message)
    else:
        lines = [line for line in text.splitlines() if line.strip()]
        entry["message"] = lines[-1] if lines else report.outcome
    entry["text"] = text


def write_junit(folder, reports, result):
    """Has pytest's own writer make the result file of one test."""
    from _pytest.junitxml import LogXML

    try:
        os.makedirs(folder, exist_ok=True)
        xml = LogXML(os.path.join(folder, "pytest.xml"), None, logging="all", family="xunit1")
        xml.pytest_sessionstart()
        for report in reports:
            xml.pytest_runtest_logreport(report)
        xml.pytest_sessionfinish()
    except Exception as error:
        result["no_results"] = _text(repr(error))


def obstacles(config):
    """Why this pytest cannot run its tests one by one."""
    option = config.option
    flags = {
        "usepdb": "--pdb waits for input",
        "collectonly": "--collect-only runs no test",
        "setuponly": "--setup-only runs no test",
        "setupplan": "--setup-plan runs no test",
        "stepwise": "--stepwise ends at a failure",
        "forked": "--forked runs each test in a process of its own",
    }
    found = [why for name, why in flags.items() if getattr(option, name, False)]
    if int(pytest.__version__.split(".")[0]) < 7:
        found.append(f"pytest {pytest.__version__} is older than 7")
    for implementation in config.hook.pytest_runtestloop.get_hookimpls():
        is_wrapper = implementation.hookwrapper or getattr(implementation, "wrapper", False)
        if not is_wrapper and implementation.plugin_name not in ("main", PLUGIN_NAME):
            found.append(f"the plugin {implementation.plugin_name} runs the tests its own way")
    return found


PLUGIN_NAME = "testplan_session_host"


def _connect():
    """Connects to the host, and hides the way from the processes that tests start."""
    text = os.environ.pop("TESTPLAN_SESSION", None)
    if text is None:
        return None, None
    settings = _decode(text)
    folder = settings["folder"]
    if settings.get("pythonpath") is None:
        os.environ.pop("PYTHONPATH", None)
    else:
        os.environ["PYTHONPATH"] = settings["pythonpath"]
    if folder in sys.path:
        sys.path.remove(folder)
    channel = Channel(settings)
    opening = {"t": "open", "v": VERSION, "pid": channel.pid, "secret": settings["secret"]}
    channel.send(opening)
    return channel, settings


_channel, _settings = _connect()


def _apart(path):
    """A file of this process in place of one that other processes of the run would write too."""
    root, extension = os.path.splitext(path)
    return f"{root}.{_settings['process']}{extension}"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config, args):
    if _channel is None:
        return
    # When to stop is up to the host; and pytest-xdist has no tests to give away here.
    args.append("--maxfail=0")
    if early_config.pluginmanager.hasplugin("xdist"):
        args.extend(["-n0", "--dist=no"])
    if early_config.pluginmanager.hasplugin("randomly"):
        if getattr(early_config.known_args_namespace, "randomly_seed", None) == "default":
            args.append(f"--randomly-seed={_settings['seed']}")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if _channel is None or hasattr(config, "workerinput"):
        return
    option = config.option
    if getattr(option, "basetemp", None):
        os.makedirs(option.basetemp, exist_ok=True)
        option.basetemp = os.path.join(str(option.basetemp), _settings["process"])
    for name in ("xmlpath", "log_file"):
        path = getattr(option, name, None)
        if path is None and name == "log_file" and config.pluginmanager.hasplugin("logging"):
            path = config.getini(name)
        if path:
            setattr(option, name, _apart(path))
    # How pytest-xdist's workers are told apart by code that has no fixture at hand.
    os.environ["PYTEST_XDIST_WORKER"] = _settings["worker"]
    os.environ["PYTEST_XDIST_TESTRUNUID"] = _settings["run"]
    if config.pluginmanager.hasplugin("django"):
        # The suffix of its test databases; for pytest-xdist it asks pytest-xdist alone.
        os.environ.setdefault("TOX_PARALLEL_ENV", _settings["worker"])
    config.pluginmanager.register(WarmSession(config, _channel, _settings), PLUGIN_NAME)
