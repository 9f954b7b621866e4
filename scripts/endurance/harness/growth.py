"""What a service uses over time, and whether it grows: a bound for the rest of a soak from its first third."""

import os
import pathlib

# Room above the highest value of the first third: a part of it, and some units, because small values vary more.
ROOM = {
    "memory (MiB)": (0.15, 6),
    "open files": (0.25, 12),
    "threads": (0.25, 4),
    "database per plan (KiB)": (0.15, 4),
}


def of_process(pid):
    """Memory, open files and threads of a process; `None` if it is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        values = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        return {
            "memory (MiB)": int(values["VmRSS"].split()[0]) / 1024,
            "open files": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": int(values["Threads"]),
        }
    except (OSError, KeyError):
        return None


def database_kib(data):
    """The database without its write-ahead log, which is as large as its last checkpoint left it."""
    return (data / "testplan.sqlite").stat().st_size / 1024


class Samples:
    """Values of one subject over time."""

    def __init__(self, subject):
        self.subject, self.values = subject, {}

    def add(self, values):
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def grown(self):
        """What is beyond its bound, as sentences."""
        for name, values in self.values.items():
            third = max(1, len(values) // 3)
            part, units = ROOM[name]
            first, rest = max(values[:third]), max(values[third:], default=0)
            if rest > first * (1 + part) + units:
                yield f"{self.subject}: {name} grew from at most {first:.1f} in the first third to {rest:.1f} later"

    def lines(self):
        for name, values in self.values.items():
            third = max(1, len(values) // 3)
            thirds = [values[:third], values[third : 2 * third], values[2 * third :]]
            shown = ", ".join(f"{max(part, default=0):.1f}" for part in thirds)
            yield f"{self.subject}, {name}, highest in each third: {shown}"
