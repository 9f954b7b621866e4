"""Two replicas of `testplan serve` on one PostgreSQL server, and what one round found out about its plan."""

import asyncio
import json
import pathlib
import shutil
import socket
import tempfile
import time

from . import messages
from .cluster import Cluster
from .processes import Service, Sessions
from .tcp_proxy import TcpProxy

REPLICAS = 2


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Setting:
    """What all scenarios share: the folder, the plan file, the token, and the processes that are ended at the end."""

    def __init__(self, testplan, executions, environment, keep):
        self.testplan, self.executions = str(pathlib.Path(testplan).resolve()), executions
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="testplan-chaos-"))
        # PostgreSQL may run as another user.
        self.folder.chmod(0o711)
        self.sessions = Sessions({**environment, "HOME": str(self.folder)})
        self.keep, self.broken, self.token = keep, [], "chaos-token"

    async def __aenter__(self):
        names = [f"t{number}" for number in range(self.executions)]
        template = {"title": "load", "tests": [{"suite": "load", "testcases": names}]}
        plans = {"project": "chaos", "runner": {"command": ["true"]}, "templates": [template]}
        # JSON is YAML as well.
        (self.folder / "testplan.yml").write_text(json.dumps(plans))
        (self.folder / "token").write_text(self.token)
        (self.folder / "token").chmod(0o600)
        return self

    async def __aexit__(self, kind, *_):
        self.sessions.kill_all()
        if self.keep or self.broken or kind not in (None, KeyboardInterrupt, asyncio.CancelledError):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def finding(self, sentence):
        self.broken.append(sentence)
        if len(self.broken) <= 30:
            print(f"BROKEN: {sentence}", flush=True)


class Deployment:
    """A server, or two, and the replicas on it. `standby` is `None`, "synchronous" or "asynchronous"; with `proxied` each replica
    reaches the server through a proxy of its own."""

    def __init__(self, setting, name, proxied=False, standby=None):
        self.setting, self.folder, self.proxied, self.with_standby = setting, setting.folder / name, proxied, standby
        self.primary = self.standby = self.stream = None
        self.replicas, self.proxies = [], []

    async def __aenter__(self):
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, kind, *_):
        await self._end()
        if kind is None and not self.setting.keep and not self.setting.broken:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _start(self):
        self.folder.mkdir()
        self.folder.chmod(0o711)
        self.primary = Cluster(self.folder / "primary", free_port())
        await self.primary.make()
        servers = [self.primary.port]
        if self.with_standby:
            self.standby = Cluster(self.folder / "standby", free_port())
            self.stream = TcpProxy(self.primary.port)
            await self.stream.start()
            await self.standby.make_standby_of(self.stream.port)
            servers.append(self.standby.port)
            if self.with_standby == "synchronous":
                await self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
                await self.primary.sql("SELECT pg_reload_conf()")
        for number in range(REPLICAS):
            ports = servers
            if self.proxied:
                proxy = TcpProxy(self.primary.port)
                await proxy.start()
                self.proxies.append(proxy)
                ports = [proxy.port]
            hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
            url = f"postgres://ci@{hosts}/testplan?application_name=replica{number}"
            folder = self.folder / f"replica{number}"
            folder.mkdir()
            flags = ["--database", url, "--files", str(self.folder / "files"), "--token-file", str(self.setting.folder / "token")]
            # The executions of a round lose their workers far more often than their own fault could be.
            flags += ["--max-expiries", "0", "--plans", str(self.setting.folder / "testplan.yml")]
            replica = Service(self.setting.testplan, folder, self.setting.sessions, flags)
            replica.number = number
            self.replicas.append(replica)
            await replica.start()

    async def _end(self):
        for replica in self.replicas:
            if replica.process is not None and replica.process.returncode is None:
                replica.process.kill()
                await replica.process.wait()
        for proxy in [*self.proxies, *([self.stream] if self.stream else [])]:
            await proxy.stop()
        for cluster in (self.standby, self.primary):
            if cluster is not None:
                await cluster.end()

    @property
    def ports(self):
        return [replica.port for replica in self.replicas]

    async def execute(self, title):
        """Starts a plan with all executions: its number."""
        body = {"templateId": await self._template(), "title": title, "batch": title}
        raw = messages.request("POST", "/execution/v1/executeplan", self.setting.token, body, [f"idempotency-key: {title}"])
        answer = await messages.exchange(self.ports[0], raw)
        if answer.status != 201:
            raise RuntimeError(f"executeplan was answered {answer.status}: {answer.body!r}")
        return answer.json()["id"]

    async def _template(self):
        return (await self.get("/execution/v1/testplans?project=chaos&type=template&title=load"))["id"]

    async def get(self, path, limit=40):
        """The JSON of a GET, asked of one replica after the other until one answers."""
        until, turn = time.monotonic() + limit, 0
        while time.monotonic() < until:
            raw = messages.request("GET", path, self.setting.token, None, ["connection: close"])
            try:
                answer = await messages.exchange(self.ports[turn % len(self.ports)], raw, 5)
                if answer.status == 200:
                    return answer.json()
            except messages.Broken:
                await asyncio.sleep(0.1)
            turn += 1
        raise RuntimeError(f"GET {path} is not answered")

    async def executions(self, plan):
        items, after = [], 0
        while after is not None:
            page = await self.get(f"/testplan/v1/plans/{plan}/executions?limit=1000&after={after}")
            items, after = items + page["items"], page.get("next")
        return items


class EventReader:
    """Pages through the events of a plan while it runs, as a program that follows it: each page begins after the last event seen."""

    def __init__(self, deployment, plan):
        self.deployment, self.plan, self.events, self.is_over = deployment, plan, [], False

    async def run(self):
        while True:
            last_round, after = self.is_over, self.events[-1]["id"] if self.events else 0
            page = await self.deployment.get(f"/testplan/v1/plans/{self.plan}/events?limit=1000&after={after}")
            self.events += page["items"]
            if not page["items"]:
                if last_round:
                    return
                await asyncio.sleep(0.3)
