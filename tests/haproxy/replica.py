#!/usr/bin/env python3
"""Plays one process of a service before one `testplan serve`: python3 replica.py PORT SERVICE-PORT DRAIN-SECONDS

As `testplan serve --drain` does on SIGTERM: /readyz is 503; after the drain, long polls end and new work is refused with code 1590;
it exits when nothing is under way any more.
"""

import http.client
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, SERVICE, DRAIN = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
STOPPING = b'{"code":1590,"message":"the service is stopping and did not do this; ask again in a second"}'

leaving, stopping = threading.Event(), threading.Event()
counted = threading.Lock()
running = 0
polls = set()


class Replica(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def give(self, status, body, headers=()):
        self.send_response(status)
        for name, value in [*headers, ("content-length", str(len(body)))]:
            self.send_header(name, value)
        if stopping.is_set():
            self.send_header("connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def refuse(self):
        self.give(503, STOPPING, [("testplan-service", "x"), ("retry-after", "1")])

    def serve(self):
        global running
        with counted:
            running += 1
        try:
            self.forward()
        finally:
            with counted:
                running -= 1

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        waits = "prefer" in self.headers
        hands_out = waits or "/reserve/" in self.path or "/executeplan" in self.path
        if (self.path == "/readyz" and leaving.is_set()) or (hands_out and stopping.is_set()):
            return self.refuse()
        service = http.client.HTTPConnection("127.0.0.1", SERVICE)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        service.request(self.command, self.path, body, headers)
        sock = service.sock
        if waits:
            polls.add(sock)
        try:
            answer = service.getresponse()
            read = answer.read()
        except OSError:
            return self.refuse()
        finally:
            polls.discard(sock)
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in ("content-length", "connection")]
        self.give(answer.status, read, kept)

    do_GET = do_POST = do_PUT = serve


def stop(*_):
    threading.Thread(target=leave).start()


def leave():
    leaving.set()
    time.sleep(DRAIN)
    stopping.set()
    for sock in list(polls):
        try:
            sock.shutdown(2)
        except OSError:  # It was answered at the same time.
            pass
    idle = 0
    while idle < 10:
        time.sleep(0.1)
        idle = 0 if running else idle + 1
    server.shutdown()


signal.signal(signal.SIGTERM, stop)
server = ThreadingHTTPServer(("127.0.0.1", PORT), Replica)
server.daemon_threads = True
server.serve_forever()
