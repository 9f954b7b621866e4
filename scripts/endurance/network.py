#!/usr/bin/env python3
"""Runs plans whose workers reach `testplan serve` through a faulty network, and checks that nothing is lost or counted twice.

    scripts/endurance/network.py TESTPLAN [--plans 231] [--plans-at-once 8] [--tests 15] [--faults 25] [--seed N] [--time-limit 2400] [--keep]

TESTPLAN is the binary. A forwarder hits FAULTS of 100 requests: it delays them, sends a part of them, sends them twice at once or again later,
loses answers or cuts them, closes one direction, answers with pages of 502 and 503 before or after the service had the request, drips, and hangs. Every 7 s it
ends all connections at once. A plan is `testplan run`, or `execute`, two `work`, `wait` and `report`, all through the forwarder. Its tests pass, pass and fail, or
are all skipped, so that the right exit code is 0, 1 or 4. docs/reliability.md has the invariants. Exit code 1 if one is broken or the time is over.
"""

import asyncio
import json

from harness import options
from harness.world import LEASE, Plan, World

KINDS = ["mixed", "mixed", "passing", "skipping"]


async def by_workers(world, number, kind):
    plan = await world.execute(f"plan-{number}", kind, world.forwarder_url)
    if plan is None:
        return
    for _ in range(2):
        world.add_worker(plan, world.forwarder_url)
    waiting = world.call(
        f"plan-{number}/wait", [*world.arguments("wait", world.forwarder_url), "--plan-id", str(plan.number), "--grace", "2m"]
    )
    (code, _), _ = await asyncio.gather(waiting, world.wait_for_workers(plan))
    if code != 0:
        world.finding(f"plan {plan.number}: wait ended with {code}, see plan-{number}/wait.err")
    await world.check(plan, world.forwarder_url)


async def by_run(world, number, kind):
    name = f"plan-{number}"
    folder = world.folder / name
    folder.mkdir()
    flags = ["--title", name, "--template", kind, "--workers", "3", "--lease", f"{LEASE}s", "--out", str(folder / "w1")]
    code, _ = await world.call(f"{name}/run", [*world.arguments("run", world.forwarder_url), *flags])
    try:
        found = await world.get(f"/execution/v1/testplans?project=endurance&type=instance&title={name}")
    except RuntimeError:
        world.finding(f"run ended with {code} and started no plan, see {name}/run.err")
        return
    plan = Plan(found["id"], kind, world.templates[kind], folder)
    plan.code = code
    world.plans.append(plan)
    await world.check(plan, world.forwarder_url, with_report=False)


async def run(arguments):
    templates = dict.fromkeys(KINDS, arguments.tests)
    faulty = arguments.faults / 100
    async with World(arguments.testplan, arguments.seed, templates, faulty, arguments.keep) as world:
        numbers = iter(range(1, arguments.plans + 1))

        async def slot():
            for number in numbers:
                way = by_run if number % 3 == 0 else by_workers
                await way(world, number, KINDS[number % len(KINDS)])
                world.note(f"plans, {way.__name__}")

        async def cut_now_and_then():
            while True:
                await asyncio.sleep(7)
                world.forwarder.cut_all()

        cutting = asyncio.ensure_future(cut_now_and_then())
        try:
            await asyncio.gather(*(slot() for _ in range(arguments.plans_at_once)))
        finally:
            cutting.cancel()
        world.check_started_once()
        await world.check_again()
        print(f"faults: {json.dumps(world.forwarder.hit)}")
        return options.conclude(world)


if __name__ == "__main__":
    options.main(
        run,
        __doc__,
        {
            "plans": (231, "run this many plans"),
            "plans-at-once": (8, "side by side"),
            "tests": (15, "give each plan this many tests"),
            "faults": (25.0, "hit this many of 100 requests"),
        },
        2400,
    )
