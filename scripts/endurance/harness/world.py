"""A service, a forwarder before it, plans with real tests, and what was collected about them."""

import asyncio
import json
import os
import pathlib
import random
import shutil
import tempfile
import time

from . import checks, messages
from .evidence import Evidence
from .forwarder import Forwarder
from .processes import Service, Sessions, Worker

# A test notes that it began, takes a while, and notes how it ended. What it does depends on its process number, so that a repeated
# run of the same test may end differently: the verdict that counts must be that of the run whose result counted.
TEST = """#!/bin/sh
rest=${TESTPLAN_RESULTS##*/}; rest=${rest#*-}; rest=${rest#*-}; attempt=${rest%%-*}
read -r up rest < /proc/uptime
echo "b $TESTPLAN_EXECUTION_ID $attempt $up" >> "RUNS/$TESTPLAN_PLAN_ID"
kind=$1
[ $kind != mixed ] || case $(( $$ / 3 % 10 )) in 0|1) kind=failing;; 2) kind=skipping;; esac
verdict=passed inner=
case $kind in
failing) verdict=failed inner='<failure message="as planned"/>';;
skipping) verdict=skipped inner='<skipped message="as planned"/>';;
esac
case $(( $$ % 16 )) in 0) sleep 1.5;; 1|2|3|4|5) sleep 0.3;; 6|7|8|9|10) sleep 0.1;; esac
echo "<testsuite name='$1'><testcase classname='$1' name='$2'>$inner</testcase></testsuite>" > "$TESTPLAN_RESULTS/r.xml"
read -r up rest < /proc/uptime
echo "e $TESTPLAN_EXECUTION_ID $attempt $up $verdict" >> "RUNS/$TESTPLAN_PLAN_ID"
[ $verdict != failed ] || exit 1
"""

LEASE = 3


class Plan:
    """A plan that was started, and its workers."""

    def __init__(self, number, kind, planned, folder):
        self.number, self.kind, self.planned, self.folder = number, kind, planned, folder
        self.workers, self.raw_clients = [], 0
        self.code = self.outcome = None


