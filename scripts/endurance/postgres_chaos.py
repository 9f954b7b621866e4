#!/usr/bin/env python3
"""Does harm to two replicas of `testplan serve` and to their PostgreSQL server while clients work, and checks that nothing is lost or counted twice.

    scripts/endurance/postgres_chaos.py [--rounds 20] [--scenario NAME]... [--workers 64] [--executions 20000] [--seed N] [--keep] TESTPLAN

TESTPLAN is the binary. PostgreSQL must be installed; the script makes clusters of its own with initdb, with fsync on, and runs them as nobody
where it is root. In each round WORKERS clients work on a plan through both replicas, and one thing happens to them: see
harness/chaos_scenarios.py for the list. docs/reliability.md has the invariants. Exit code 1 if one is broken, if no result is accepted
for more than 5 s after a fault, or if a round takes longer than its limit.
"""

import argparse
import asyncio
import collections
import os
import random
import signal
import statistics
import sys
import time

from harness import chaos_checks, checks
from harness.chaos_scenarios import SCENARIOS, Fault
from harness.lease_holders import Load
from harness.replicated import Deployment, EventReader, Setting, free_port

ROWS = "SELECT id, exec, epoch, kind, at, detail FROM events WHERE plan = {} ORDER BY id"


class Tally:
    """What the rounds of a scenario came to."""

    def __init__(self):
        self.rounds, self.seconds, self.notes = 0, 0.0, collections.Counter()
        self.until_next, self.pauses, self.calls = [], [], []

    def line(self, name):
        spread = lambda values: f"{statistics.median(values):5.2f} {max(values):5.2f}" if values else "    -     -"
        counts = [self.notes[it] for it in ("results", "lost", "named", "twice", "expired", "repeated")]
        return (
            f"{name:22}{self.rounds:4} {counts[0]:9} {counts[1]:5} {counts[2]:6} {counts[3]:6} {counts[4]:8} {counts[5]:9}  "
            f"{spread(self.until_next)}   {spread(self.pauses)}   {spread(self.calls)}"
        )


HEAD = (
    f"{'scenario':22}{'rnds':>4} {'results':>9} {'lost':>5} {'named':>6} {'twice':>6} {'expired':>8} {'repeated':>9}  "
    f"{'next p50, max':>11}   {'pause p50, max':>11}   {'call p50, max':>11}"
)


async def one_round(setting, deployment, scenario, arguments, title, tally):
    pick = random.Random(f"{arguments.seed} {title}")
    began = time.monotonic()
    plan = await deployment.execute(title)
    load = Load(deployment.ports, setting.token, plan, pick, arguments.executions / scenario.seconds)
    reader = EventReader(deployment, plan)
    fault = Fault(deployment, pick)

    async def happen():
        while len(load.accepted_at) < arguments.executions / 20:
            await asyncio.sleep(0.05)
        await asyncio.sleep(pick.uniform(0, 2))
        await scenario.act(fault)

    async def work():
        await asyncio.gather(load.run(arguments.workers), happen())
        reader.is_over = True

    tasks = {asyncio.ensure_future(it) for it in (work(), reader.run())}
    try:
        done, late = await asyncio.wait(tasks, timeout=arguments.round_limit, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        if late:
            raise asyncio.TimeoutError
    finally:
        # More than once: `wait_for` of Python 3.11 may swallow a cancellation.
        while running := {task for task in tasks if not task.done()}:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=1)
    facts, found = await judge(deployment, plan, load, reader, fault, tally, arguments.executions)
    for sentence in [*load.odd[:5], *found[:20]]:
        setting.finding(f"{title}: {sentence}")
    tally.rounds += 1
    tally.seconds += time.monotonic() - began
    tally.notes["results"] += len(load.accepted_at)
    tally.notes["expired"] += sum(it["kind"] == "expired" for it in facts.events)
    tally.notes["repeated"] += sum(count for what, count in load.notes.items() if what.startswith(("answered", "not answered")))
    print(
        f"{title}: {time.monotonic() - began:.0f} s, next result after {tally.until_next[-1]:.2f} s, longest pause {tally.pauses[-1]:.2f} s"
        f" {', '.join(fault.words)} {dict(load.notes)}",
        flush=True,
    )


