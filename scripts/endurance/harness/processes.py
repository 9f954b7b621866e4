"""The service and the workers as processes, which are killed and started again. Ends exactly what it started."""

import asyncio
import os
import pathlib
import re
import signal
import time


def session_of(pid):
    """The session of a process, or `None` if it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return int(fields[3]) if fields[0] != "Z" else None


def of_sessions(sessions):
    """All living processes of sessions that this script began, by number."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if session_of(pid) in sessions]


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Sessions:
    """Every process begins a session of its own, so that its children can be found after it is dead."""

    def __init__(self, environment):
        self.environment, self.begun = environment, set()

    async def start(self, command, folder, stdout, stderr):
        with open(stdout, "ab") as out, open(stderr, "ab") as err:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env=self.environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.begun.add(process.pid)
        return process

    def kill_group(self, process):
        """A worker with everything that it started. The worker goes first, so that it sees none of its tests die."""
        try:
            process.kill()
        except ProcessLookupError:
            pass
        kill(of_sessions({process.pid}))

    def kill_all(self):
        kill(of_sessions(self.begun))

    def left(self):
        return of_sessions(self.begun)


class Service:
    """`testplan serve` on one port and one database."""

    def __init__(self, testplan, folder, sessions, more=()):
        self.folder, self.sessions = folder, sessions
        self.command = [testplan, "serve", "--data", str(folder / "data"), *more]
        self.process, self.port = None, 0
        self.kills, self.ready_after = 0, []

    async def start(self):
        began = time.monotonic()
        # Another connection may have got the port for a moment.
        for _ in range(50):
            out = self.folder / "serve.out"
            out.write_bytes(b"")
            command = [*self.command, "--listen", f"127.0.0.1:{self.port}"]
            self.process = await self.sessions.start(command, self.folder, out, self.folder / "serve.err")
            while self.process.returncode is None:
                if found := re.search(r"listening on http://127.0.0.1:(\d+)\n", out.read_text()):
                    self.port = int(found[1])
                    self.ready_after.append(time.monotonic() - began)
                    return
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.1)
        raise RuntimeError(f"the service does not start: {(self.folder / 'serve.err').read_text()[-2000:]}")

    async def kill(self):
        """Kills it without a warning and starts it again at once."""
        self.process.kill()
        await self.process.wait()
        self.kills += 1
        await self.start()

    @property
    def token(self):
        return (self.folder / "data" / "token").read_text().strip()

    async def stop(self):
        """Stops it as a service manager does, and returns its exit code."""
        self.process.terminate()
        return await asyncio.wait_for(self.process.wait(), 30)


class Worker:
    """`testplan work` on a plan. A killed one is started again until the plan has nothing for it."""

    def __init__(self, sessions, command, folder, name):
        self.sessions, self.command, self.folder, self.name = sessions, command, folder, name
        self.process, self.was_killed, self.kills, self.code = None, False, 0, None

    async def run(self):
        while True:
            self.was_killed = False
            out, err = self.folder / f"{self.name}.out", self.folder / f"{self.name}.err"
            self.process = await self.sessions.start(self.command, self.folder, out, err)
            self.code = await self.process.wait()
            if not self.was_killed:
                return self.code
            self.kills += 1

    def kill(self, with_group):
        if self.process is None or self.process.returncode is not None:
            return False
        self.was_killed = True
        if with_group:
            self.sessions.kill_group(self.process)
        else:
            self.process.kill()
        return True
