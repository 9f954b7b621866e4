"""A forwarder between clients and the service: it records requests and answers, and can do what a bad network does."""

import asyncio
import random
import time

from . import messages

PAGE = b"<html><head><title>%d</title></head><body><h1>%d Bad Gateway</h1></body></html>"

# What can happen to a request, with how often beside each other. `lie` is for tests of the checks alone.
FAULTS = {
    "delay": 6,
    "cut-request": 3,
    "lose-answer": 4,
    "cut-answer": 3,
    "half-close": 4,
    "duplicate": 4,
    "repeat-later": 3,
    "page-before": 4,
    "page-after": 3,
    "busy": 2,
    "drip": 3,
    "hang": 1,
}


def page(status):
    body = PAGE % (status, status)
    head = f"HTTP/1.1 {status} Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\n"
    # As a proxy asks a client to come again.
    return (head + ("retry-after: 1\r\n" if status == 503 else "") + "\r\n").encode() + body


class Forwarder:
    """Listens on a port of 127.0.0.1. `faulty` is the share of requests that a fault hits."""

    def __init__(self, evidence, seed, faulty=0.0):
        self.evidence, self.random, self.faulty = evidence, random.Random(seed), faulty
        self.service_port = self.port = self.server = None
        self.hit, self.later, self.open = {}, set(), set()
        # Results that are answered without the service, until this count: a lie that the checks must find.
        self.lies = 0

    async def start(self, service_port):
        self.service_port = service_port
        self.server = await asyncio.start_server(self._client, "127.0.0.1", 0, limit=1 << 22)
        self.port = self.server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self.port}"

    async def stop(self):
        self.server.close()
        for task in [*self.later, *self.open]:
            task.cancel()
        await asyncio.gather(*self.later, *self.open, return_exceptions=True)

    def cut_all(self):
        """Ends every connection that is open now."""
        for task in list(self.open):
            task.cancel()
        self.hit["cut-all"] = self.hit.get("cut-all", 0) + 1

    def _fault(self, call):
        if self.lies > 0 and "/finished" in call.path:
            self.lies -= 1
            return "lie"
        if self.random.random() >= self.faulty:
            return None
        fault = self.random.choices(list(FAULTS), list(FAULTS.values()))[0]
        self.hit[fault] = self.hit.get(fault, 0) + 1
        return fault

    async def _client(self, reader, writer):
        task = asyncio.current_task()
        self.open.add(task)
        try:
            while (call := await messages.read(reader, False)) is not None:
                answer = await self._answer(call, reader, writer)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        except (messages.Broken, OSError):
            pass
        except asyncio.CancelledError:
            # `cut_all` or the end of the script.
            pass
        finally:
            self.open.discard(task)
            writer.transport.abort()

    async def _answer(self, call, reader, writer):
        """The bytes for the client; `None` if its connection is to be closed."""
        fault, pick = self._fault(call), self.random
        if fault == "lie":
            now = time.monotonic()
            body = b'{"status":"Execution marked as finished"}'
            head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            answer = messages.Message("HTTP/1.1 200 OK", {}, body, head + body)
            self.evidence.sending(call, now)
            self.evidence.answered(call, now, answer, now)
            return answer.raw
        if fault == "delay":
            await asyncio.sleep(pick.uniform(0.05, 1.5))
        elif fault == "page-before":
            return page(pick.choice([502, 503]))
        elif fault == "busy":
            body = b'{"code":1503,"message":"busy"}'
            return b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        elif fault == "hang":
            await asyncio.sleep(pick.uniform(2, 6))
            return None
        elif fault == "cut-request":
            await self._send_part(call)
            return None
        elif fault == "duplicate":
            both = await asyncio.gather(self._ask(call), self._ask(call))
            answers = [answer for answer in both if answer is not None]
            return pick.choice(answers).raw if answers else None
        elif fault == "repeat-later":
            self._repeat(call, pick.uniform(0.2, 4))
        answer = await self._ask_while_the_client_waits(call, reader, fault == "half-close")
        if answer is None or fault == "lose-answer":
            return None
        if fault == "page-after":
            return page(502)
        if fault == "cut-answer":
            writer.write(answer.raw[: pick.randrange(1, len(answer.raw))])
            await writer.drain()
            return None
        if fault == "half-close":
            writer.write(answer.raw)
            writer.write_eof()
            # The client may send its next request into a connection that answers nothing any more.
            await asyncio.sleep(pick.choice([0, 0.5]))
            return None
        if fault == "drip":
            pause = min(0.02, 1.5 / len(answer.raw))
            for byte in answer.raw:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(pause)
            return b""
        return answer.raw

    async def _ask(self, call, half_close=False):
        """Sends a request to the service and records it with the answer. `None` without an answer."""
        answer, sent, writer = None, time.monotonic(), None
        # Before it is sent: the client may go away, or all connections may be cut, at any time.
        self.evidence.sending(call, sent)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.service_port, limit=1 << 22)
            writer.write(call.raw)
            if half_close:
                writer.write_eof()
            answer = await messages.read(reader, True)
        except (messages.Broken, OSError):
            pass
        finally:
            if writer is not None:
                writer.transport.abort()
        if answer is not None:
            self.evidence.answered(call, sent, answer, time.monotonic())
        return answer

    async def _ask_while_the_client_waits(self, call, reader, half_close):
        """Gives up, as a proxy does, when the client closes its connection."""
        asking = asyncio.ensure_future(self._ask(call, half_close))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait([asking, leaving], return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        finally:
            for task in (asking, leaving):
                task.cancel()
            await asyncio.gather(asking, leaving, return_exceptions=True)

    async def _send_part(self, call):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.service_port)
            writer.write(call.raw[: self.random.randrange(1, len(call.raw))])
            await writer.drain()
            writer.transport.abort()
        except OSError:
            pass

    def _repeat(self, call, after):
        """The same request once more, long after the first. No client waits for its answer."""

        async def later():
            await asyncio.sleep(after)
            await self._ask(call)

        task = asyncio.ensure_future(later())
        self.later.add(task)
        task.add_done_callback(self.later.discard)
