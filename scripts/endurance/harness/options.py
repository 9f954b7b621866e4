"""Arguments, time limit and summary of the scripts."""

import argparse
import asyncio
import signal
import sys
import time

from . import selftest


def main(run, text, sizes, time_limit):
    limit_text = time_limit or "the minutes and ten more"
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("testplan", help="the binary")
    for name, (default, help_text) in sizes.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{help_text} [{default}]")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeat these choices; their order in time may differ")
    parser.add_argument("--time-limit", type=float, default=time_limit, help=f"fail after so many seconds [{limit_text}]")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and database")
    parser.add_argument("--self-test", action="store_true", help="only show that each broken invariant is found")
    arguments = parser.parse_args()
    if arguments.self_test:
        run = selftest.run
    if arguments.time_limit is None:
        arguments.time_limit = arguments.minutes * 60 + 600
    print(f"seed {arguments.seed}", flush=True)
    began = time.monotonic()
    # A stopped script ends its processes as one that is interrupted.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        code = asyncio.run(asyncio.wait_for(run(arguments), arguments.time_limit))
    except asyncio.TimeoutError:
        print(f"BROKEN: not done after {arguments.time_limit:.0f} s")
        code = 1
    except KeyboardInterrupt:
        print("stopped by a signal")
        code = 130
    print(f"took {time.monotonic() - began:.0f} s, exit code {code}")
    sys.exit(code)


def conclude(world):
    """Prints what was done and found; the exit code."""
    evidence = world.evidence
    for what, count in sorted(world.notes.items()):
        print(f"{what}: {count}")
    print(f"requests through the forwarder: {evidence.requests}, without an answer: {evidence.requests - evidence.answers}")
    print(f"broken: {len(world.broken) or 'nothing'}")
    return 1 if world.broken else 0
