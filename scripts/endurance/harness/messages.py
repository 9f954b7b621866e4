"""HTTP/1.1 messages on asyncio streams, and a client for calls to the service."""

import asyncio
import gzip
import json


class Broken(Exception):
    """The other side closed the connection in the middle of a message."""


class Message:
    """A request or an answer: its first line, its headers, its body, and all of it as bytes."""

    def __init__(self, first, headers, body, raw):
        self.first, self.headers, self.body, self.raw = first, headers, body, raw

    @property
    def status(self):
        return int(self.first.split()[1])

    @property
    def method(self):
        return self.first.split()[0]

    @property
    def path(self):
        return self.first.split()[1]

    def json(self):
        """The body as JSON; `None` if it is none."""
        body = self.body
        try:
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            return json.loads(body)
        except (ValueError, OSError):
            return None


async def read(reader, is_answer):
    """The next message; `None` if the connection ended before it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Broken from None
        return None
    except OSError:
        raise Broken from None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body, raw = b"", head
    try:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            while True:
                size = await reader.readuntil(b"\r\n")
                chunk = await reader.readexactly(int(size.split(b";")[0], 16) + 2)
                raw += size + chunk
                body += chunk[:-2]
                if len(chunk) == 2:
                    break
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
            raw += body
        elif is_answer and first.split()[1] not in ("204", "304"):
            body = await reader.read()
            raw += body
    except (asyncio.IncompleteReadError, OSError):
        raise Broken from None
    return Message(first, headers, body, raw)


def request(method, path, token, body=None, headers=()):
    """The bytes of a request with a JSON body."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: endurance", f"authorization: Token {token}"]
    lines += ["content-type: application/json", f"content-length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def exchange(port, raw, limit=30):
    """Sends one request on a connection of its own and returns the answer."""
    writer = None
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), limit)
        writer.write(raw)
        answer = await asyncio.wait_for(read(reader, True), limit)
    except (OSError, asyncio.TimeoutError) as error:
        raise Broken(str(error)) from None
    finally:
        if writer is not None:
            writer.close()
    if answer is None:
        raise Broken
    return answer
