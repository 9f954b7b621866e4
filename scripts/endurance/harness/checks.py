"""The invariants of a finished plan, as functions of what was collected about it. Each returns what is broken, as sentences."""

import collections

# Events that end a lease, and those that do not.
ENDS = {"expired", "released", "not-started", "finished", "abandoned", "unstartable"}
KEEPS = {"heartbeat", "extended", "late-result", "other-result"}
# Clocks of the service and of the tests are read in milliseconds and hundredths of a second.
READING = 0.03


class Facts:
    """All that is known about a finished plan."""

    def __init__(self, plan, planned):
        self.plan, self.planned = plan, planned
        # From the service: executions, events and counters.
        self.executions, self.events, self.counts = [], [], {}
        # From clients: `Lease` objects of the forwarder, and (execution, attempt) of results that workers' records call counted.
        self.leases, self.confirmed = [], []
        # From the tests themselves: `Run` objects.
        self.runs = []
        # From `testplan report` or `run`: its JSON and exit code; `None` if it was not asked.
        self.report, self.code = None, None
        # The wall clock minus the monotonic one, in seconds.
        self.wall_ahead = None


class Run:
    """A test that really ran: when it began, and when and how it ended (`None` if it was killed)."""

    def __init__(self, execution, attempt, began):
        self.execution, self.attempt, self.began = execution, attempt, began
        self.ended = self.verdict = None


def all_broken(facts):
    found = []
    for check in CHECKS:
        found += [f"plan {facts.plan}: {sentence}" for sentence in check(facts)]
    return found


def histories(facts):
    by_execution = collections.defaultdict(list)
    for event in facts.events:
        by_execution[event["execution_id"]].append(event)
    return by_execution


def every_execution_is_done_once(facts):
    if len(facts.executions) != facts.planned:
        yield f"the service lists {len(facts.executions)} executions, not {facts.planned}"
    history = histories(facts)
    for execution in facts.executions:
        number = execution["execution_id"]
        if execution["state"] != "done":
            yield f"execution {number} is {execution['state']}, not done"
        if execution.get("error"):
            yield f"execution {number} could not run: {execution['error']}"
        counted = [event for event in history[number] if event["kind"] == "finished"]
        if len(counted) != 1:
            yield f"execution {number} has {len(counted)} counted results"
        elif counted[0]["detail"] != execution.get("verdict"):
            yield f"execution {number} is {execution.get('verdict')}, but its counted result says {counted[0]['detail']}"


def leases_follow_each_other(facts):
    for number, events in histories(facts).items():
        attempt, is_held, is_done = 0, False, False
        for event in events:
            kind = event["kind"]
            is_done = is_done or kind == "finished"
            if kind == "reserved":
                if is_done:
                    yield f"execution {number} was reserved (attempt {event['attempt']}) after its result was counted"
                if is_held:
                    yield f"execution {number} was reserved again (attempt {event['attempt']}) before its lease ended"
                if event["attempt"] <= attempt:
                    yield f"attempt {event['attempt']} of execution {number} was reserved after attempt {attempt}"
                attempt, is_held = event["attempt"], True
            elif kind in ENDS:
                is_held = False
            elif kind in KEEPS:
                # A lease that expired is revived by a heartbeat or by a start of the service.
                is_held = is_held or (kind in ("heartbeat", "extended") and event["attempt"] == attempt)
            else:
                yield f"execution {number} has the event {kind}, which nothing here asks for"


def no_lease_is_valid_twice(facts):
    by_execution = collections.defaultdict(list)
    for lease in facts.leases:
        by_execution[lease.execution].append(lease)
    for number, leases in by_execution.items():
        leases.sort(key=lambda lease: lease.attempt)
        for place, earlier in enumerate(leases):
            for later in leases[place + 1 :]:
                pair = f"attempts {earlier.attempt} and {later.attempt} of execution {number}"
                if any(answered < later.asked for _, _, answered in earlier.accepted):
                    yield f"{pair}: the second was granted after the result of the first was accepted"
                may_be_over = earlier.maybe_over is not None and earlier.maybe_over < later.granted
                until = earlier.valid_until(later.granted)
                if not may_be_over and later.granted < until - READING:
                    yield f"{pair} were valid together for {until - later.granted:.3f} s"
                if earlier.maybe_over is None and any(sent > later.granted for sent, _ in earlier.renewals):
                    yield f"{pair}: the first was renewed after the second was granted"


