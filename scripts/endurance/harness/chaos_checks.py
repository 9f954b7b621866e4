"""What must hold after a round of chaos, from the lists of the service, the rows of the database and what the clients saw."""

import collections

from . import checks

# From the fault until a result is accepted again.
LONGEST = 5.0


def all_broken(facts, rows, seen):
    """`facts` as for other plans; `rows` are the events in the database, `seen` what a reader got that paged through them."""
    found = []
    for check in (
        checks.every_execution_is_done_once,
        checks.leases_follow_each_other,
        checks.no_lease_is_valid_twice,
        checks.no_lease_expires_early,
        checks.no_accepted_result_is_lost,
        checks.counts_agree,
    ):
        found += check(facts)
    found += events_have_no_gap(rows)
    if seen is not None:
        found += reader_missed_nothing(rows, seen)
    return found


def events_have_no_gap(rows):
    numbers = [row[0] for row in rows]
    if numbers != list(range(1, len(numbers) + 1)):
        gap = next(at for at, number in enumerate(numbers, 1) if number != at)
        yield f"the events are not numbered without a gap: the {gap}th has the number {numbers[gap - 1]}"


def reader_missed_nothing(rows, seen):
    read = [(it["id"], it["execution_id"], it["attempt"], it["kind"]) for it in seen]
    there = [row[:4] for row in rows]
    if read != there:
        missed = sorted(set(there) - set(read))
        yield f"a reader of the events got {len(read)} of {len(there)}; it missed {missed[:3]}"


def longest_pause(moments, since, until, outages):
    """The longest time without an accepted result in a span, apart from `outages`, when there was no database."""
    inside = sorted(moment for moment in moments if since < moment < until)
    longest = 0.0
    for begin, end in zip([since, *inside], [*inside, until]):
        down = sum(max(0.0, min(end, over) - max(begin, down)) for down, over in outages)
        longest = max(longest, end - begin - down)
    return longest


def lost_by_failover(old, new):
    """The events of the old server that the standby never got: all from the first one on in which the two differ. Rows are
    (number, execution, attempt, kind, time, detail)."""
    same = 0
    for one, other in zip(old, new):
        if one != other:
            break
        same += 1
    return old[same:]


def take_out_lost(facts, lost, outage):
    """Takes what the standby lacked out of what clients know, and returns the results that they lost. `outage` is when the old
    server was stopped and when the standby took over."""
    numbers = collections.defaultdict(set)
    for _, execution, attempt, kind, _, _ in lost:
        numbers[kind].add((execution, attempt))
    named = []
    for lease in facts.leases:
        if lease.asked > outage[1]:
            continue
        is_gone = lambda kind: (lease.execution, lease.attempt) in numbers[kind]
        before = [it for it in lease.accepted if it[1] < outage[0]]
        if is_gone("finished") and before:
            named.append((lease.execution, lease.attempt, before[0][0]))
            lease.accepted = [it for it in lease.accepted if it not in before]
        if is_gone("reserved") and lease.granted < outage[1]:
            lease.is_lost = True
        # Renewals are no events, so those of the last moments may be lost without a trace.
        lease.renewals = [it for it in lease.renewals if not outage[0] - 10 < it[0] < outage[1]]
    facts.leases = [lease for lease in facts.leases if not getattr(lease, "is_lost", False)]
    return named
