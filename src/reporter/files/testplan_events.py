"""Writes the lines of an event stream for the files beside this one. docs/event-stream.md describes the format."""
import functools
import json
import os
import re
import sys

MOST_TEXT = 64 * 1024
MOST_MESSAGE = 4 * 1024
COLOURS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")

folder = os.path.realpath(os.getcwd())
process = os.getpid()
# Taken out: tests that start the tool themselves must not write here.
target = os.environ.pop("TESTPLAN_EVENTS", None)
_selection = os.environ.pop("TESTPLAN_SELECTION", None)
listing = os.environ.pop("TESTPLAN_LISTING", None)


def clean(value):
    # A lone surrogate is no text that every reader takes.
    text = COLOURS.sub("", str(value))
    return text.encode("utf-8", "replace").decode("utf-8")


def cut(value, most):
    """Both ends of a text that is too long."""
    text = clean(value)
    if len(text) <= most:
        return text
    left_out = len(text) - most
    return f"{text[:most // 2]}\n[… {left_out} characters left out …]\n{text[-(most // 2):]}"


@functools.lru_cache(maxsize=None)
def file(path):
    """A path relative to the folder of the start if it is below it, with `/`."""
    if not path:
        return ""
    real = os.path.realpath(str(path))
    prefix = folder.rstrip(os.sep) + os.sep
    inside = real[len(prefix):] if real.startswith(prefix) else real
    return clean(inside).replace(os.sep, "/")


def write(kind, /, **event):
    """Appends one line. Newlines on both sides: what another process broke off must not spoil it."""
    global target
    # A test may have forked a process that runs on behind it.
    if not target or os.getpid() != process:
        return
    filled = {key: value for key, value in event.items() if value not in ("", None, False)}
    line = json.dumps({"t": kind, "pid": process, **filled})
    try:
        handle = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"\n{line}\n".encode("utf-8"))
        finally:
            os.close(handle)
    except OSError as error:
        target = None
        print(f"testplan: the event stream cannot be written: {error}", file=sys.stderr)


def failure(message, kind="", text=""):
    return {
        "message": cut(message, MOST_MESSAGE) or "it failed without a message",
        "kind": clean(kind),
        "text": cut(text, MOST_TEXT),
    }


def selection():
    """The pairs of file and name that shall run."""
    if not _selection:
        return set()
    with open(_selection, encoding="utf-8", newline="\n") as lines:
        pairs = [line.rstrip("\n").split("\t", 1) for line in lines]
    return {tuple(pair) for pair in pairs if len(pair) == 2}


def write_listing(tests, broken):
    """Writes the tests, pairs of file and name, and what could not be loaded."""
    named = [{"suite": suite, "testcase": testcase} for suite, testcase in tests]
    text = json.dumps({"tests": named, "broken": [clean(it) for it in broken]})
    with open(listing, "w", encoding="utf-8") as out:
        out.write(text)
