"""What the scripts here have in common: commands that run in turns, and their ratios."""

import os
import resource
import statistics
import subprocess
import time


def timed(command, work, variables=None):
    """Wall and CPU seconds of a command with all its children, and how it ended."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ended = subprocess.run(command, cwd=work, capture_output=True, check=False, env={**os.environ, **(variables or {})})
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), ended


def print_ratios(what, times, side):
    """Prints how column `side` of the times compares with the first one: medians of the rows, with the lowest and the highest."""
    line = what
    for number, unit in enumerate(("wall", "CPU")):
        ratios = [row[side][number] / row[0][number] for row in times]
        seconds = [statistics.median(row[which][number] for row in times) for which in (side, 0)]
        line += f"; {unit} {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}), {seconds[0]:.2f} s beside {seconds[1]:.2f}"
    print(line, flush=True)
