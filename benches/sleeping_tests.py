#!/usr/bin/env python3
"""Compares `testplan run --workers 8` with the shortest possible time, for 2,000 tests that sleep for 0.1 s.

    benches/sleeping_tests.py TESTPLAN [RUNS] [ROW...]

TESTPLAN is the binary (`cargo build --profile dist`), RUNS how often each row runs (3), ROW any of single, batches, known and sessions (all but
single, which takes five minutes). A start of the tool sleeps for a second. The shortest possible time is that of eight processes that each
start once and run an eighth of the tests: 26 s. Ratios to it are medians, with the lowest and the highest.

single: a process per test. batches: calls of many tests, in a plan that knows nothing of them. known: the same with the durations of an
earlier plan. sessions: processes that take one test after the other; with the argument `session` this file is such a process, by
docs/session-protocol.md.
"""

import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

TESTS, WORKERS, START, SLEEP = 2_000, 8, 1.0, 0.1
BOUND = START + TESTS * SLEEP / WORKERS
NAMES = [f"suite_{number // 100}.py::test_{number}" for number in range(TESTS)]
COMMAND = f"[{sys.executable}, {pathlib.Path(__file__).resolve()}"
LISTED = """project: sleeping
templates:
- title: sleeping
  tests:
  - discover: { command: [cat, list], line: '(?<suite>[^:]+)::(?<testcase>.+)' }
"""
BATCHES = f"""runner:
  command: {COMMAND}, batch, '{{results}}', '{{tests}}']
  test: '{{suite}}::{{testcase}}'
  results: {{ format: junit }}
{LISTED}"""
SINGLE = f"""runner:
  command: {COMMAND}, batch, '{{results}}', '{{suite}}::{{testcase}}']
  results: {{ format: junit }}
{LISTED}"""
SESSIONS = f"runner: {{ preset: pytest, mode: session, program: {COMMAND}, session] }}\n"
ROWS = {"single": SINGLE, "batches": BATCHES, "known": BATCHES, "sessions": SESSIONS}


def main():
    testplan, runs = str(pathlib.Path(sys.argv[1]).resolve()), int((sys.argv[2:] or ["3"])[0])
    for row in sys.argv[3:] or ["batches", "known", "sessions"]:
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            (work / "testplan.yml").write_text(ROWS[row])
            (work / "list").write_text("\n".join(NAMES))
            if row == "known":
                run(testplan, work)
            ratios = []
            for _ in range(runs):
                if row != "known":
                    shutil.rmtree(work / "testplan-out", ignore_errors=True)
                ratios.append(run(testplan, work) / BOUND)
            print(f"{row}: {statistics.median(ratios):.3f} ({min(ratios):.3f}-{max(ratios):.3f})", flush=True)


def run(testplan, work):
    began = time.monotonic()
    ended = subprocess.run([testplan, "--quiet", "run", "--workers", str(WORKERS)], cwd=work, capture_output=True, check=False)
    took = time.monotonic() - began
    cases = len(list(xml.parse(work / "testplan-out/junit.xml").iter("testcase")))
    if ended.returncode != 0 or cases != TESTS:
        sys.exit(f"exit code {ended.returncode}, {cases} tests\n{ended.stderr.decode()}")
    return took


def batch(results, *tests):
    time.sleep(START)
    cases = ""
    for test in tests:
        time.sleep(SLEEP)
        suite, name = test.split("::")
        cases += f'<testcase classname="{suite}" name="{name}" time="{SLEEP}"/>\n'
    pathlib.Path(results, "results.xml").write_text(f"<testsuite>\n{cases}</testsuite>\n")


def session(*_):
    facts = json.loads(os.environ["TESTPLAN_SESSION"])
    kind, _, place = facts["address"].partition(":")
    assert kind == "unix", "a system with Unix sockets is expected"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(place)
        lines = connection.makefile("r", encoding="utf-8")

        def send(kind, **more):
            connection.sendall((json.dumps({"t": kind, **more}) + "\n").encode())

        send("open", v=1, pid=os.getpid(), secret=facts["secret"])
        time.sleep(START)
        send("hello", tool="sleeping 1", tests=TESTS, hash="all")
        send("next", teardown=False)
        for line in lines:
            message = json.loads(line)
            if message["t"] == "names":
                send("names", names=NAMES, more=False)
            elif message["t"] == "run":
                send("started", n=message["n"])
                time.sleep(SLEEP)
                send("result", n=message["n"], phases=[{"when": "call", "outcome": "passed", "ms": SLEEP * 1000}])
                send("next", teardown=False)
            elif message["t"] == "end":
                break
        send("bye", exit=0)


if sys.argv[1] in ("batch", "session"):
    {"batch": batch, "session": session}[sys.argv[1]](*sys.argv[2:])
else:
    main()
