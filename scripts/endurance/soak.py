#!/usr/bin/env python3
"""Keeps `testplan serve` and workers busy for a long time, with kills and cuts now and then, and checks that nothing is lost and nothing grows.

    scripts/endurance/soak.py TESTPLAN [--minutes 15] [--plans-at-once 2] [--tests 40] [--seed N] [--time-limit SECONDS] [--keep]

TESTPLAN is the binary. Plans start again and again; workers reach the service through a forwarder. About every ten seconds a worker is killed, all connections
are cut, or a tenth of the requests meets a fault for some seconds. In the first and last tenth of the time the service is killed as well. In between it
lives, and its memory, open files, threads and database are measured; so is one worker that works on a plan of its own all the time, never killed. The highest values of the
first third bound the rest (harness/growth.py). docs/reliability.md has the other invariants. Exit code 1 if one is broken or the time is over.
"""

import asyncio
import json
import signal
import time

from harness import checks, options
from harness.growth import Samples, database_kib, of_process
from harness.world import World

# So long may the write-ahead log become.
LONGEST_LOG_MIB = 64


async def one_plan(world, number):
    plan = await world.execute(f"plan-{number}", "mixed", world.forwarder_url)
    if plan is None:
        return
    for _ in range(2):
        world.add_worker(plan, world.forwarder_url)
    await world.wait_for_workers(plan)
    await world.check(plan, world.forwarder_url)
    world.note("plans")


async def trouble(world, span):
    """Kills and cuts until the time is over."""
    pick, began = world.random, time.monotonic()
    while (now := (time.monotonic() - began) / span) < 1:
        await asyncio.sleep(pick.uniform(5, 15) if 0.1 < now < 0.9 else pick.uniform(2, 5))
        kinds = ["worker", "worker with its tests", "cut", "faults"]
        kind = pick.choice(kinds if 0.1 < now < 0.9 else ["service", *kinds])
        if kind == "service":
            await world.service.kill()
        elif kind == "cut":
            world.forwarder.cut_all()
        elif kind == "faults":
            world.forwarder.faulty = 0.1
            await asyncio.sleep(pick.uniform(2, 6))
            world.forwarder.faulty = 0.0
        else:
            plans = [plan for plan in world.plans if plan.kind == "mixed"]
            living = [it for plan in plans for it in plan.workers if it.process and it.process.returncode is None]
            if not living or not pick.choice(living).kill(with_group=kind != "worker"):
                continue
        world.note(f"trouble: {kind}")


async def measure(world, span, service, worker):
    """Samples of the part in which the service lives."""
    data, log = world.folder / "data", 0
    await asyncio.sleep(0.12 * span)
    pause, until = max(1.0, span / 300), time.monotonic() + 0.76 * span
    pid, before, database = world.service.process.pid, world.notes.get("plans", 0), database_kib(data)
    while time.monotonic() < until:
        await asyncio.sleep(pause)
        if world.service.process.pid == pid:
            service.add(of_process(pid) or {})
        worker.add(of_process(world.plans[0].workers[0].process.pid) or {})
        log = max(log, (data / "testplan.sqlite-wal").stat().st_size / 2**20)
        done = world.notes.get("plans", 0) - before
        if done >= 5:
            service.add({"database per plan (KiB)": (database_kib(data) - database) / done})
    print(f"database: {database_kib(data) / 1024:.1f} MiB after {world.notes.get('plans', 0)} plans, longest log {log:.1f} MiB")
    if log > LONGEST_LOG_MIB:
        world.finding(f"the write-ahead log had {log:.1f} MiB")


async def steady_worker(world):
    """A worker that works all the time on a plan that never ends, until it gets a signal."""
    plan = await world.execute("steady", "steady", world.url)
    world.add_worker(plan, world.forwarder_url)
    return plan, asyncio.ensure_future(plan.workers[0].run())


async def end_steady_worker(world, plan, running):
    """Stops it, and checks what it did: each result once, every lease released."""
    plan.workers[0].process.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(running, 30)
    if code != 143:
        world.finding(f"the steady worker ended with {code}, not 143, see steady/w1.err")
    facts = await world.facts(plan)
    done = {it["execution_id"] for it in facts.executions if it["state"] == "done"}
    reserved = [it["execution_id"] for it in facts.executions if it["state"] == "reserved"]
    if reserved:
        world.finding(f"the stopped steady worker still holds {reserved}")
    for check in (
        checks.leases_follow_each_other,
        checks.no_lease_is_valid_twice,
        checks.no_accepted_result_is_lost,
        checks.verdicts_are_those_of_the_tests,
        checks.no_test_runs_twice_at_once,
    ):
        for sentence in check(facts):
            world.finding(f"steady plan: {sentence}")
    counted = sum(event["kind"] == "finished" for event in facts.events)
    if counted != len(done):
        world.finding(f"steady plan: {len(done)} executions are done, with {counted} counted results")
    world.note("executions of the steady worker", len(done))


async def run(arguments):
    span = arguments.minutes * 60
    templates = {"mixed": arguments.tests, "steady": 20_000}
    async with World(arguments.testplan, arguments.seed, templates, keep=arguments.keep) as world:
        service, worker = Samples("service"), Samples("steady worker")
        steady, running = await steady_worker(world)
        troubles = asyncio.ensure_future(trouble(world, span))
        measuring = asyncio.ensure_future(measure(world, span, service, worker))
        started = 0

        async def slot():
            nonlocal started
            while not troubles.done():
                started += 1
                await one_plan(world, started)

        await asyncio.gather(troubles, measuring, *(slot() for _ in range(arguments.plans_at_once)))
        await end_steady_worker(world, steady, running)
        world.plans.remove(steady)
        await world.service.kill()
        await world.check_again()
        world.check_started_once()
        for samples in (service, worker):
            for line in samples.lines():
                print(line)
            for sentence in samples.grown():
                world.finding(sentence)
        print(f"kills of the service: {world.service.kills}; faults: {json.dumps(world.forwarder.hit)}")
        return options.conclude(world)


if __name__ == "__main__":
    options.main(
        run,
        __doc__,
        {
            "minutes": (15.0, "keep busy for so long"),
            "plans-at-once": (2, "run this many plans side by side"),
            "tests": (40, "give each plan this many tests"),
        },
        None,
    )
