#!/usr/bin/env python3
"""Measures calls to `testplan serve` alone and beside a crowd, in turns.

    benches/crowds.py TESTPLAN [waiters|hostile|browsers] [PAIRS]

TESTPLAN is the binary (`cargo build --profile dist`), PAIRS how often each side is measured (3). The crowd has a low priority. Everything stays on 127.0.0.1 and ends after some minutes.

waiters: 5,000 workers wait in one plan (`Prefer: wait=60`, asking again after each answer), and 8 clients make 50 calls per second in
another one. Aims: no 503, the 99th percentile of the calls below 50 ms, CPU of the service at most 1.5 times that of the same calls alone.

hostile: 10,000 connections without a token that never read their answers, never finish a head, or send a byte of it per second; who is
disconnected comes again after 0.5 to 3 s. Beside them 64 clients make 2 calls per second each, every tenth on a new connection. Aims: no failure, the 99th
percentile below 250 ms, the service below 256 MiB.

browsers: 200 browsers follow the page of a plan of 10,000 tests, in which 8 clients make 50 calls per second. Aims: no failure, the service at most 15 % of a core,
at most 64 MiB more than alone. Then the page is loaded 20 times beside them. Aims: the first byte after at most 100 ms, at most 1.5 MB.
"""

import asyncio
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import traceback

WAITERS, HOSTILE, BROWSERS, SPAN = 5_000, 10_000, 200, 30.0
TESTS = {"waiters": 20_000, "hostile": 20_000, "browsers": 10_000}
TOKEN = "crowd-" + "0" * 32
PLANS = """project: crowds
templates:
- title: crowded
  runner: { command: ['true', '{testcase}'] }
  tests:
  - { suite: suite, testcases: [only] }
- title: busy
  runner: { command: ['true', '{testcase}'] }
  tests:
  - discover: { command: [cat, list], line: '(?<suite>[^:]+)::(?<testcase>.+)' }
"""


class Client:
    """A connection that makes calls one after the other."""

    def __init__(self, port):
        self.port, self.reader, self.writer = port, None, None

    async def call(self, method, path, body="", headers=""):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request(method, path, body, headers))
        status, length = int((await self.reader.readline()).split()[1]), 0
        while (line := await self.reader.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return status, json.loads(await self.reader.readexactly(length) or b"null")

    def close(self):
        if self.writer is not None:
            self.writer.close()
            self.writer = None


def request(method, path, body="", headers=""):
    head = f"{method} /execution/v1/{path} HTTP/1.1\r\nhost: bench\r\nauthorization: Token {TOKEN}\r\n{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()


class Service:
    def __init__(self, testplan, folder, tests):
        (folder / "plans.yml").write_text(PLANS)
        (folder / "list").write_text("\n".join(f"suite_{n // 100}::test_{n}" for n in range(tests)))
        (folder / "token").write_text(TOKEN)
        self.log = open(folder / "log", "w+")
        command = [testplan, "serve", "--listen", "127.0.0.1:0", "--data", "data", "--plans", "plans.yml", "--token-file", "token"]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = int(re.search(r":(\d+)$", self.process.stdout.readline().strip()).group(1))

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) / 1024

    def start(self, title):
        async def plan():
            client = Client(self.port)
            query = f"testplans?project=crowds&title={title}&type=template"
            _, template = await client.call("GET", query)
            body = json.dumps({"templateId": template["id"], "title": f"{title} {time.time()}", "batch": "bench"})
            status, started = await client.call("POST", "executeplan", body)
            assert status in (200, 201), (status, started)
            if title == "crowded":
                status, got = await client.call("POST", f"reserve/{started['id']}", '{"capabilities":[],"timeout":3600000}')
                assert "execution_id" in got, got
            client.close()
            return started["id"]

        return asyncio.run(plan())

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.seek(0)
        return len(self.log.readlines())


