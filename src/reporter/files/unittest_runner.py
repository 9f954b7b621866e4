"""Lists the tests that `python -m unittest discover` finds, or runs those of TESTPLAN_SELECTION and writes an event stream.

For Python 3.9 and later. It takes the options of `python -m unittest discover` that concern finding tests and output.
"""
import argparse
import os
import sys
import time
import unittest
from unittest.util import strclass


class Loader(unittest.TestLoader):
    """Finds tests as unittest does, and remembers from which file each of them is."""

    def __init__(self, events, files=None, below=True):
        super().__init__()
        self.events = events
        # Only these files are loaded; all if it is None.
        self.files = files
        # Whether folders in which none of the files lies are left out.
        self.below = below
        self.origins = {}

    def file_of(self, test):
        if id(test) in self.origins:
            return self.origins[id(test)][0]
        module = sys.modules.get(type(test).__module__)
        return self.events.file(getattr(module, "__file__", ""))

    def _match_path(self, path, full_path, pattern):
        if not super()._match_path(path, full_path, pattern):
            return False
        return self.files is None or self.events.file(full_path) in self.files

    def _find_test_path(self, full_path, *args, **options):
        file = self.events.file(full_path)
        is_folder = os.path.isdir(full_path)
        if is_folder and self.files is not None and self.below:
            if not any(wanted.startswith(file + "/") for wanted in self.files):
                return None, False
        found = super()._find_test_path(full_path, *args, **options)
        if found[0] is not None:
            origin = file + "/__init__.py" if is_folder else file
            for test in tests_of(found[0]):
                # The test is kept, so that its id stays its own. A file that a package loads itself came before.
                self.origins.setdefault(id(test), (origin, test))
        return found


def tests_of(suite):
    if isinstance(suite, unittest.BaseTestSuite):
        for test in suite:
            yield from tests_of(test)
    elif suite is not None:
        yield suite


def is_broken(test):
    return type(test).__module__ == "unittest.loader" and type(test).__name__ == "_FailedTest"


def last_line(test):
    """What went wrong when a test could not be loaded, without the places."""
    return str(test._exception).strip().split("\n")[-1]


def name_of(loader, test):
    """Class and method. A test whose class is that of another file has its whole id."""
    name = test.id()
    module = type(test).__module__
    file = loader.events.file(getattr(sys.modules.get(module), "__file__", ""))
    is_own = name.startswith(module + ".") and (file == loader.file_of(test) or module == "unittest.loader")
    return loader.events.clean(name[len(module) + 1:] if is_own else name)


def keep(suite, wanted):
    """Takes from a suite the tests that are not wanted; those left are returned."""
    kept, left = [], []
    for test in list(suite):
        if isinstance(test, unittest.BaseTestSuite):
            inner = keep(test, wanted)
            if inner:
                kept.append(test)
                left += inner
        elif id(test) in wanted:
            kept.append(test)
            left.append(test)
    suite._tests = kept
    return left