def no_lease_expires_early(facts):
    expired = {(it["execution_id"], it["attempt"]): it["at"] for it in facts.events if it["kind"] == "expired"}
    for lease in facts.leases:
        at = expired.get((lease.execution, lease.attempt))
        if at is not None and facts.wall_ahead is not None:
            moment = at / 1000 - facts.wall_ahead
            until = lease.known_valid_until(moment)
            if moment < until - 2 * READING:
                yield f"attempt {lease.attempt} of execution {lease.execution} expired {until - moment:.3f} s early"


def no_accepted_result_is_lost(facts):
    counted = {it["execution_id"]: it for it in facts.events if it["kind"] == "finished"}
    accepted = [(lease.execution, lease.attempt, verdict) for lease in facts.leases for verdict, _, _ in lease.accepted]
    accepted += [(execution, attempt, None) for execution, attempt in facts.confirmed]
    for execution, attempt, verdict in accepted:
        event = counted.get(execution)
        if event is None or event["attempt"] != attempt:
            has = f"that of attempt {event['attempt']}" if event else "none"
            yield f"the result of attempt {attempt} of execution {execution} was accepted; counted is {has}"
        elif verdict not in (None, event["detail"]):
            yield f"execution {execution} was accepted as {verdict} and counted as {event['detail']}"


def verdicts_are_those_of_the_tests(facts):
    runs = {}
    for run in facts.runs:
        attempt = (run.execution, run.attempt)
        if attempt in runs:
            yield f"attempt {run.attempt} of execution {run.execution} ran twice"
        runs[attempt] = run
    for event in facts.events:
        if event["kind"] == "finished":
            run = runs.get((event["execution_id"], event["attempt"]))
            ended = run.verdict if run else "never begun"
            if ended != event["detail"]:
                yield f"execution {event['execution_id']} is counted as {event['detail']}; its test ended as {ended}"


def no_test_runs_twice_at_once(facts):
    by_execution = collections.defaultdict(list)
    for run in facts.runs:
        by_execution[run.execution].append(run)
    for number, runs in by_execution.items():
        runs.sort(key=lambda run: run.began)
        for earlier, later in zip(runs, runs[1:]):
            if earlier.ended is not None and later.began < earlier.ended - READING:
                pair = f"attempts {earlier.attempt} and {later.attempt} of execution {number}"
                yield f"{pair} ran together for {earlier.ended - later.began:.2f} s"


def counts_agree(facts):
    verdicts = collections.Counter(execution.get("verdict") for execution in facts.executions)
    for word, verdict in (("passes", "passed"), ("failed", "failed"), ("skipped", "skipped")):
        if facts.counts.get(word) != verdicts[verdict]:
            yield f"the plan counts {facts.counts.get(word)} {verdict}, its executions {verdicts[verdict]}"
    if facts.report is not None:
        counts = facts.report["execution_counts"]
        expected = {"total": facts.planned, "errors": 0, "missing": 0}
        expected.update({verdict: verdicts[verdict] for verdict in ("passed", "failed", "skipped")})
        for word, count in expected.items():
            if counts[word] != count:
                yield f"the report has {counts[word]} {word}, not {count}"
    if facts.code is not None:
        expected = 1 if verdicts["failed"] else 0 if verdicts["passed"] else 4
        if facts.code != expected:
            yield f"the exit code is {facts.code}, not {expected}"


CHECKS = [
    every_execution_is_done_once,
    leases_follow_each_other,
    no_lease_is_valid_twice,
    no_lease_expires_early,
    no_accepted_result_is_lost,
    verdicts_are_those_of_the_tests,
    no_test_runs_twice_at_once,
    counts_agree,
]
