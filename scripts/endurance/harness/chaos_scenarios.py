"""What is done to replicas and their database while clients work."""

import asyncio
import os
import signal
import time

from .cluster import IdleConnections


class Fault:
    """When it began to matter, and when there was no database at all."""

    def __init__(self, deployment, random):
        self.deployment, self.random = deployment, random
        self.began, self.outages, self.words = None, [], []

    def begins(self):
        self.began = time.monotonic()

    def one(self):
        return self.random.choice(self.deployment.replicas)


async def kill_replica(fault):
    """SIGKILL to a replica, which starts again a second or so later."""
    replica = fault.one()
    fault.begins()
    replica.process.kill()
    await replica.process.wait()
    await asyncio.sleep(fault.random.uniform(0.2, 3))
    await replica.start()


async def restart_database(fault):
    """An immediate stop of PostgreSQL, which is a crash, and a start with recovery."""
    primary, began = fault.deployment.primary, time.monotonic()
    await primary.stop()
    await asyncio.sleep(fault.random.uniform(0, 2))
    await primary.start()
    fault.begins()
    fault.outages.append((began, fault.began))


async def terminate_backends(fault):
    """Ends all connections of the replicas, five times."""
    fault.begins()
    for _ in range(5):
        rows = await fault.deployment.primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ci'")
        fault.words.append(f"{len(rows)} backends")
        await asyncio.sleep(fault.random.uniform(0.2, 1))


async def idle_connections(fault):
    """300 connections that do nothing, of which the server takes as many as max_connections allows. Three seconds later the connections of
    the replicas are ended, again and again, and idle ones take their places for three seconds more."""
    primary = fault.deployment.primary
    idle = IdleConnections(primary.port)
    fault.begins()
    try:
        await idle.fill(300)
        fault.words.append(f"{len(idle.open)} idle")
        await asyncio.sleep(3)
        began = time.monotonic()
        while time.monotonic() - began < 3:
            ending = primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'replica%'")
            await asyncio.gather(ending, *(idle.fill(20) for _ in range(5)))
        fault.words.append(f"then {len(idle.open)}")
    finally:
        idle.close()
    fault.outages.append((began, time.monotonic()))


async def freeze_replica(fault):
    """SIGSTOP to a replica in the middle of a transaction, for 30 s."""
    await freeze(fault, 30)


async def freeze_replica_often(fault):
    """SIGSTOP to either replica in the middle of a transaction, for 3 s, six times."""
    for _ in range(6):
        await freeze(fault, 3)
        await asyncio.sleep(fault.random.uniform(0.5, 1.5))


async def freeze(fault, seconds):
    replica = fault.one()
    name = f"replica{replica.number}"
    in_transaction = f"SELECT 1 FROM pg_stat_activity WHERE application_name = '{name}' AND state = 'idle in transaction'"
    for _ in range(200):
        began = time.monotonic()
        os.kill(replica.process.pid, signal.SIGSTOP)
        try:
            # What was on its way is done then.
            await asyncio.sleep(0.02)
            if await fault.deployment.primary.sql(in_transaction):
                fault.words.append("in a transaction")
                fault.began = fault.began or began
                await asyncio.sleep(seconds)
                return
        finally:
            os.kill(replica.process.pid, signal.SIGCONT)
        await asyncio.sleep(fault.random.uniform(0.005, 0.1))
    raise RuntimeError(f"{name} was never stopped in the middle of a transaction")


async def cut_network(fault):
    """Between a replica and the database nothing is forwarded for 12 s; then connections are refused for 2 s."""
    proxy = fault.random.choice(fault.deployment.proxies)
    fault.begins()
    proxy.stall()
    await asyncio.sleep(12)
    proxy.cut()
    await asyncio.sleep(2)
    proxy.restore()


async def fail_over(fault):
    """A crash of the primary server; the standby takes over."""
    deployment, began = fault.deployment, time.monotonic()
    await deployment.primary.stop()
    await deployment.standby.promote()
    fault.begins()
    fault.outages.append((began, fault.began))


async def fail_over_behind(fault):
    """The same after the standby got nothing for a second, so that it lacks the last commits."""
    fault.deployment.stream.stall()
    await asyncio.sleep(1)
    fault.deployment.stream.cut()
    await fail_over(fault)


class Scenario:
    """`seconds` is how long the load lasts at least."""

    def __init__(self, act, seconds=16, **deployment):
        self.act, self.seconds, self.deployment = act, seconds, deployment


SCENARIOS = {
    "kill-replica": Scenario(kill_replica),
    "restart-database": Scenario(restart_database),
    "terminate-backends": Scenario(terminate_backends),
    "idle-connections": Scenario(idle_connections, 20),
    "freeze-replica": Scenario(freeze_replica, 40),
    "freeze-often": Scenario(freeze_replica_often, 35),
    "cut-network": Scenario(cut_network, 26, proxied=True),
    "failover-synchronous": Scenario(fail_over, standby="synchronous"),
    "failover-asynchronous": Scenario(fail_over_behind, standby="asynchronous"),
}
