#!/usr/bin/env python3
"""Kills `testplan serve` and `testplan work` again and again while plans run, and checks that nothing is lost or counted twice.

    scripts/endurance/kills.py TESTPLAN [--kills 375] [--plans-at-once 3] [--tests 60] [--seed N] [--time-limit 1800] [--keep]

TESTPLAN is the binary. A third of the kills hits the service, which starts again at once on its port and database; a third a worker
alone; a third a worker with everything that it started. Killed workers are started again. In each plan two workers run tests that pass, fail
and are skipped; the second one and, in every second plan, two plain clients of the API talk through a forwarder that records the answers.
docs/reliability.md has the invariants. Exit code 1 if one is broken or the time is over.
"""

import asyncio
import statistics

from harness import options
from harness.raw_client import RawClient
from harness.world import World


async def one_plan(world, number):
    plan = await world.execute(f"plan-{number}", "mixed", world.url)
    if plan is None:
        return
    world.add_worker(plan, world.url)
    world.add_worker(plan, world.forwarder_url)
    clients = [RawClient(world, plan) for _ in range(2 * (number % 2))]
    await asyncio.gather(world.wait_for_workers(plan), *(client.run() for client in clients))
    # Plain clients write no records.
    await world.check(plan, world.url, with_report=not clients)
    world.note("plans")


async def kill_at_random(world, kills):
    """Ends after so many kills that hit a living process."""
    done, pick = {"service": 0, "worker": 0, "worker with its tests": 0}, world.random
    while sum(done.values()) < kills:
        await asyncio.sleep(pick.uniform(0.1, 1.1))
        target = pick.choice(list(done))
        if target == "service":
            await world.service.kill()
            done[target] += 1
            continue
        living = [worker for plan in world.plans for worker in plan.workers if worker.process and worker.process.returncode is None]
        if living and pick.choice(living).kill(with_group=target != "worker"):
            done[target] += 1
    return done


async def run(arguments):
    async with World(arguments.testplan, arguments.seed, {"mixed": arguments.tests}, keep=arguments.keep) as world:
        killing = asyncio.ensure_future(kill_at_random(world, arguments.kills))
        started = 0

        async def slot():
            nonlocal started
            while not killing.done():
                started += 1
                await one_plan(world, started)

        slots = [asyncio.ensure_future(slot()) for _ in range(arguments.plans_at_once)]
        await asyncio.gather(killing, *slots)
        await world.service.kill()
        await world.check_again()
        world.check_started_once()
        ready = world.service.ready_after[1:]
        print(f"kills: {sum(killing.result().values())}, of which {killing.result()}")
        print(f"service ready again: median {statistics.median(ready):.2f} s, longest {max(ready):.2f} s")
        return options.conclude(world)


if __name__ == "__main__":
    options.main(
        run,
        __doc__,
        {
            "kills": (375, "kill this many processes"),
            "plans-at-once": (3, "run this many plans side by side"),
            "tests": (60, "give each plan this many tests"),
        },
        1800,
    )
