"""A PostgreSQL server of the script's own: made by initdb, with fsync on, listening on 127.0.0.1, stopped at the end."""

import asyncio
import glob
import os
import pathlib
import shutil
import signal
import struct

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = on
max_connections = 100
log_min_messages = warning
wal_sender_timeout = 5s
"""


def programs():
    """The folder of the newest server: Debian's, or one on the path."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda it: float(it.split("/")[4]))
    initdb = found[-1] if found else shutil.which("initdb")
    if initdb is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    return pathlib.Path(initdb).parent


class Cluster:
    """The superuser is `postgres`; the replicas are the user `ci`, who owns the database `testplan` and is no superuser."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.data, self.programs = folder / "data", programs()
        self.output = folder / "output"

    async def make(self):
        """Runs initdb and starts the server."""
        self._make_folder()
        await self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C")
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(SETTINGS)
        await self.start()
        await self.sql("CREATE ROLE ci LOGIN", database="postgres")
        await self.sql("CREATE DATABASE testplan OWNER ci", database="postgres")

    async def make_standby_of(self, port):
        """Copies the running server that is reached by a port, and follows it."""
        self._make_folder()
        source = ["-h", "127.0.0.1", "-p", port, "-U", "postgres"]
        await self._run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", *source)
        with open(self.data / "postgresql.conf", "a") as file:
            file.write("synchronous_standby_names = ''\n")
        await self.start()

    async def start(self, port=None):
        """Starts it, on another port than before if one is given."""
        self.port = port or self.port
        flags = ["-l", self.folder / "log", "-s", "-w", "-t", "60", "-o", f"-p {self.port}"]
        await self._run("pg_ctl", "-D", self.data, *flags, "start")

    async def stop(self, mode="immediate"):
        """`immediate` is a crash: the server recovers at its next start."""
        await self._run("pg_ctl", "-D", self.data, "-s", "-w", "-m", mode, "stop")

    async def promote(self):
        await self._run("pg_ctl", "-D", self.data, "-s", "-w", "promote")

    async def sql(self, statement, database="testplan"):
        """The rows of a statement, each a list of texts. Runs as the superuser, for whom connections are reserved."""
        process = await asyncio.create_subprocess_exec(
            str(self.programs / "psql"),
            *f"-X -A -t -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p {self.port} -U postgres -d {database}".split(),
            *("-F", "\t", "-c", statement),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"psql: {err.decode().strip()}")
        return [line.split("\t") for line in out.decode().splitlines()]

    def main_process(self):
        """The pid of the server, or `None` if it does not run."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return pid

    async def end(self):
        """Stops it if it runs, whatever state it is in."""
        if self.main_process() is None:
            return
        try:
            await asyncio.wait_for(self.stop(), 20)
        except (RuntimeError, asyncio.TimeoutError):
            if pid := self.main_process():
                os.kill(pid, signal.SIGKILL)

    def _make_folder(self):
        self.folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")

    async def _run(self, program, *arguments):
        # PostgreSQL refuses to run as root. A server keeps what it inherits, so its output is a file, not a pipe.
        other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        with open(self.output, "ab") as out:
            process = await asyncio.create_subprocess_exec(
                str(self.programs / program),
                *map(str, arguments),
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(self.folder)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                **other,
            )
            code = await process.wait()
        if code != 0:
            raise RuntimeError(f"{program} ended with {code}: {self.output.read_text()[-1500:]}")


class IdleConnections:
    """Connections of `ci` that do nothing."""

    def __init__(self, port):
        self.port, self.open = port, []

    async def fill(self, count):
        """Opens this many, of which the server takes as many as it has room for."""
        await asyncio.gather(*(self._one() for _ in range(count)))

    def close(self):
        for writer in self.open:
            writer.transport.abort()

    async def _one(self):
        pairs = b"user\0ci\0database\0testplan\0\0"
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(struct.pack("!II", 8 + len(pairs), 3 << 16) + pairs)
            kind = b""
            # `Z`: ready for a query. `E`: an error, such as too many connections, which may come after the login.
            while kind not in (b"Z", b"E"):
                kind, length = struct.unpack("!cI", await asyncio.wait_for(reader.readexactly(5), 10))
                await reader.readexactly(length - 4)
            if kind == b"Z":
                self.open.append(writer)
                return
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass
        if writer is not None:
            writer.close()