async def judge(deployment, plan, load, reader, fault, tally, planned):
    """Collects what is known of the plan, and what is broken about it."""
    server = deployment.standby or deployment.primary
    rows = as_rows(await server.sql(ROWS.format(plan)))
    facts = checks.Facts(plan, planned)
    facts.executions = await deployment.executions(plan)
    facts.counts = await deployment.get(f"/execution/v1/testplans/{plan}")
    facts.events = [dict(zip(("id", "execution_id", "attempt", "kind", "at", "detail"), row)) for row in rows]
    facts.leases, facts.wall_ahead = load.leases, time.time() - time.monotonic()
    seen, found = reader.events, []
    if deployment.standby:
        # The numbers of the lost events are given again, so a reader that saw them misses others.
        seen = None
        await deployment.primary.start(free_port())
        old = as_rows(await deployment.primary.sql(ROWS.format(plan)))
        lost = chaos_checks.lost_by_failover(old, rows)
        named = chaos_checks.take_out_lost(facts, lost, fault.outages[0])
        tally.notes["named"] += len(named)
        fault.words.append(f"the standby lacked {len(lost)} events, among them {len(named)} answered results such as {named[:3]}")
        if named and deployment.with_standby == "synchronous":
            found.append(f"a synchronous standby lacked {len(named)} answered results: {named[:5]}")
    found += chaos_checks.all_broken(facts, rows, seen)
    tally.notes["lost"] += sum("was accepted; counted is" in it for it in found)
    tally.notes["twice"] += sum("counted results" in it or "valid together" in it for it in found)
    # The last clients wait for what others hold.
    until = sorted(load.accepted_at)[int(len(load.accepted_at) * 0.97)]
    after = [moment for moment in load.accepted_at if moment > fault.began]
    until_next = min(after) - fault.began if after else 0.0
    pause = chaos_checks.longest_pause(load.accepted_at, fault.began, max(until, fault.began), fault.outages)
    tally.until_next.append(until_next)
    tally.pauses.append(pause)
    tally.calls.append(load.longest_call)
    if max(until_next, pause) > chaos_checks.LONGEST:
        found.append(f"no result was accepted for {max(until_next, pause):.1f} s after the fault")
    return facts, found


def as_rows(texts):
    return [(int(it[0]), int(it[1]), int(it[2]), it[3], int(it[4]), it[5]) for it in texts]


async def run_round(setting, name, number, arguments, tally):
    scenario, title = SCENARIOS[name], f"{name}-{number}"
    async with Deployment(setting, title, **scenario.deployment) as deployment:
        try:
            await one_round(setting, deployment, scenario, arguments, title, tally)
        except asyncio.TimeoutError:
            setting.finding(f"{title}: not done after {arguments.round_limit:.0f} s")
        for replica in deployment.replicas:
            if replica.process.returncode is not None:
                setting.finding(f"{title}: replica {replica.number} ended with {replica.process.returncode}")


async def run(arguments):
    tallies = {name: Tally() for name in arguments.scenario or SCENARIOS}
    async with Setting(arguments.testplan, arguments.executions, {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}, arguments.keep) as setting:
        try:
            # One after the other, so that a run that is stopped has tried all of them.
            for number in range(1, arguments.rounds + 1):
                for name, tally in tallies.items():
                    await run_round(setting, name, number, arguments, tally)
        finally:
            print(HEAD)
            for name, tally in tallies.items():
                print(tally.line(name))
            print(f"broken: {len(setting.broken) or 'nothing'}", flush=True)
        return 1 if setting.broken else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("testplan", help="the binary")
    parser.add_argument("--rounds", type=int, default=20, help="repeat each scenario so often [20]")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="only this one; repeat for more [all]")
    parser.add_argument("--workers", type=int, default=64, help="clients at once [64]")
    parser.add_argument("--executions", type=int, default=20_000, help="give each plan this many executions [20000]")
    parser.add_argument("--round-limit", type=float, default=150, help="fail a round after so many seconds [150]")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeat these choices; their order in time may differ")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and databases")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    began = time.monotonic()
    # A stopped script ends its processes as one that is interrupted.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        code = asyncio.run(run(arguments))
    except KeyboardInterrupt:
        print("stopped by a signal")
        code = 130
    print(f"took {time.monotonic() - began:.0f} s, exit code {code}")
    sys.exit(code)


if __name__ == "__main__":
    main()
