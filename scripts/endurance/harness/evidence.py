"""What clients were told: leases, renewals and results, as a forwarder between them and the service saw them."""

import re

HEARTBEAT = re.compile(r"/execution/v1/heartbeat/(\d+)|/testplan/v1/plans/\d+/heartbeat")
FINISHED = re.compile(r"/execution/v1/finished/(\d+)|/testplan/v1/plans/\d+/finished")
RESERVE = re.compile(r"/execution/v1/reserve/(\d+)")
EXECUTE = "/execution/v1/executeplan"


class Lease:
    """One lease as its holder knows it. All times are of the monotonic clock, in seconds."""

    def __init__(self, plan, execution, attempt, asked, granted):
        self.plan, self.execution, self.attempt = plan, execution, attempt
        # The service granted it between these two moments.
        self.asked, self.granted = asked, granted
        # Renewals that were answered 200 (sent, answered), and the shortest length that anyone asked for.
        self.renewals, self.timeout = [], None
        # When a result or a release was first sent: from then on the lease may be over.
        self.maybe_over = None
        # Results that were answered 200: what they said, and when.
        self.accepted = []

    def valid_until(self, before):
        """The lease is valid at least until then, by what was answered to requests sent before a moment."""
        sent = [self.asked] + [sent for sent, _ in self.renewals if sent < before]
        return max(sent) + self.timeout

    def asks_for(self, timeout_ms):
        seconds = timeout_ms / 1000
        self.timeout = seconds if self.timeout is None else min(self.timeout, seconds)


class Evidence:
    """Everything that went by, by plan. What belongs to a plan is forgotten with `forget`."""

    def __init__(self):
        self.leases, self.asked, self.plans_of_keys = {}, {}, {}
        self.requests = self.answered = self.unanswered = 0

    def record(self, call, sent, answer, received):
        """A request that the service may have got, and its answer (`None` if there was none)."""
        self.requests += 1
        if answer is None:
            self.unanswered += 1
        else:
            self.answered += 1
        path = call.path.partition("?")[0]
        body = call.json() or {}
        said = answer.json() if answer is not None and answer.status in (200, 201) else None
        key = call.headers.get("idempotency-key")
        if path == EXECUTE:
            plans = self.plans_of_keys.setdefault(body.get("title"), set())
            if said:
                plans.add(said["id"])
        elif reserve := RESERVE.fullmatch(path):
            # A repeated request gets the lease of the first one.
            asked = self.asked.setdefault(key, sent) if key else sent
            if said and "execution_id" in said:
                for granted in [said, *said.get("more", [])]:
                    self._granted(int(reserve[1]), granted, asked, received)
        elif one := HEARTBEAT.fullmatch(path):
            self._each(one[1], body, said, lambda *entry: self._renewed(*entry, sent, received))
        elif one := FINISHED.fullmatch(path):
            self._each(one[1], body, said, lambda *entry: self._finished(*entry, sent, received))

    def _granted(self, plan, granted, asked, received):
        token = granted.get("lease")
        lease = self.leases.get(token)
        if lease is None:
            lease = Lease(plan, granted["execution_id"], granted["attempt"], asked, received)
            self.leases[token] = lease
        lease.asks_for(granted["timeout"])

    def _each(self, execution, body, said, take):
        """Calls `take(lease, entry, accepted)` for the one entry of a call, or for each of a list."""
        entries = body.get("entries") if execution is None else [body]
        answers = (said or {}).get("entries") if execution is None else [said]
        for place, entry in enumerate(entries or []):
            lease = self.leases.get(entry.get("lease"))
            answer = answers[place] if answers and place < len(answers) else None
            if lease is not None:
                take(lease, entry, bool(answer) and "code" not in answer)

    def _renewed(self, lease, entry, accepted, sent, received):
        if entry.get("release"):
            lease.maybe_over = min(sent, lease.maybe_over or sent)
            return
        if "timeout" in entry:
            lease.asks_for(entry["timeout"])
        if accepted:
            lease.renewals.append((sent, received))

    def _finished(self, lease, entry, accepted, sent, received):
        lease.maybe_over = min(sent, lease.maybe_over or sent)
        if accepted:
            outcome = entry.get("outcome") or {}
            verdict = "error" if entry.get("message") else outcome.get("verdict", "completed")
            lease.accepted.append((verdict, sent, received))

    def of_plan(self, plan):
        return [lease for lease in self.leases.values() if lease.plan == plan]

    def forget(self, plan):
        self.leases = {token: lease for token, lease in self.leases.items() if lease.plan != plan}
        if len(self.asked) > 100_000:
            self.asked.clear()
