"""Leases, renewals and results, as a forwarder between clients and the service saw them."""

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
        """The lease is valid at least until then, by the accepted renewals that were sent before a moment."""
        return max([self.asked] + [sent for sent, _ in self.renewals if sent < before]) + self.timeout

    def known_valid_until(self, at):
        """The same by the renewals that were answered by a moment. One that was under way then may have revived the lease."""
        return max([self.asked] + [sent for sent, answered in self.renewals if answered < at]) + self.timeout

    def asks_for(self, timeout_ms):
        seconds = timeout_ms / 1000
        self.timeout = seconds if self.timeout is None else min(self.timeout, seconds)


class Evidence:
    """Everything that went by, by plan. What belongs to a plan is forgotten with `forget`."""

    def __init__(self):
        self.leases, self.asked, self.plans_of_titles = {}, {}, {}
        self.requests = self.answers = 0

    def sending(self, call, sent):
        """A request that the service may get from now on, whatever becomes of its answer."""
        self.requests += 1
        path, body = call.path.partition("?")[0], call.json() or {}
        key = call.headers.get("idempotency-key")
        if RESERVE.fullmatch(path) and key:
            # A repeated request gets the lease of the first one.
            self.asked.setdefault(key, sent)
        elif path != EXECUTE:
            is_result = FINISHED.fullmatch(path)
            for entry in body.get("entries", [body]) if is_result or HEARTBEAT.fullmatch(path) else []:
                lease = self.leases.get(entry.get("lease"))
                if lease is None:
                    continue
                if is_result or entry.get("release"):
                    lease.maybe_over = min(sent, lease.maybe_over or sent)
                elif "timeout" in entry:
                    lease.asks_for(entry["timeout"])

    def answered(self, call, sent, answer, received):
        """The answer to a request."""
        self.answers += 1
        path, body = call.path.partition("?")[0], call.json() or {}
        said = answer.json() if answer.status in (200, 201) else None
        if said is None:
            return
        if path == EXECUTE:
            self.plans_of_titles.setdefault(body.get("title"), set()).add(said["id"])
        elif reserve := RESERVE.fullmatch(path):
            if "execution_id" in said:
                asked = self.asked.get(call.headers.get("idempotency-key"), sent)
                for granted in [said, *said.get("more", [])]:
                    self._granted(int(reserve[1]), granted, asked, received)
        elif HEARTBEAT.fullmatch(path):
            for lease, entry in self._accepted(body, said):
                if not entry.get("release"):
                    lease.renewals.append((sent, received))
        elif FINISHED.fullmatch(path):
            for lease, entry in self._accepted(body, said):
                outcome = entry.get("outcome") or {}
                verdict = "error" if entry.get("message") else outcome.get("verdict", "completed")
                lease.accepted.append((verdict, sent, received))

    def _granted(self, plan, granted, asked, received):
        token = granted["lease"]
        lease = self.leases.setdefault(token, Lease(plan, granted["execution_id"], granted["attempt"], asked, received))
        lease.asks_for(granted["timeout"])

    def _accepted(self, body, said):
        """The known leases of the one entry of a call, or of those of a list, that were accepted."""
        for entry, answer in zip(body.get("entries", [body]), said.get("entries", [said])):
            lease = self.leases.get(entry.get("lease"))
            if lease is not None and "code" not in answer:
                yield lease, entry

    def of_plan(self, plan):
        return [lease for lease in self.leases.values() if lease.plan == plan]

    def forget(self, plan):
        self.leases = {token: lease for token, lease in self.leases.items() if lease.plan != plan}
        if len(self.asked) > 100_000:
            self.asked.clear()