async def good_clients(port, plan, clients, rate, span):
    """Calls at a fixed rate in all: reserve and finished in turns. Returns the time of each, and how many failed by status."""
    took, failed, started = [], {}, time.monotonic()

    async def one(number):
        client, made, got = Client(port), 0, None
        due = started + number / rate
        while (due := due + clients / rate) < started + span:
            await asyncio.sleep(max(0, due - time.monotonic()))
            if got:
                call = ("POST", f"finished/{got['execution_id']}", json.dumps({"lease": got["lease"]}))
            else:
                call = ("POST", f"reserve/{plan}", '{"capabilities":[],"timeout":60000}')
            began = time.monotonic()
            try:
                status, answer = await asyncio.wait_for(client.call(*call), 20)
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, IndexError, ValueError) as error:
                status, answer = type(error).__name__, None
                client.close()
            took.append(time.monotonic() - began)
            if status != 200:
                failed[status] = failed.get(status, 0) + 1
            got = answer if status == 200 and answer and "lease" in answer else None
            made += 1
            if clients > 8 and made % 10 == 0:
                client.close()
        client.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    return took, failed


async def waiters(port, plan, count, ready, stop):
    """Workers that wait, each on a connection of its own."""
    answered, waiting = {}, 0

    async def one(number):
        nonlocal waiting
        client = Client(port)
        # The first wait is shorter, so that in the end they do not all ask at once.
        wait = random.randint(10, 60)
        while True:
            waiting += 1
            if waiting == count:
                asyncio.get_running_loop().call_later(5, ready.set)
            # As testplan's own workers ask.
            key = random.randbytes(16).hex()
            headers = f"prefer: wait={wait}\r\ntestplan-worker: waiter/{number}\r\nidempotency-key: {key}\r\n"
            try:
                status, _ = await client.call("POST", f"reserve/{plan}", '{"capabilities":[],"timeout":60000}', headers)
            except (OSError, asyncio.IncompleteReadError, IndexError) as error:
                status = type(error).__name__
                client.close()
            answered[status] = answered.get(status, 0) + 1
            wait = 60

    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(one(number)))
        if number % 50 == 0:
            await asyncio.sleep(0.02)
    while not stop.is_set():
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    print(f"    answers to waiting workers: {answered}", flush=True)


async def hostile(port, count, ready, stop):
    """Connections of strangers in three kinds; each comes again some time after it was closed."""
    closed = 0

    async def one(kind):
        nonlocal closed
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
                if kind == 0:
                    writer.transport.pause_reading()
                    many = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 500
                    writer.write(many)
                    # What the service does not read stays here: nothing is read, so its end shows when writing.
                    while True:
                        await asyncio.sleep(5)
                        writer.write(b"GET /")
                        if writer.transport.is_closing():
                            break
                elif kind == 1:
                    writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
                    await reader.read()
                else:
                    ended = asyncio.ensure_future(reader.read())
                    for byte in b"GET /healthz HTTP/1.1\r\nhost: " + b"x" * 10_000:
                        writer.write(bytes([byte]))
                        await asyncio.wait([ended], timeout=1)
                        if ended.done():
                            break
                    ended.add_done_callback(lambda it: it.cancelled() or it.exception())
                writer.transport.abort()
            except OSError:
                pass
            closed += 1
            await asyncio.sleep(random.uniform(0.5, 3))

    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(one(number % 3)))
        if number % 50 == 0:
            await asyncio.sleep(0.02)
    asyncio.get_running_loop().call_later(5, ready.set)
    while not stop.is_set():
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    print(f"    connections of strangers that ended: {closed}", flush=True)


