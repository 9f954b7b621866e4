"""Lists the scenarios of behave for TESTPLAN_LISTING, or runs those of TESTPLAN_SELECTION and writes an event stream."""
import functools
import os
import sys
import time


class Stream:
    """Writes what the scenarios of a run do."""

    def __init__(self, events):
        self.events = events
        self.wanted = events.selection()
        # Lines and attempts of the selected scenarios, by themselves.
        self.lines = {}
        self.attempts = {}
        self.has_failure = False

    def select(self, features):
        """Marks all other scenarios as skipped, and returns the features that are left."""
        left = []
        for feature in features:
            has_wanted = False
            for name, scenario in scenarios_of(feature):
                file = self.events.file(feature.filename)
                if (file, self.events.clean(name)) in self.wanted:
                    has_wanted = True
                    self.lines[scenario] = {
                        "id": str(len(self.lines) + 1),
                        "file": file,
                        "titles": [self.events.clean(name)],
                        "line": scenario.line,
                    }
                else:
                    scenario.mark_skipped()
            if has_wanted:
                left.append(feature)
        return left

    def run_scenario(self, run, scenario, runner):
        if scenario not in self.lines or runner.aborted:
            return run(scenario, runner)
        attempt = self.attempts[scenario] = self.attempts.get(scenario, 0) + 1
        line = {**self.lines[scenario], "attempt": attempt}
        self.events.write("test_start", **line)
        started = time.perf_counter()
        failed = run(scenario, runner)
        took = round((time.perf_counter() - started) * 1000, 3)
        status = scenario.status.name
        if status == "untested" and runner.aborted:
            # It has neither passed nor failed; the abort is reported.
            return failed
        words = {}
        if status == "skipped" and not failed:
            reason = getattr(scenario, "skip_reason", None) or ""
            words = {"message": self.events.cut(reason, self.events.MOST_MESSAGE)}
        elif status != "passed" or failed:
            self.has_failure = True
            words, status = self.failure(scenario, status), "failed"
        self.events.write("test_end", **line, status=status, ms=took, **words)
        return failed

    def failure(self, scenario, status):
        text = [scenario.error_message or ""]
        message = text[0]
        for step in scenario.all_steps:
            if step.status.name in ("failed", "error", "undefined", "pending", "pending_warn", "hook_error"):
                if step.error_message:
                    text.append(step.error_message)
                reason = (step.error_message or step.status.name).strip()
                if reason.startswith("Traceback"):
                    reason = reason.split("\n")[-1]
                message = message or f"{step.keyword} {step.name}: {reason}"
        message = message or f"it ended with the status {status}"
        return self.events.failure(message.split("\nTraceback", 1)[0], text="\n".join(filter(None, text)))

    def run_feature(self, run, feature, runner):
        was_aborted = runner.aborted
        failed = run(feature, runner)
        file = self.events.file(feature.filename)
        hook = (feature.error_message or "").strip()
        is_hook = feature.hook_failed or feature.status.name == "cleanup_error"
        if not is_hook or was_aborted:
            return failed
        self.has_failure = True
        words = self.events.failure(hook or "a hook or a clean-up of the feature failed")
        left = [it for it in self.lines if self.lines[it]["file"] == file and it not in self.attempts]
        for scenario in left:
            self.events.write("test_end", **self.lines[scenario], status="error", **words)
        if not left:
            self.events.write("error", file=file, **words)
        return failed

    def run_hook(self, run, runner, name, *args):
        passed = run(runner, name, *args)
        if name in ("before_all", "after_all") and not passed:
            self.has_failure = True
            self.events.write("error", **self.events.failure(f"the hook {name} failed"))
        return passed

    def run_model(self, run, runner, features=None):
        from behave import __version__

        features = self.select(runner.features if features is None else features)
        runner.features[:] = features
        self.events.write("run_start", v=1, tool=f"behave {__version__}")
        failed = run(runner, features)
        if runner.aborted:
            self.events.write("error", **self.events.failure("behave aborted the run"))
            return failed
        if failed and not self.has_failure:
            self.events.write("error", **self.events.failure("behave failed, and none of these scenarios did"))
        self.events.write("run_end")
        return failed


def scenarios_of(container, titles=()):
    """The scenarios of a feature or a rule with their names, rows of outlines as scenarios of their own."""
    from behave.model import ScenarioOutline

    for item in container.run_items:
        if hasattr(item, "run_items"):
            yield from scenarios_of(item, (*titles, item.name))
        elif isinstance(item, ScenarioOutline):
            for row in item.scenarios:
                yield " > ".join((*titles, row.name)), row
        else:
            yield " > ".join((*titles, item.name)), item


def list_scenarios(events, arguments):
    from behave.configuration import Configuration
    from behave.parser import parse_file
    from behave.runner import Runner

    config = Configuration(arguments)
    runner = Runner(config)
    runner.setup_paths()
    tests, broken, seen = [], [], set()
    for location in runner.feature_locations():
        path = getattr(location, "filename", location)
        if path in seen or config.exclude(path):
            continue
        seen.add(path)
        try:
            feature = parse_file(os.path.abspath(path), language=config.lang)
        except Exception as error:
            broken.append(f"{events.file(path)}: {error}")
            continue
        if feature is not None:
            selected = [name for name, it in scenarios_of(feature) if it.should_run(config)]
            tests += [(events.file(path), events.clean(name)) for name in selected]
    events.write_listing(tests, broken)
    return 0


def patch(owner, name, wrapper):
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args, **options):
        return wrapper(original, *args, **options)

    setattr(owner, name, wrapped)


def run_scenarios(events, arguments):
    from behave import model, runner
    from behave.__main__ import main as behave

    stream = Stream(events)
    patch(model.Scenario, "run", stream.run_scenario)
    patch(model.Feature, "run", stream.run_feature)
    patch(runner.ModelRunner, "run_hook", stream.run_hook)
    patch(runner.ModelRunner, "run_model", stream.run_model)
    return behave(arguments)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, here)
    import testplan_events as events

    # As `python -m behave` does: the folder of the start comes first, and not that of this file.
    sys.path = [os.getcwd()] + [path for path in sys.path if os.path.abspath(path or ".") != here]
    try:
        import behave.version  # noqa: F401
    except ImportError as error:
        print(f"{error}: `program` names the Python in which behave is installed", file=sys.stderr)
        return 3
    return (list_scenarios if events.listing else run_scenarios)(events, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
