#!/usr/bin/env python3
"""Compares `testplan run --workers 2` (runner: pytest) with `pytest -n 2` on public suites and on 3,000 empty tests.

    benches/pytest_suites.py TESTPLAN [PAIRS] [SUITE...]

TESTPLAN is the binary (`cargo build --release`), PAIRS how often both run in turns (5), SUITE any of toolz, more-itertools,
networkx and empty (all). Installs pinned packages from PyPI into a temporary folder, or into $BENCH_FOLDER, which is kept.
Checks first that names and verdicts equal those of plain pytest, and fails if they do not. Ratios are medians of pairs, with
the lowest and the highest; CPU time is that of all processes.
"""

import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import xml.etree.ElementTree as xml

# What is downloaded, and what pytest is started with in it. Tests of more-itertools with 21,000 subtests are left out: they
# take longer than all others.
SUITES = {
    "toolz": ("toolz==1.2.0", ["toolz"], []),
    "more-itertools": ("more-itertools==11.2.1", ["tests"], ["-k", "not StrictlyNEqual and not Windowed and not Random"]),
    "networkx": ("networkx==3.6.1", ["networkx/classes"], []),
    "empty": (None, ["tests"], []),
}


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
        (work / "tests").mkdir(parents=True)
        for number in range(30):
            tests = "".join(f"def test_{test}():\n    pass\n\n\n" for test in range(100))
            (work / f"tests/test_{number:02}.py").write_text(tests)
    lists = {"program": [python, "-m", "pytest"], "args": options, "paths": paths}
    keys = "".join(f"  {key}: {value!r}\n" for key, value in lists.items())
    (work / "testplan.yml").write_text(f"runner:\n  preset: pytest\n{keys}")
    return work, [python, "-m", "pytest", "-q", *options, *paths]


def timed(command, work):
    """Wall and CPU seconds of a command with all its children."""
    shutil.rmtree(work / "testplan-out", ignore_errors=True)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def verdicts(file):
    """The verdict of each name; a name may stand several times."""
    words = {"failure": "failed", "error": "failed", "skipped": "skipped"}
    found = []
    for case in xml.parse(file).iter("testcase"):
        verdict = next((words[child.tag] for child in case if child.tag in words), "passed")
        found.append((case.get("classname"), case.get("name"), verdict))
    return sorted(found)


def compare(testplan, python, folder, name, pairs):
    work, pytest = prepare(python, folder, name)
    ours, theirs = [testplan, "run", "--workers", "2"], [*pytest, "-n", "2"]
    timed([*pytest, "--junitxml=plain.xml"], work)
    expected = verdicts(work / "plain.xml")
    timed(ours, work)
    equal = verdicts(work / "testplan-out/junit.xml") == expected
    times = [(timed(theirs, work), timed(ours, work)) for _ in range(pairs)]
    line = f"{name}: {len(expected)} tests, names and verdicts {'equal' if equal else 'DIFFER'}"
    for number, what in enumerate(("wall", "CPU")):
        ratios = [pair[1][number] / pair[0][number] for pair in times]
        seconds = [statistics.median(pair[side][number] for pair in times) for side in (1, 0)]
        line += f"; {what} {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), {seconds[0]:.2f} s beside {seconds[1]:.2f}"
    print(line, flush=True)
    return equal


main()