async def browsers(port, plan, count, ready, stop):
    """Open pages of a plan, each with its stream of updates."""
    updates, size, ended = 0, 0, 0

    async def one():
        nonlocal updates, size, ended
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET /plans/{plan}/live?after=0 HTTP/1.1\r\nhost: bench\r\nauthorization: Token {TOKEN}\r\n\r\n".encode())
                while chunk := await reader.read(65536):
                    size += len(chunk)
                    updates += chunk.count(b"event: patch")
                writer.close()
            except OSError:
                pass
            ended += 1
            await asyncio.sleep(2)

    tasks = []
    for number in range(count):
        tasks.append(asyncio.create_task(one()))
        if number % 50 == 0:
            await asyncio.sleep(0.02)
    asyncio.get_running_loop().call_later(5, ready.set)
    while not stop.is_set():
        await asyncio.sleep(0.2)
    for task in tasks:
        task.cancel()
    print(f"    updates at {count} browsers: {updates}, {size / 2**20:.0f} MiB, streams that ended: {ended}", flush=True)


def load_page(service, plan):
    """Loads the page of a plan as browsers do, some times."""
    first, sizes = [], []
    for _ in range(20):
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
        connection.connect()
        began = time.monotonic()
        connection.request("GET", f"/plans/{plan}", headers={"authorization": f"Token {TOKEN}"})
        answer = connection.getresponse()
        first.append((time.monotonic() - began) * 1000)
        sizes.append(len(answer.read()))
        assert answer.status == 200, answer.status
        connection.close()
        time.sleep(0.2)
    print(f"    page: first byte after {statistics.median(first):.1f} ms, at most {max(first):.1f} ms, {max(sizes) / 1000:.0f} kB", flush=True)


def crowd(kind, ready, stop, arguments):
    # A crowd on other machines would not take the processors of the service.
    os.nice(15)
    try:
        asyncio.run({"waiters": waiters, "hostile": hostile, "browsers": browsers}[kind](*arguments, ready, stop))
    except BaseException:
        traceback.print_exc()
        ready.set()


def measure(service, plan, clients, rate):
    before = service.cpu()
    took, failed = asyncio.run(good_clients(service.port, plan, clients, rate, SPAN))
    took.sort()
    at = lambda part: took[min(len(took) - 1, int(len(took) * part))] * 1000
    cpu = (service.cpu() - before) / SPAN * 100
    print(
        f"    {len(took)} calls, median {at(0.5):.1f} ms, 99 % {at(0.99):.1f} ms, longest {took[-1] * 1000:.0f} ms, failed {failed or 'none'},"
        f" service: {cpu:.1f} % of a core, peak {service.peak():.0f} MiB",
        flush=True,
    )
    return cpu, at(0.99)


def main():
    testplan = str(pathlib.Path(sys.argv[1]).resolve())
    kind, pairs = (sys.argv[2:] or ["waiters"])[0], int((sys.argv[3:] or ["3"])[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients, rate = (64, 128) if kind == "hostile" else (8, 50)
    ratios, slowest = [], []
    for pair in range(1, pairs + 1):
        with tempfile.TemporaryDirectory() as folder:
            service = Service(testplan, pathlib.Path(folder), TESTS[kind])
            try:
                busy = service.start("busy")
                print(f"pair {pair}, alone:")
                alone, _ = measure(service, busy, clients, rate)
                arguments = {
                    "waiters": lambda: (service.port, service.start("crowded"), WAITERS),
                    "hostile": lambda: (service.port, HOSTILE),
                    "browsers": lambda: (service.port, busy, BROWSERS),
                }[kind]()
                ready, stop = multiprocessing.Event(), multiprocessing.Event()
                process = multiprocessing.Process(target=crowd, args=(kind, ready, stop, arguments))
                process.start()
                ready.wait(120)
                print(f"pair {pair}, beside the crowd:")
                beside, last = measure(service, busy, clients, rate)
                if kind == "browsers":
                    load_page(service, busy)
                stop.set()
                process.join(60)
                ratios.append(beside / alone)
                slowest.append(last)
            finally:
                lines = service.stop()
            print(f"    lines in the log: {lines}")
    spread = f"({min(ratios):.2f} to {max(ratios):.2f})"
    print(f"CPU beside the crowd to alone: {statistics.median(ratios):.2f} {spread}; 99 % at most {max(slowest):.1f} ms")


if __name__ == "__main__":
    main()
