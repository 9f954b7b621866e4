#!/usr/bin/env python3
"""Compares `testplan run --workers 2` with one call of the tool that uses two workers itself, for tools whose tests run in batches.

    benches/batched_suites.py TESTPLAN PACKAGES [PAIRS] [TOOL...]

TESTPLAN is the binary (`cargo build --profile dist`), PACKAGES a folder with node_modules of vitest, jest, mocha, @playwright/test and
@cucumber/cucumber, PAIRS how often all run in turns (5), TOOL any of those in TOOLS below (all). Node, cargo-nextest, CMake, a C++
compiler, GoogleTest, Robot Framework and pabot are expected on this machine. The JavaScript tools and Robot have 50 files of 8 tests
that wait for 100 ms, the others 60 tests that compute for 50 ms. testplan runs twice: whole, with the tool's own listing and nothing known of the tests, as in a fresh
job; and batches of 20 s, from a list of the tests and with durations of earlier plans. Fails if a test does not pass. Ratios to the
tool are medians of pairs, with the lowest and the highest; CPU time is that of all processes.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from paired_runs import print_ratios, timed

FILES, TESTS, COMPILED = 50, 8, 60
WAIT = "await new Promise(resolve => setTimeout(resolve, 100));"


def main():
    testplan, packages = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    pairs = int((sys.argv[3:] or ["5"])[0])
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[4:] or TOOLS:
            work = pathlib.Path(folder) / name
            work.mkdir()
            compare(str(testplan), name, TOOLS[name](work, packages / "node_modules"), work, pairs)


def compare(testplan, name, tool, work, pairs):
    runner, call = tool
    keys = "".join(f"  {key}: {value!r}\n" for key, value in runner.items())
    (work / "testplan.yml").write_text(f"runner:\n{keys}")
    listing = subprocess.run([testplan, "list", "--format", "json"], cwd=work, capture_output=True, check=True).stdout
    tests = json.loads(listing)["tests"]
    (work / "list").write_text("".join(f"{test['suite']}|{test['testcase']}\n" for test in tests))
    discover = {"command": ["cat", "list"], "line": "(?<suite>.*)[|](?<testcase>.*)"}
    templates = [{"title": "batches", "tests": [{"discover": discover}]}]
    (work / "batches.yml").write_text(f"runner:\n{keys}  batch: {{ target: 20s }}\nproject: batches\ntemplates: {templates}\n")
    run = [testplan, "run", "--workers", "2", "--out"]
    sides = {"whole run": [*run, "fresh"], "batches of 20 s": [*run, "known", "--config", "batches.yml"]}
    for command in (call, *sides.values()):
        passed_run(command, work)
    times = []
    for _ in range(pairs):
        shutil.rmtree(work / "fresh")
        times.append([passed_run(command, work) for command in (call, *sides.values())])
        for out in ("fresh", "known"):
            passed(work / out / "junit.xml", len(tests))
    for side, what in enumerate(sides, 1):
        print_ratios(f"{name}: {len(tests)} tests, {what}", times, side)


def passed_run(command, work):
    """Wall and CPU seconds of a command that must end with 0."""
    times, ended = timed(command, work)
    if ended.returncode != 0:
        sys.exit(f"{command}: exit code {ended.returncode}\n{ended.stderr.decode()[-2000:]}")
    return times


def passed(file, expected):
    cases = list(xml.parse(file).iter("testcase"))
    if len(cases) != expected or any(child.tag in ("failure", "error", "skipped") for case in cases for child in case):
        sys.exit(f"{file}: not all passed")


def javascript(work, modules, suffix, head):
    (work / "node_modules").symlink_to(modules)
    (work / "package.json").write_text("{}")
    for file in range(FILES):
        tests = "".join(f"test('test {number}', async () => {{ {WAIT} }});\n" for number in range(TESTS))
        (work / f"file_{file}{suffix}").write_text(head + tests)


def vitest(work, modules):
    javascript(work, modules, ".test.mjs", "import { test } from 'vitest';\n")
    program = ["node", str(modules / "vitest/vitest.mjs")]
    return {"preset": "vitest", "program": program}, [*program, "run", "--maxWorkers=2"]


def jest(work, modules):
    javascript(work, modules, ".test.js", "")
    program = ["node", str(modules / "jest/bin/jest.js")]
    return {"preset": "jest", "program": program}, [*program, "--maxWorkers=2"]


def playwright(work, modules):
    javascript(work, modules, ".spec.js", "const { test } = require('@playwright/test');\n")
    program = ["node", str(modules / "@playwright/test/cli.js")]
    return {"preset": "playwright", "program": program}, [*program, "test", "--workers=2"]


def mocha(work, modules):
    javascript(work, modules, ".spec.js", "const test = it;\n")
    (work / ".mocharc.json").write_text('{"spec": "*.spec.js"}')
    program = ["node", str(modules / "mocha/bin/mocha.js")]
    return {"preset": "mocha", "program": program}, [*program, "--parallel", "--jobs=2"]


def node_test(work, modules):
    javascript(work, modules, ".test.js", "const { test } = require('node:test');\n")
    return {"preset": "node-test"}, ["node", "--test", "--test-concurrency=2"]


def cucumber_js(work, modules):
    (work / "node_modules").symlink_to(modules)
    (work / "features").mkdir()
    step = f"require('@cucumber/cucumber').Given('it waits', async () => {{ {WAIT} }});\n"
    (work / "features/steps.js").write_text(step)
    for file in range(FILES):
        tests = "".join(f"  Scenario: test {number}\n    Given it waits\n" for number in range(TESTS))
        (work / f"features/file_{file}.feature").write_text(f"Feature: file {file}\n{tests}")
    program = ["node", str(modules / "@cucumber/cucumber/bin/cucumber.js")]
    return {"preset": "cucumber-js", "program": program}, [*program, "--parallel=2"]


def robot(work, _):
    (work / "suites").mkdir()
    tests = "".join(f"test {number}\n    Sleep    100ms\n" for number in range(TESTS))
    for file in range(FILES):
        (work / f"suites/file_{file}.robot").write_text(f"*** Test Cases ***\n{tests}")
    call = ["pabot", "--processes", "2", "--output", "NONE", "--log", "NONE", "--report", "NONE", "suites"]
    return {"preset": "robot", "paths": ["suites"]}, call


def nextest(work, _):
    (work / "src").mkdir()
    (work / "Cargo.toml").write_text('[package]\nname = "sixty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n')
    body = "let until = std::time::Instant::now() + std::time::Duration::from_millis(50); while std::time::Instant::now() < until {}"
    (work / "src/lib.rs").write_text("".join(f"#[test]\nfn test_{number}() {{ {body} }}\n" for number in range(COMPILED)))
    return {"preset": "nextest"}, ["cargo", "nextest", "run", "-j2"]


def googletest(work, _):
    build(work)
    program = str(work / "tests")
    return {"preset": "googletest", "program": [program]}, [program]


def ctest(work, _):
    build(work)
    tests = "".join(f"add_test([=[test {number}]=] {work}/tests --gtest_filter=Sixty.test_{number})\n" for number in range(COMPILED))
    (work / "CTestTestfile.cmake").write_text(tests)
    return {"preset": "ctest"}, ["ctest", "-j2"]


def build(work):
    clock = "std::chrono::steady_clock::now()"
    body = f"auto until = {clock} + std::chrono::milliseconds(50); while ({clock} < until) {{}}"
    tests = "".join(f"TEST(Sixty, test_{number}) {{ {body} }}\n" for number in range(COMPILED))
    (work / "tests.cc").write_text(f"#include <chrono>\n#include <gtest/gtest.h>\n{tests}")
    subprocess.run(["g++", "-o", "tests", "tests.cc", "-lgtest_main", "-lgtest", "-lpthread"], cwd=work, check=True)


TOOLS = {
    tool.__name__: tool
    for tool in (vitest, jest, playwright, mocha, node_test, cucumber_js, robot, nextest, ctest, googletest)
}
main()
