#!/usr/bin/env python3
"""Compares `testplan run --workers 2` (runner: pytest) with `pytest -n 2` on public and generated suites.

    benches/pytest_suites.py TESTPLAN [PAIRS] [SUITE...]

TESTPLAN is the binary (`cargo build --profile dist`), PAIRS how often both run in turns (5), SUITE any of toolz, more-itertools,
networkx, empty and fixtures (all). Installs pinned packages from PyPI into a temporary folder, or into $BENCH_FOLDER, which is kept.
Checks first that names and verdicts equal those of plain pytest, that with one worker fixtures are set up and torn down in its order,
and that with two those of modules and sessions are set up at most twice more than with `--dist loadfile`; fails otherwise. Ratios are
medians of pairs, with the lowest and the highest; CPU time is that of all processes. `batches` is `mode: batch`, beside the same.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as xml

from paired_runs import print_ratios, timed

# What is downloaded, and what pytest is started with in it. Tests of more-itertools with 21,000 subtests are left out: they
# take longer than all others.
SUITES = {
    "toolz": ("toolz==1.2.0", ["toolz"], []),
    "more-itertools": ("more-itertools==11.2.1", ["tests"], ["-k", "not StrictlyNEqual and not Windowed and not Random"]),
    "networkx": ("networkx==3.6.1", ["networkx/classes"], []),
    "empty": (None, ["tests"], []),
    "fixtures": (None, ["tests"], []),
}

CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def of_session():
    yield 1

@pytest.fixture(scope="module", params=["a", "b"])
def of_module(of_session, request):
    yield request.param
"""


# A plugin that writes each set-up and teardown of a fixture to $FIXTURES.
PLUGIN = """
import os, pytest

def write(what, definition, node):
    with open(os.environ["FIXTURES"], "a") as file:
        file.write(f"{what} {definition.scope} {definition.baseid} {definition.argname} {node}\\n")

@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    write("set up", fixturedef, request.node.nodeid)

def pytest_fixture_post_finalizer(fixturedef, request):
    if fixturedef.cached_result is not None:
        write("tear down", fixturedef, "")
"""


def main():
    testplan, pairs = str(pathlib.Path(sys.argv[1]).resolve()), int((sys.argv[2:] or ["5"])[0])
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(os.environ.get("BENCH_FOLDER", temporary)).resolve()
        python = folder / "venv/bin/python"
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "pytest==9.2.0", "pytest-xdist==3.8.0"], check=True)
        results = [compare(testplan, str(python), folder, name, pairs) for name in sys.argv[3:] or SUITES]
    sys.exit(0 if all(results) else 1)


def prepare(python, folder, name):
    package, paths, options = SUITES[name]
    work = folder / name
    if not work.exists() and package:
        subprocess.run(
            [python, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "--dest", folder, package], check=True
        )
        archive = next(folder.glob(package.replace("==", "-").replace("-", "[-_]") + ".tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "sources")
        (folder / "sources" / archive.name.removesuffix(".tar.gz")).rename(work)
    elif not work.exists():
        generate(work, name)
    lists = {"program": [python, "-m", "pytest"], "args": options, "paths": paths}
    (work / "runner.json").write_text(json.dumps({"preset": "pytest", **lists}))
    return work, [python, "-m", "pytest", "-q", *options, *paths]


def generate(work, name):
    """30 files of 100 empty tests, or of 10 tests that use fixtures of their module and of the session."""
    (work / "tests").mkdir(parents=True)
    count, argument = (100, "") if name == "empty" else (10, "of_module")
    if argument:
        (work / "tests/conftest.py").write_text(CONFTEST)
    for number in range(30):
        tests = "".join(f"def test_{test}({argument}):\n    pass\n\n\n" for test in range(count))
        (work / f"tests/test_{number:02}.py").write_text(tests)


def configure(work, mode, options):
    """Writes a testplan.yml for a mode and returns its name. JSON is YAML."""
    runner = json.loads((work / "runner.json").read_text())
    runner.update(mode=mode, args=[*runner["args"], *options])
    name = f"testplan-{mode}-{len(options)}.yml"
    (work / name).write_text(json.dumps({"runner": runner}))
    return name


def fresh_run(command, work, variables=None):
    """Wall and CPU seconds of a command, without the results of an earlier run."""
    shutil.rmtree(work / "testplan-out", ignore_errors=True)
    return timed(command, work, variables)[0]


def verdicts(file):
    """The verdict of each name; a name may stand several times."""
    words = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    found = []
    for case in xml.parse(file).iter("testcase"):
        verdict = next((words[child.tag] for child in case if child.tag in words), "passed")
        found.append((case.get("classname"), case.get("name"), verdict))
    return sorted(found)


def fixtures(command, work):
    """The log of set-ups and teardowns."""
    log = work / "fixtures.log"
    log.unlink(missing_ok=True)
    fresh_run(command, work, {"FIXTURES": str(log), "PYTHONPATH": str(work.parent)})
    return log.read_text().splitlines() if log.exists() else []


def shared_set_ups(log):
    return sum(line.startswith(("set up session", "set up package", "set up module")) for line in log)


def check_fixtures(testplan, pytest, name, work):
    """Whether fixtures are set up and torn down as by plain pytest with one worker, and about as often as with loadfile with two."""
    (work.parent / "fixture_log.py").write_text(PLUGIN)
    options = ["-p", "fixture_log", "-p", "no:cacheprovider"]
    run = [testplan, "run", "--config", configure(work, "session", options), "--workers"]
    plain, ours = fixtures([*pytest, *options], work), fixtures([*run, "1"], work)
    loadfile = shared_set_ups(fixtures([*pytest, *options, "-n", "2", "--dist", "loadfile"], work))
    shared = shared_set_ups(fixtures([*run, "2"], work))
    same = "as with plain pytest" if plain == ours else "NOT as with plain pytest"
    print(f"{name}: {len(plain)} set-ups and teardowns, with one worker {same}; set-ups of shared fixtures {shared}, loadfile {loadfile}", flush=True)
    return plain == ours and shared <= loadfile + 2


def compare(testplan, python, folder, name, pairs):
    work, pytest = prepare(python, folder, name)
    run, theirs = [testplan, "run", "--workers", "2", "--config"], [*pytest, "-n", "2"]
    fresh_run([*pytest, "--junitxml=plain.xml"], work)
    expected = verdicts(work / "plain.xml")
    sound = check_fixtures(testplan, pytest, name, work)
    sides = {mode: [*run, configure(work, mode, [])] for mode in ("session", "batch")}
    for mode, ours in sides.items():
        fresh_run(ours, work)
        if verdicts(work / "testplan-out/junit.xml") != expected:
            print(f"{name}: {mode}: names or verdicts DIFFER", flush=True)
            sound = False
    times = [[fresh_run(command, work) for command in (theirs, *sides.values())] for _ in range(pairs)]
    for side, mode in enumerate(sides, 1):
        print_ratios(f"{name}: {len(expected)} tests, {mode}", times, side)
    return sound


main()