class Result(unittest.TextTestResult):
    """unittest's own result that also writes the event stream."""

    events = loader = None
    selected = ()

    def startTestRun(self):
        super().startTestRun()
        self.ids = {id(test): str(number) for number, test in enumerate(self.selected, 1)}
        self.ended = set()
        self.running = None
        self.outcome = None

    def line(self, test):
        number = self.ids.setdefault(id(test), str(len(self.ids) + 1))
        return {"id": number, "file": self.loader.file_of(test), "titles": [name_of(self.loader, test)]}

    def startTest(self, test):
        super().startTest(test)
        self.running, self.outcome, self.started = test, None, time.perf_counter()
        self.events.write("test_start", **self.line(test))

    def stopTest(self, test):
        super().stopTest(test)
        if test is not self.running:
            return
        status, words = self.outcome or ("error", self.events.failure("unittest reported no result of it"))
        self.ended.add(id(test))
        took = (time.perf_counter() - self.started) * 1000
        self.events.write("test_end", **self.line(test), status=status, ms=round(took, 3), **words)
        self.running = self.outcome = None

    def record(self, test, status, words):
        if isinstance(test, unittest.case._SubTest):
            test = test.test_case
        if test is not self.running:
            # Python 3.12.1 does not start a test that a decorator skips.
            if isinstance(test, unittest.TestCase):
                self.ended.add(id(test))
                return self.events.write("test_end", **self.line(test), status=status, **words)
            return self.outside(test, status, words)
        order = ["passed", "skipped", "failed", "error"]
        if self.outcome is None or order.index(status) > order.index(self.outcome[0]):
            self.outcome = (status, words)
        elif status in ("failed", "error"):
            text = self.outcome[1].get("text", "")
            more = words["text"] or words["message"]
            self.outcome[1]["text"] = self.events.cut(f"{text}\n\n{more}", self.events.MOST_TEXT)

    def outside(self, holder, status, words):
        """A fixture of a class or a module: its failure is that of all its tests, its skip that of those left."""
        name = holder.id()
        place = name[name.find("(") + 1:].rstrip(")")
        its = [it for it in self.selected if place in (strclass(type(it)), type(it).__module__)]
        if words.get("message"):
            words = {**words, "message": f"{self.events.clean(name)}: {words['message']}"}
        if status == "skipped":
            its = [it for it in its if id(it) not in self.ended]
        for test in its:
            self.ended.add(id(test))
            self.events.write("test_end", **self.line(test), status=status, **words)
        if not its and status != "skipped":
            self.events.write("error", **words)

    def words(self, error, test):
        kind, value, _ = error
        message = str(value) or kind.__name__
        return self.events.failure(message, kind.__name__, self._exc_info_to_string(error, test))

    def addSuccess(self, test):
        super().addSuccess(test)
        self.record(test, "passed", {})

    def addError(self, test, err):
        super().addError(test, err)
        self.record(test, "error", self.words(err, test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.record(test, "failed", self.words(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.record(test, "skipped", {"message": self.events.cut(reason, self.events.MOST_MESSAGE)})

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.record(test, "passed", {})

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.record(test, "failed", self.events.failure("it passed although it is expected to fail"))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            status = "failed" if issubclass(err[0], test.failureException) else "error"
            words = self.words(err, test)
            words["message"] = self.events.cut(f"{subtest._subDescription()}: {words['message']}", self.events.MOST_MESSAGE)
            self.record(test, status, words)


def discover(events, options, files, below):
    loader = Loader(events, files, below)
    suite = loader.discover(options.start_directory, options.pattern, options.top_level_directory)
    return loader, suite


def list_tests(events, options):
    loader, suite = discover(events, options, None, True)
    tests = list(tests_of(suite))
    paths = [events.file(path) for path in options.paths]
    is_below = lambda file: not paths or any(file == it or file.startswith(it.rstrip("/") + "/") for it in paths)
    tests = [(loader.file_of(test), test) for test in tests]
    tests = [(file, test) for file, test in tests if is_below(file)]
    broken = [f"{file}: {last_line(test)}" for file, test in tests if is_broken(test)]
    for path in paths:
        if not any(file == path or file.startswith(path.rstrip("/") + "/") for file, _ in tests):
            broken.append(f"{path}: unittest finds no test there when it starts in {options.start_directory}")
    events.write_listing([(file, name_of(loader, test)) for file, test in tests if not is_broken(test)], broken)
    return 0


def run_tests(events, options):
    pairs = events.selection()
    files = {file for file, _ in pairs}
    # A package may load its tests from folders elsewhere: all are searched if one is missing.
    for below in (True, False):
        loader, suite = discover(events, options, files, below)
        found = [it for it in tests_of(suite) if (loader.file_of(it), name_of(loader, it)) in pairs]
        if len({(loader.file_of(it), name_of(loader, it)) for it in found}) == len(pairs):
            break
    events.write("run_start", v=1, tool=f"unittest of Python {sys.version.split()[0]}")
    broken = [test for test in tests_of(suite) if is_broken(test) and loader.file_of(test) in files]
    for test in broken:
        words = events.failure(last_line(test), text=str(test._exception))
        events.write("error", file=loader.file_of(test), **words)
    Result.events, Result.loader = events, loader
    Result.selected = keep(suite, {id(test) for test in found})
    runner = unittest.TextTestRunner(
        resultclass=Result,
        verbosity=options.verbosity,
        buffer=options.buffer,
        tb_locals=options.locals,
        warnings=None if sys.warnoptions else "default",
    )
    result = runner.run(suite)
    events.write("run_end")
    return 0 if result.wasSuccessful() and not broken else 1


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    import testplan_events as events

    # As `python -m unittest` does: the folder of the start comes first, and not that of this file.
    sys.path = [os.getcwd()] + [path for path in sys.path if os.path.abspath(path or ".") != here]
    parser = argparse.ArgumentParser(prog="python -m unittest", allow_abbrev=False)
    parser.add_argument("-s", "--start-directory", default=".")
    parser.add_argument("-p", "--pattern", default="test*.py")
    parser.add_argument("-t", "--top-level-directory", default=None)
    parser.add_argument("-b", "--buffer", action="store_true")
    parser.add_argument("-v", "--verbose", dest="verbosity", action="store_const", const=2, default=1)
    parser.add_argument("-q", "--quiet", dest="verbosity", action="store_const", const=0)
    parser.add_argument("--locals", action="store_true")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    sys.argv = [sys.argv[0]]
    try:
        return (list_tests if events.listing else run_tests)(events, options)
    except ImportError as error:
        print(f"{error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
