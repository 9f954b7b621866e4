"""Shows that the checks can fail: each invariant is broken on purpose, and must be reported."""

import copy

from . import checks
from .evidence import Lease
from .growth import Samples
from .world import World


def event(facts, kind):
    return next(it for it in facts.events if it["kind"] == kind)


def lose_counted_result(facts):
    facts.events.remove(event(facts, "finished"))


def count_twice(facts):
    facts.events.append({**event(facts, "finished"), "id": 1 << 40})


def leave_open(facts):
    facts.executions[0]["state"] = "open"


def change_verdict(facts):
    passed = next(it for it in facts.executions if it["verdict"] == "passed")
    passed["verdict"] = "failed"


def count_what_did_not_run(facts):
    facts.runs.pop()


def count_other_verdict(facts):
    run = next(run for run in facts.runs if run.verdict == "passed")
    run.verdict = "failed"


def run_twice(facts):
    facts.runs.append(copy.copy(facts.runs[0]))


def run_together(facts):
    again = copy.copy(max(facts.runs, key=lambda run: run.ended - run.began))
    again.attempt, again.began = again.attempt + 1, (again.began + again.ended) / 2
    facts.runs.append(again)


def reserve_while_held(facts):
    first = event(facts, "reserved")
    facts.events.insert(facts.events.index(first) + 1, {**first, "attempt": 2})


def reserve_after_result(facts):
    last = event(facts, "finished")
    facts.events.append({**last, "kind": "reserved", "attempt": last["attempt"] + 1})


def second_lease(lease, asked, granted):
    second = Lease(lease.plan, lease.execution, lease.attempt + 1, asked, granted)
    second.asks_for(lease.timeout * 1000)
    return second


def grant_valid_lease_again(facts):
    lease = facts.leases[0]
    lease.maybe_over, lease.accepted = None, []
    facts.leases.append(second_lease(lease, lease.granted + 0.1, lease.granted + 0.2))


def renew_lost_lease(facts):
    lease = facts.leases[0]
    later = lease.granted + lease.timeout + 1
    lease.maybe_over, lease.accepted, lease.renewals = None, [], [(later + 1, later + 1.1)]
    facts.leases.append(second_lease(lease, later - 0.1, later))


def grant_after_accepted_result(facts):
    lease = next(lease for lease in facts.leases if lease.accepted)
    answered = lease.accepted[0][2]
    facts.leases.append(second_lease(lease, answered + 1, answered + 1.1))


def expire_early(facts):
    lease = facts.leases[0]
    at = (lease.granted + lease.timeout / 2 + facts.wall_ahead) * 1000
    attempt = {"execution_id": lease.execution, "attempt": lease.attempt}
    facts.events.append({**event(facts, "reserved"), **attempt, "kind": "expired", "at": at})


def accept_what_is_not_counted(facts):
    lease = next(lease for lease in facts.leases if lease.accepted)
    lease.attempt += 7


def accept_other_verdict(facts):
    lease = next(lease for lease in facts.leases if lease.accepted)
    lease.accepted = [("other", *lease.accepted[0][1:])]


def confirm_what_is_not_counted(facts):
    execution, attempt = facts.confirmed[0]
    facts.confirmed.append((execution, attempt + 1))


def count_wrong(facts):
    facts.counts["passes"] += 1


def report_wrong(facts):
    facts.report["execution_counts"]["missing"] = 1


def exit_wrong(facts):
    facts.code = 0 if facts.code else 1


# What breaks an invariant, and words of the sentence that reports it.
BREAKS = {
    lose_counted_result: "has 0 counted results",
    count_twice: "has 2 counted results",
    leave_open: "is open, not done",
    change_verdict: "but its counted result says passed",
    count_what_did_not_run: "its test ended as never begun",
    count_other_verdict: "its test ended as failed",
    run_twice: "ran twice",
    run_together: "ran together",
    reserve_while_held: "before its lease ended",
    reserve_after_result: "after its result was counted",
    grant_valid_lease_again: "were valid together",
    renew_lost_lease: "the first was renewed after the second was granted",
    grant_after_accepted_result: "granted after the result of the first was accepted",
    expire_early: "s early",
    accept_what_is_not_counted: "was accepted; counted is",
    accept_other_verdict: "was accepted as other and counted as",
    confirm_what_is_not_counted: "was accepted; counted is",
    count_wrong: "the plan counts",
    report_wrong: "the report has 1 missing, not 0",
    exit_wrong: "the exit code is",
}


async def finished_plan(world, name):
    plan = await world.execute(name, "mixed", world.forwarder_url)
    for _ in range(2):
        world.add_worker(plan, world.forwarder_url)
    await world.wait_for_workers(plan)
    return plan, await world.check(plan, world.forwarder_url)


async def run(arguments):
    """Exit code 0 if everything that was broken was found."""
    missed = []

    def expect(what, is_found):
        print(f"{'found' if is_found else 'NOT FOUND'}: {what}")
        if not is_found:
            missed.append(what)

    async with World(arguments.testplan, arguments.seed, {"mixed": 20}, keep=arguments.keep) as world:
        plan, facts = await finished_plan(world, "sound")
        expect("nothing, where nothing is broken", not world.broken)
        for damage, words in BREAKS.items():
            damaged = copy.deepcopy(facts)
            damage(damaged)
            expect(damage.__name__.replace("_", " "), any(words in it for it in checks.all_broken(damaged)))
        plan.outcome[facts.executions[0]["execution_id"]] = ("done", "failed", 9)
        await world.check_again()
        expect("a result that changed later", any("has other results" in it for it in world.broken))
        world.evidence.plans_of_titles["sound"].add(99)
        world.check_started_once()
        expect("a plan that was started twice", any("was started 2 times" in it for it in world.broken))
        world.forwarder.lies = 1
        await finished_plan(world, "lie")
        expect("a forwarder that accepts a result itself", any("was accepted; counted is" in it for it in world.broken))
        world.broken.clear()
    leak, flat = Samples("leak"), Samples("flat")
    for number in range(60):
        leak.add({"memory (MiB)": 20 + number / 2, "open files": 20})
        flat.add({"memory (MiB)": 20 + number % 5, "open files": 20})
    expect("memory that grows", any("memory (MiB) grew" in it for it in leak.grown()))
    expect("no growth of what is steady", not list(flat.grown()) and len(list(leak.grown())) == 1)
    print(f"self-test: {f'{len(missed)} not found' if missed else 'everything was found'}")
    return 1 if missed else 0
