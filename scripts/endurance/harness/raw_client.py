"""A client of the API without testplan: short leases, results that come late, twice or never."""

import asyncio
import pathlib

from . import messages


def uptime():
    return pathlib.Path("/proc/uptime").read_text().split()[0]


class RawClient:
    def __init__(self, world, plan):
        self.world, self.plan, self.random = world, plan, world.random
        self.port, self.token = world.forwarder.port, world.service.token
        self.file = world.runs / str(plan.number)

    async def post(self, path, body, key=None):
        """Sends a call until it is answered: its status and JSON."""
        headers = [f"idempotency-key: {key}"] if key else []
        raw = messages.request("POST", path, self.token, body, headers)
        for _ in range(600):
            try:
                answer = await messages.exchange(self.port, raw)
                if answer.status in (200, 400) and answer.json() is not None:
                    return answer.status, answer.json()
            except messages.Broken:
                pass
            await asyncio.sleep(0.1)
        raise RuntimeError(f"POST {path} is not answered")

    def write(self, line):
        with open(self.file, "a") as file:
            file.write(line + "\n")

    async def run(self):
        while True:
            key = "%032x" % self.random.getrandbits(128)
            body = {"capabilities": [], "timeout": 2000}
            status, got = await self.post(f"/execution/v1/reserve/{self.plan.number}", body, key)
            if status != 200:
                self.world.finding(f"plan {self.plan.number}: reserve was answered {status}: {got}")
                return
            if "execution_id" in got:
                await self.hold(got)
            elif got["pending"] == 0:
                return
            else:
                await asyncio.sleep(0.3)

    async def hold(self, got):
        execution, attempt, lease = got["execution_id"], got["attempt"], got["lease"]
        path = f"finished/{execution}"
        verdict = self.random.choice(["passed", "passed", "passed", "failed", "skipped"])
        finished = {"lease": lease, "outcome": {"verdict": verdict, "duration_ms": 100}}
        self.write(f"b {execution} {attempt} {uptime()}")
        kind = self.random.choices(["plain", "beats", "late", "twice", "never"], [6, 2, 1, 1, 1])[0]
        self.world.note(f"raw leases, {kind}")
        await asyncio.sleep(self.random.uniform(0.02, 0.3))
        if kind == "beats":
            for _ in range(3):
                beat = {"lease": lease, "timeout": 2000}
                await self.post(f"/execution/v1/heartbeat/{execution}", beat)
                await asyncio.sleep(0.5)
        if kind == "never":
            return
        self.write(f"e {execution} {attempt} {uptime()} {verdict}")
        if kind == "late":
            await asyncio.sleep(2.5)
        status, _ = await self.post(f"/execution/v1/{path}", finished)
        if kind == "twice":
            other = {"passed": "failed"}.get(verdict, "passed")
            for changed in (finished, {**finished, "outcome": {"verdict": other}}):
                await self.post(f"/execution/v1/{path}", changed)
        self.world.note(f"raw results answered {status}")
