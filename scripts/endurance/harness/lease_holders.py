"""Many clients of the API at once, each of which holds leases, renews them and sends results, through all replicas.

A client repeats a call with the same key or lease until it is answered 200 or 400, and goes on with the next URL after each failure, as
`testplan work` does. Half of them take one execution at a time, the others up to 16, with lists of heartbeats and results.
"""

import asyncio
import collections
import time

from . import messages
from .evidence import Lease

# As `work`: how long a replica that does not answer is waited for while there is another one.
HUNG = 5
LEASE_MS = 6000
MOST = 16


class Connection:
    """A connection to one replica that is kept open."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
            self.writer = None

    async def ask(self, raw, limit):
        try:
            if self.writer is None:
                opening = asyncio.open_connection("127.0.0.1", self.port)
                self.reader, self.writer = await asyncio.wait_for(opening, 1)
            timer = asyncio.get_running_loop().call_later(limit, self.writer.transport.abort)
            try:
                self.writer.write(raw)
                answer = await messages.read(self.reader, True)
            finally:
                timer.cancel()
        except (OSError, asyncio.TimeoutError, messages.Broken):
            self.close()
            raise messages.Broken from None
        if answer is None:
            self.close()
            raise messages.Broken
        if answer.headers.get("connection") == "close":
            self.close()
        return answer


class Load:
    """The clients of one plan and what they saw."""

    def __init__(self, ports, token, plan, random, rate):
        self.ports, self.token, self.plan, self.random = ports, token, plan, random
        self.leases, self.accepted_at, self.notes, self.odd = [], [], collections.Counter(), []
        self.longest_call = 0.0
        # No more than so many executions are taken in a second, so that the plan lasts as long as the fault.
        self.rate, self.began, self.taken = rate, time.monotonic(), 0

    async def run(self, clients):
        holders = [Holder(self, number) for number in range(clients)]
        try:
            await asyncio.gather(*(holder.run() for holder in holders))
        finally:
            for holder in holders:
                for connection in holder.connections:
                    connection.close()

    async def turn(self, count):
        """Waits until the rate allows so many executions more."""
        self.taken += count
        ahead = self.taken / self.rate - (time.monotonic() - self.began)
        if ahead > 0:
            await asyncio.sleep(ahead)
        elif ahead < -1:
            # What an outage cost is not made up for.
            self.began += -1 - ahead


class Holder:
    def __init__(self, load, number):
        self.load, self.random, self.most = load, load.random, 1 if number % 4 < 2 else MOST
        self.connections = [Connection(port) for port in load.ports]
        self.at = number % len(load.ports)

    async def call(self, path, body, key=None, wait=0):
        """Sends a call until it is answered: its status and JSON, when it was first sent and when the answered one was."""
        headers = [f"idempotency-key: {key}"] if key else []
        headers += [f"prefer: wait={wait}"] if wait else []
        raw = messages.request("POST", path, self.load.token, body, headers)
        first, failures = time.monotonic(), 0
        while True:
            sent = time.monotonic()
            try:
                answer = await self.connections[self.at].ask(raw, HUNG + wait)
                if answer.status in (200, 400) and (said := answer.json()) is not None:
                    self.load.longest_call = max(self.load.longest_call, time.monotonic() - first - wait)
                    return answer.status, said, first, sent
                self.load.notes[f"answered {answer.status}"] += 1
            except messages.Broken:
                self.load.notes["not answered"] += 1
            failures += 1
            self.at = (self.at + 1) % len(self.connections)
            if failures % len(self.connections) == 0:
                await asyncio.sleep(self.random.uniform(0.05, 0.5))

    async def run(self):
        wait = 0
        while True:
            key = "%032x" % self.random.getrandbits(128)
            await self.load.turn(self.most)
            body = {"capabilities": [], "timeout": LEASE_MS, **({"max": self.most} if self.most > 1 else {})}
            status, said, first, _ = await self.call(f"/execution/v1/reserve/{self.load.plan}", body, key, wait)
            wait = 0
            if status != 200:
                self.load.odd.append(f"reserve was answered {status}: {said}")
                return
            if "execution_id" in said:
                await self.hold([self.granted(it, first) for it in (said, *said.get("more", []))])
                continue
            self.load.taken -= self.most
            if said["pending"] == 0:
                return
            if self.most > 1:
                wait = 3
            else:
                await asyncio.sleep(self.random.uniform(0.2, 0.4))

    def granted(self, entry, asked):
        lease = Lease(self.load.plan, entry["execution_id"], entry["attempt"], asked, time.monotonic())
        lease.asks_for(entry["timeout"])
        lease.token = entry["lease"]
        self.load.leases.append(lease)
        return lease

    async def hold(self, leases):
        if self.most > 1:
            self.load.taken -= self.most - len(leases)
        await asyncio.sleep(self.random.uniform(0, 0.05))
        if self.random.random() < 0.2:
            await self.beat(leases)
            await asyncio.sleep(self.random.uniform(0, 0.2))
        await self.finish(leases)

    async def beat(self, leases):
        entries = [{"execution_id": it.execution, "lease": it.token, "timeout": LEASE_MS} for it in leases]
        answers, sent = await self.send("heartbeat", entries)
        now = time.monotonic()
        for lease, is_accepted in zip(leases, answers):
            if is_accepted:
                lease.renewals.append((sent, now))
            else:
                self.load.notes["heartbeats refused"] += 1

    async def finish(self, leases):
        verdicts = [self.random.choice(["passed", "passed", "passed", "failed", "skipped"]) for _ in leases]
        now = time.monotonic()
        for lease in leases:
            lease.maybe_over = now
        entries = [
            {"execution_id": it.execution, "lease": it.token, "outcome": {"verdict": verdict, "duration_ms": 20}}
            for it, verdict in zip(leases, verdicts)
        ]
        answers, sent = await self.send("finished", entries)
        now = time.monotonic()
        for lease, verdict, is_accepted in zip(leases, verdicts, answers):
            if is_accepted:
                lease.accepted.append((verdict, sent, now))
                self.load.accepted_at.append(now)
            else:
                self.load.notes["results refused"] += 1

    async def send(self, what, entries):
        """Which of the entries were accepted, and when the answered request was sent."""
        if len(entries) == 1:
            entry = {key: value for key, value in entries[0].items() if key != "execution_id"}
            status, said, _, sent = await self.call(f"/execution/v1/{what}/{entries[0]['execution_id']}", entry)
            return [status == 200], sent
        status, said, _, sent = await self.call(f"/testplan/v1/plans/{self.load.plan}/{what}", {"entries": entries})
        if status != 200:
            self.load.odd.append(f"a list for {what} was answered {status}: {said}")
            return [False] * len(entries), sent
        return ["code" not in it for it in said["entries"]], sent
