"""A TCP proxy between a replica and its database, which can swallow everything or refuse connections."""

import asyncio


class TcpProxy:
    def __init__(self, target):
        self.target, self.port, self.server = target, None, None
        self.flows = asyncio.Event()
        self.flows.set()
        self.refuses, self.open = False, set()

    async def start(self):
        self.server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    def stall(self):
        """Forwards nothing more, in neither direction, and closes nothing: what a firewall that lost its state does."""
        self.flows.clear()

    def cut(self):
        """Closes all connections, and new ones at once."""
        self.refuses = True
        for writer in list(self.open):
            writer.transport.abort()

    def restore(self):
        self.refuses = False
        self.flows.set()

    async def stop(self):
        self.server.close()
        self.cut()
        self.flows.set()

    async def _client(self, reader, writer):
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            # The end of the script.
            pass

    async def _serve(self, reader, writer):
        if self.refuses:
            writer.transport.abort()
            return
        self.open.add(writer)
        await self.flows.wait()
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self.open.discard(writer)
            writer.transport.abort()
            return
        self.open.add(back)
        try:
            await asyncio.gather(self._forward(reader, back), self._forward(there, writer))
        finally:
            for end in (writer, back):
                self.open.discard(end)
                end.transport.abort()

    async def _forward(self, reader, writer):
        try:
            while data := await reader.read(1 << 16):
                await self.flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()