class World:
    def __init__(self, testplan, seed, templates, faulty=0.0, keep=False):
        self.testplan = str(pathlib.Path(testplan).resolve())
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="testplan-endurance-"))
        self.runs = self.folder / "runs"
        self.runs.mkdir()
        self.random, self.keep = random.Random(seed), keep
        self.templates = templates
        self.evidence = Evidence()
        self.forwarder = Forwarder(self.evidence, seed, faulty)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        self.sessions = Sessions(environment)
        # Executions are killed here far more often than their own fault could be.
        self.service = Service(self.testplan, self.folder, self.sessions, ["--max-expiries", "0"])
        self.broken, self.plans, self.notes = [], [], {}

    async def __aenter__(self):
        test = self.folder / "test.sh"
        test.write_text(TEST.replace("RUNS", str(self.runs)))
        test.chmod(0o755)
        cases = lambda count: [f"t{number}" for number in range(1, count + 1)]
        file = {
            "project": "endurance",
            "runner": {
                "command": [str(test), "{suite}", "{testcase}"],
                "results": {"format": "junit", "files": "*.xml"},
                "exit-codes": {"passed": [0], "failed": [1]},
                "timeout": "60s",
            },
            "templates": [
                {"title": kind, "tests": [{"suite": kind, "testcases": cases(count)}]} for kind, count in self.templates.items()
            ],
        }
        # JSON is YAML as well.
        (self.folder / "testplan.yml").write_text(json.dumps(file))
        await self.service.start()
        self.url = f"http://127.0.0.1:{self.service.port}"
        self.forwarder_url = await self.forwarder.start(self.service.port)
        return self

    async def __aexit__(self, kind, error, trace):
        await self.forwarder.stop()
        self.sessions.kill_all()
        for _ in range(100):
            if not self.sessions.left():
                break
            await asyncio.sleep(0.05)
        if self.keep or self.broken or (kind is not None and kind is not KeyboardInterrupt):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def note(self, what, count=1):
        self.notes[what] = self.notes.get(what, 0) + count

    def finding(self, sentence):
        self.broken.append(sentence)
        if len(self.broken) <= 30:
            print(f"BROKEN: {sentence}", flush=True)

    def arguments(self, command, url):
        flags = ["--url", url, "--token-file", str(self.folder / "data" / "token"), "--patience", "2m"]
        config = [] if command in ("report", "wait") else ["--config", str(self.folder / "testplan.yml")]
        return [self.testplan, command, *config, *flags]

    async def call(self, name, command):
        """Runs a command to its end: its exit code and its stdout."""
        out, err = self.folder / f"{name}.out", self.folder / f"{name}.err"
        out.write_bytes(b"")
        process = await self.sessions.start(command, self.folder, out, err)
        return await process.wait(), out.read_text()

    async def execute(self, name, kind, url):
        """Starts a plan; `None` if that failed, which is a finding."""
        command = [*self.arguments("execute", url), "--format", "json", "--template", kind, "--title", name]
        code, out = await self.call(f"{name}.execute", command)
        if code != 0:
            self.finding(f"execute ended with {code}, see {name}.execute.err")
            return None
        folder = self.folder / name
        folder.mkdir()
        plan = Plan(json.loads(out)["plan_id"], kind, self.templates[kind], folder)
        self.plans.append(plan)
        return plan

    def add_worker(self, plan, url):
        name = f"w{len(plan.workers) + 1}"
        flags = ["--plan-id", str(plan.number), "--template", plan.kind, "--workers", "2", "--lease", f"{LEASE}s"]
        out = ["--out", str(plan.folder / name)]
        command = [*self.arguments("work", url), *flags, *out]
        plan.workers.append(Worker(self.sessions, command, plan.folder, name))

    async def wait_for_workers(self, plan):
        """Until each worker ended by itself; what none of them may do is a finding."""
        for code, worker in zip(await asyncio.gather(*(worker.run() for worker in plan.workers)), plan.workers):
            # 1: a test failed here. 4: nothing was left when it came.
            if code not in (0, 1, 4):
                self.finding(f"plan {plan.number}: a worker ended with {code}, see {plan.folder.name}/{worker.name}.err")

    async def report(self, plan, url):
        """The report of all workers' records."""
        records = [str(plan.folder / worker.name) for worker in plan.workers]
        flags = ["--plan-id", str(plan.number), "--format", "json", "--out", str(plan.folder / "report")]
        command = [*self.arguments("report", url), *flags, "--records", *records]
        return await self.call(f"{plan.folder.name}/report", command)

    async def get(self, path):
        """The JSON of a GET, asked of the service itself until it answers."""
        for _ in range(200):
            try:
                answer = await messages.exchange(self.service.port, messages.request("GET", path, self.service.token))
                if answer.status == 200:
                    return answer.json()
            except messages.Broken:
                pass
            await asyncio.sleep(0.1)
        raise RuntimeError(f"GET {path} is not answered")

    async def pages(self, path):
        items, after = [], 0
        while True:
            page = await self.get(f"{path}?limit=1000&after={after}")
            items += page["items"]
            after = page.get("next")
            if after is None:
                return items

    async def facts(self, plan):
        """Collects everything about a plan that is over."""
        facts = checks.Facts(plan.number, plan.planned)
        facts.executions = await self.pages(f"/testplan/v1/plans/{plan.number}/executions")
        facts.events = await self.pages(f"/testplan/v1/plans/{plan.number}/events")
        facts.counts = await self.get(f"/execution/v1/testplans/{plan.number}")
        facts.leases = self.evidence.of_plan(plan.number)
        facts.runs = read_runs(self.runs / str(plan.number))
        facts.confirmed = read_confirmed(plan.folder)
        facts.wall_ahead = time.time() - time.monotonic()
        return facts

    async def check(self, plan, url, with_report=True):
        """Checks a plan that is over, and keeps only what a later look compares."""
        facts = await self.facts(plan)
        if with_report:
            facts.code, out = await self.report(plan, url)
            facts.report = json.loads(out) if out.strip() else None
        if plan.code is not None:
            facts.code = plan.code
        for sentence in checks.all_broken(facts):
            self.finding(sentence)
        self.note("executions", len(facts.executions))
        self.note("tests run", len(facts.runs))
        self.note("leases that expired", sum(event["kind"] == "expired" for event in facts.events))
        self.note("results accepted", sum(bool(lease.accepted) for lease in facts.leases))
        self.note("results that workers recorded as counted", len(facts.confirmed))
        plan.outcome = summary_of(facts.executions)
        self.evidence.forget(plan.number)
        if not self.keep and not self.broken:
            shutil.rmtree(plan.folder)
            for file in (self.runs / str(plan.number), *self.folder.glob(f"{plan.folder.name}.execute.*")):
                file.unlink(missing_ok=True)
        return facts

    async def check_again(self):
        """After the last kill: each result is as it was when its plan was done."""
        for plan in self.plans:
            executions = await self.pages(f"/testplan/v1/plans/{plan.number}/executions")
            if summary_of(executions) != plan.outcome:
                self.finding(f"plan {plan.number} has other results than when it was done")

    def check_started_once(self):
        for title, plans in self.evidence.plans_of_titles.items():
            if len(plans) > 1:
                self.finding(f"the plan {title!r} was started {len(plans)} times")


def summary_of(executions):
    return {it["execution_id"]: (it["state"], it.get("verdict"), it["attempts"]) for it in executions}


def read_runs(path):
    """The runs that tests noted."""
    runs = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        kind, execution, attempt, up, *verdict = line.split()
        key = (int(execution), int(attempt))
        if kind == "b":
            runs.setdefault(key, []).append(checks.Run(*key, float(up)))
        else:
            run = runs[key][-1]
            run.ended, run.verdict = float(up), verdict[0]
    return [run for same in runs.values() for run in same]


def read_confirmed(folder):
    """Executions and attempts whose results the records of workers call counted."""
    confirmed = []
    for path in folder.glob("*/records/*.ndjson"):
        attempts = {}
        for line in path.read_text().split("\n"):
            try:
                record = json.loads(line)
            except ValueError:
                # The last line of a killed worker.
                continue
            if record["event"] == "reserved":
                attempts[record["worker"], record["execution"]] = record.get("attempt")
            elif record["event"] == "confirmed" and record["answer"].get("answer") == "counted":
                confirmed.append((record["execution"], attempts[record["worker"], record["execution"]]))
    return confirmed
