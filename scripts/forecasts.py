#!/usr/bin/env python3
"""Measures how far the predicted end of real plans is off when half of their time is over.

    scripts/forecasts.py TESTPLAN [--plans 20] [--at-once 4] [--seed 1]

TESTPLAN is the binary. A service runs plans of five templates on workers whose tests sleep, each in a process of its own: durations are lognormal, a plan runs on
machines faster or slower than those before, and each template has 40 to 160 tests. The first plan of a template has no history, and every second template gets new
tests with each plan. The JSON of each plan is read every 100 ms for `ends_dt`. Prints a line for each plan and the median of the errors, as a share of the time that
was left; exit code 1 if it is above 15 %. Loopback only; it takes about two minutes.
"""

import argparse
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TOKEN = "for-this-run-alone"
TEMPLATES = 5
MOST = 0.15


class Service:
    """A service of its own in a folder."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TESTCENTER_TOKEN": TOKEN, "LANG": "C.UTF-8"}
        (folder / "sleep.sh").write_text('exec sleep "$(cat "$1/$2/$3")"\n')

    def start(self, file):
        self.write("testplan.yml", file)
        log = open(self.folder / "service.log", "w")
        command = [self.binary, "serve", "--listen", "127.0.0.1:0", "--data", "data", "--durability", "normal"]
        self.process = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        self.url = line.split("listening on ")[1].split()[0]
        self.env["TESTCENTER_URL"] = self.url

    def write(self, name, file):
        (self.folder / name).write_text(json.dumps(file))

    def plan_page(self, plan):
        request = urllib.request.Request(f"{self.url}/plans/{plan}.json", headers={"Authorization": f"Token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def testplan(self, *arguments):
        done = subprocess.run([self.binary, *arguments], cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode not in (0, 1):
            raise SystemExit(f"testplan {' '.join(arguments)} ended with exit code {done.returncode}: {done.stderr}")
        return done.stdout


def config(folder, templates):
    listed = [{"title": title, "tests": [{"suite": "s", "testcases": sorted(tests)}]} for title, tests in templates.items()]
    command = ["sh", str(folder / "sleep.sh"), str(folder), "{plan.id}", "{testcase}"]
    return {"project": "forecasts", "runner": {"command": command, "results": {"format": "exit-code"}}, "templates": listed}


def new_tests(pick, title, many, first=0):
    mean = pick.uniform(0.1, 0.5)
    return {f"{title}_{first + n:04}": mean * math.exp(pick.gauss(0, 0.8)) for n in range(many)}


def watch(service, plan, samples, ended):
    """Notes what is predicted until the plan has ended."""
    while not ended.is_set():
        page = service.plan_page(plan)
        if "ends_dt" in page:
            samples.append((time.time(), page["ends_dt"] / 1000))
        time.sleep(0.1)


def one_plan(service, number, title, tests, workers, pick):
    name = f"plan-{number}.yml"
    service.write(name, config(service.folder, {title: tests}))
    service.testplan("publish", "--config", name)
    done = json.loads(service.testplan("execute", "--config", name, "--title", f"plan {number}", "--batch", f"b{number}", "--format", "json"))
    plan = done["plan_id"]
    machine, durations = math.exp(pick.gauss(0, 0.2)), service.folder / str(plan)
    durations.mkdir()
    for test, usual in tests.items():
        (durations / test).write_text(f"{usual * machine * math.exp(pick.gauss(0, 0.2)):.3f}")
    samples, ended = [], threading.Event()
    watcher = threading.Thread(target=watch, args=(service, plan, samples, ended))
    began = time.time()
    watcher.start()
    service.testplan("work", "--config", name, "--plan-id", str(plan), "--workers", str(workers), "--out", f"out-{number}", "--quiet")
    end = time.time()
    ended.set()
    watcher.join()
    middle = (began + end) / 2
    before = [ends for at, ends in samples if at <= middle]
    if not before:
        raise SystemExit(f"plan {plan} had no predicted end at half time")
    error = abs(before[-1] - end) / (end - middle)
    print(f"{title} plan {number}: {len(tests)} tests on {workers} workers took {end - began:.1f} s, at half time {100 * error:.1f} % off", flush=True)
    return error


def template_plans(service, index, plans, seed, errors):
    pick = random.Random(f"{seed} {index}")
    title = f"template{index}"
    tests = new_tests(pick, title, pick.randrange(40, 161))
    for turn in range(plans):
        number = index + 1 + turn * TEMPLATES
        if turn > 0 and index % 2 == 0:
            tests |= new_tests(pick, title, len(tests) // 8, first=len(tests))
        errors.append(one_plan(service, number, title, tests, pick.randrange(2, 9), pick))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("testplan", type=pathlib.Path)
    parser.add_argument("--plans", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        service = Service(str(options.testplan.resolve()), pathlib.Path(place))
        service.start(config(service.folder, {"none": {"none": 0.0}}))
        errors, gate, failures = [], threading.Semaphore(options.at_once), []

        def gated(index, plans):
            with gate:
                try:
                    template_plans(service, index, plans, options.seed, errors)
                except BaseException as error:  # Also SystemExit, which would end this thread alone.
                    failures.append(error)

        shares = [options.plans // TEMPLATES + (index < options.plans % TEMPLATES) for index in range(TEMPLATES)]
        threads = [threading.Thread(target=gated, args=(index, share)) for index, share in enumerate(shares)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            service.process.terminate()
            service.process.wait()
    if failures:
        raise SystemExit(f"error: {failures[0]}")
    median = statistics.median(errors)
    print(f"{len(errors)} plans: median {100 * median:.1f} %, highest {100 * max(errors):.1f} %")
    sys.exit(0 if median <= MOST else 1)


if __name__ == "__main__":
    main()
