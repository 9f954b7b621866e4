//! Random sequences of everything that can be asked of a store, with the clock stepping in between, compared step by
//! step with [`super::model`]: every answer, then everything that can be read.
//!
//! Does it bite? Each of these, made in the store by hand, made `the_store_does_what_the_model_says` fail:
//!
//! | Mutant | |
//! |---|---|
//! | guard of a holder: neither epoch nor lease compared | caught |
//! | guard of a holder: principal not compared | caught |
//! | a lease is over only after its deadline, not at it | caught |
//! | heartbeat extends whatever the state and deadline | caught |
//! | heartbeat revives an open execution | caught |
//! | heartbeat revives though another lease got its Squish server | caught, by a row count |
//! | release counts an expiry | caught |
//! | release keeps the Squish server bound | caught |
//! | finish refuses a lapsed lease | caught, as unexplained |
//! | finish takes a done or open execution | caught, by a counter |
//! | finish forgets the payload's digest | caught |
//! | finish frees its Squish server whoever has it by now | caught |
//! | finish counts a lapsed execution as reserved | caught, by a counter |
//! | reset without its guard on the outcome | caught |
//! | reset without its guard on state and outcome | caught, by a counter |
//! | reset without its guard on the generation | caught |
//! | reset leaves the lease known | caught |
//! | reset leaves the expiries | caught |
//! | reserve does not count an expiry | caught |
//! | reserve gives up one expiry too early | caught |
//! | reserve counts a lease that was given back by timeout | caught |
//! | reserve ignores the planned time | caught |
//! | reserve does not count skips | caught |
//! | a repeated reserve gets a lease that was superseded | caught |
//! | an abandoned execution keeps its lease | caught |
//! | cool-down from when the end was noticed | caught |
//! | no cool-down | caught, by a row count |
//! | a disabled Squish server is given out | caught, by a row count |
//! | no compensation after a restart | caught |
//! | status counts an end that was not noticed yet as reserved | caught |
//!
//! Not among them, because nothing can tell: heartbeat's `deadline > now` alone, as ends are noticed first, and
//! reset's `state = 3` alone, as only done executions have an outcome. Both stay as a second lock.

use std::{cell::Cell, collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use testplan::{
    model::{
        Capabilities, ExecutionId, ExecutionState, LeaseToken, NewSquishServer, Outcome, PlanId,
        PlanStatus, ServerTrouble, SquishServerChange, SquishServerId, Test, TestListDigest,
        TestResult, TestVerdict, Timestamp,
    },
    store::{
        BatchRequest, EntryAnswers, ExecutePlan, Finish, FinishList, Granted, Heartbeat, NewImport,
        NotStarted, RefusalCode, ReportedTest, RequestedTests, Reservation, Reserve, Reset, Rules,
        Store, StoreError,
    },
};

use super::{
    model::{
        Answer, Batch, Grant, Model, Payload, ReleaseMark, State, Voice, WORKERS as LIVE_WORKERS,
        Wish,
    },
    world::{Home, PostgresHome, START, SqliteHome, caps, has_postgres, template, upload},
};

/// Sequences of the normal run, and of the long one that a person starts.
const SEQUENCES: u32 = 300;
const POSTGRES_SEQUENCES: u32 = 60;
const MANY_SEQUENCES: u32 = 20_000;
/// After every how many steps all is read and compared; every answer is compared anyway.
const LOOK: usize = 4;
/// Steps of the longest sequence.
const STEPS: usize = 200;

const PRINCIPALS: [&str; 2] = ["alice", "bob"];
/// Mostly the first, so that it comes back to what it lost.
/// Who is said to be there when an execution did not start.
const LIVE: [&[&str]; 4] = [&[], &["w1"], &["w1", "w2"], &["w3"]];
const WORKERS: [Option<&str>; 5] = [Some("w1"), Some("w1"), Some("w1"), Some("w2"), None];
const OFFERS: [&str; 4] = ["", "OS=Linux", "os=linux browser=chrome", "OS=Windows"];
const TEMPLATES: [&[&str]; 3] = [
    &["", "OS=Linux"],
    &[
        "OS=Linux",
        "OS=Linux",
        "OS=Linux browser=chrome",
        "",
        "OS=Windows",
    ],
    &["OS=Linux", "", "", "", "", "", ""],
];
/// Lists that requests come with; the first is what the first template has published.
const LISTS: [&[&str]; 3] = [
    TEMPLATES[0],
    &["OS=Windows", "", "OS=Linux"],
    &["", "OS=Linux", "OS=Linux browser=chrome"],
];
const MACHINES: [&str; 4] = ["", "OS=Linux", "OS=Linux browser=chrome", "OS=Windows"];
/// Lengths and steps that meet each other exactly, just before, and just after.
const SPANS: [u64; 10] = [
    0, 1, 999, 1_000, 1_001, 5_000, 9_999, 10_000, 29_999, 30_000,
];
/// Most executions of a batch, and its work in milliseconds.
const MOST: [usize; 5] = [1, 2, 3, 5, 1_000];
const WORK: [Option<usize>; 5] = [None, Some(1), Some(3), Some(1_000), Some(1_000)];
/// What holders say of their Squish servers, mostly nothing.
const TROUBLES: [Option<ServerTrouble>; 6] = [
    None,
    None,
    None,
    None,
    Some(ServerTrouble::Unreachable),
    Some(ServerTrouble::Hung),
];

fn payloads() -> [Payload; 5] {
    let said = |verdict| {
        // No duration: the order by history is a matter of the behaviour suite.
        Some(TestResult {
            verdict,
            duration_ms: 0,
            flaky: false,
        })
    };
    [
        ("", "", said(TestVerdict::Passed)),
        ("", "", said(TestVerdict::Failed)),
        ("", "", said(TestVerdict::Skipped)),
        ("", "", None),
        ("broke", "somewhere", None),
    ]
}

/// Small numbers that pick from what is there.
type Pick = usize;

#[derive(Clone, Copy, Debug)]
enum Target {
    /// One of the latest leases, 0 the newest.
    Lease(Pick),
    /// Without a lease, for the execution of one of the latest leases.
    Vendor(Pick),
    /// Without a lease, for any execution.
    VendorAny(Pick),
    /// One lease for the execution of another.
    Swapped(Pick, Pick),
    /// A token nobody gave out.
    Forged(Pick),
}

#[derive(Clone, Copy, Debug)]
struct BeatStep {
    target: Target,
    span: Pick,
    release: bool,
    alone: bool,
    not_started: Option<(Pick, Pick)>,
    trouble: Pick,
    who: Pick,
}

#[derive(Clone, Copy, Debug)]
struct ResultStep {
    target: Target,
    payload: Pick,
    trouble: Pick,
    who: Pick,
}

#[derive(Clone, Debug)]
enum Step {
    Pass(Pick),
    Execute {
        template: Pick,
        /// A list of tests, and whether it comes along with its digest.
        list: Option<(Pick, bool)>,
        key: Option<Pick>,
        delay: Option<Pick>,
        who: Pick,
    },
    Reserve {
        plan: Pick,
        offer: Pick,
        span: Pick,
        allocate: bool,
        worker: Pick,
        key: Option<Pick>,
        who: Pick,
        batch: Option<(Pick, Pick, Pick)>,
    },
    /// The last one with a key once more.
    ReserveAgain,
    Beat(BeatStep),
    BeatMany {
        plan: Pick,
        beats: Vec<BeatStep>,
    },
    Finish(ResultStep),
    FinishMany {
        plan: Pick,
        results: Vec<ResultStep>,
        start_cost: Option<u8>,
    },
    Reset {
        execution: Pick,
        generation: Option<u32>,
    },
    Import {
        labels: Pick,
        tests: [Pick; 2],
        verdicts: [Pick; 2],
    },
    AddMachine {
        port: Pick,
        labels: Pick,
    },
    ChangeMachine {
        machine: Pick,
        enabled: bool,
    },
    RemoveMachine {
        machine: Pick,
    },
    Sweep,
    Away {
        back: Pick,
        span: Pick,
    },
    Restart {
        away: Pick,
    },
}

fn target() -> impl Strategy<Value = Target> {
    let recent = 0..4_usize;
    prop_oneof![
        8 => recent.clone().prop_map(Target::Lease),
        2 => recent.clone().prop_map(Target::Vendor),
        1 => any::<Pick>().prop_map(Target::VendorAny),
        1 => (recent.clone(), recent.clone()).prop_map(|(a, b)| Target::Swapped(a, b)),
        1 => recent.prop_map(Target::Forged),
    ]
}

/// Mostly the first principal, so that things happen.
fn who() -> impl Strategy<Value = Pick> {
    prop_oneof![9 => Just(0_usize), 1 => Just(1_usize)]
}

fn beat() -> impl Strategy<Value = BeatStep> {
    let pick = any::<Pick>;
    let release = prop::bool::weighted(0.25);
    let not_started = prop::option::weighted(0.4, (pick(), pick()));
    let mark = (any::<bool>(), not_started);
    let step = (target(), pick(), release, mark, pick(), who());
    step.prop_map(
        |(target, span, release, (alone, not_started), trouble, who)| BeatStep {
            target,
            span,
            release,
            alone: alone && release,
            not_started: not_started.filter(|_| release),
            trouble,
            who,
        },
    )
}

fn result() -> impl Strategy<Value = ResultStep> {
    let pick = any::<Pick>;
    (target(), pick(), pick(), who()).prop_map(|(target, payload, trouble, who)| ResultStep {
        target,
        payload,
        trouble,
        who,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let pick = any::<Pick>;
    let batch = prop_oneof![1 => Just(None), 1 => (pick(), pick(), pick()).prop_map(Some)];
    let key = || prop_oneof![4 => Just(None), 1 => (0..2_usize).prop_map(Some)];
    let delay = prop_oneof![4 => Just(None), 1 => pick().prop_map(Some)];
    prop_oneof![
        6 => pick().prop_map(Step::Pass),
        1 => (pick(), prop::option::of((pick(), any::<bool>())), key(), delay, who()).prop_map(
            |(template, list, key, delay, who)| Step::Execute { template, list, key, delay, who }
        ),
        10 => (pick(), pick(), pick(), any::<bool>(), pick(), key(), who(), batch).prop_map(
            |(plan, offer, span, allocate, worker, key, who, batch)| Step::Reserve {
                plan, offer, span, allocate, worker, key, who, batch,
            }
        ),
        2 => Just(Step::ReserveAgain),
        6 => beat().prop_map(Step::Beat),
        3 => (pick(), vec(beat(), 1..5))
            .prop_map(|(plan, beats)| Step::BeatMany { plan, beats }),
        6 => result().prop_map(Step::Finish),
        3 => (pick(), vec(result(), 1..5), prop::option::of(0..4_u8)).prop_map(
            |(plan, results, start_cost)| Step::FinishMany { plan, results, start_cost }
        ),
        3 => (pick(), prop::option::of(0..3_u32))
            .prop_map(|(execution, generation)| Step::Reset { execution, generation }),
        4 => (pick(), [0..4_usize, 0..4_usize], [pick(), pick()])
            .prop_map(|(labels, tests, verdicts)| Step::Import { labels, tests, verdicts }),
        2 => (0..3_usize, pick()).prop_map(|(port, labels)| Step::AddMachine { port, labels }),
        1 => (0..4_usize, any::<bool>())
            .prop_map(|(machine, enabled)| Step::ChangeMachine { machine, enabled }),
        1 => (0..4_usize).prop_map(|machine| Step::RemoveMachine { machine }),
        2 => Just(Step::Sweep),
        1 => (pick(), pick()).prop_map(|(back, span)| Step::Away { back, span }),
        1 => pick().prop_map(|away| Step::Restart { away }),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    (prop::bool::weighted(0.1), 0..3_u32).prop_map(|(require_lease, max_expiries)| Rules {
        require_lease,
        max_expiries,
        ..Rules::default()
    })
}

/// The store and the model, side by side.
struct Pair {
    home: Box<dyn Home>,
    /// The replicas; one for SQLite.
    stores: Vec<Arc<dyn Store>>,
    /// How many calls were made: they go to replicas in no simple order, but always in the same.
    calls: Cell<u64>,
    model: Model,
    templates: Vec<PlanId>,
    plans: Vec<PlanId>,
    /// Number of the first execution of the model.
    execs: Vec<ExecutionId>,
    servers: Vec<(SquishServerId, usize)>,
    leases: Vec<(usize, u32, LeaseToken)>,
    uploads: u64,
    /// The last reservation with a key.
    keyed: Option<(Wish, Pick, &'static str)>,
}

fn of<T: Copy>(list: &[T], pick: Pick) -> T {
    list[pick % list.len()]
}

fn span(pick: Pick) -> Duration {
    Duration::from_millis(of(&SPANS, pick))
}

fn code(error: StoreError) -> Answer {
    match error {
        StoreError::Refused(refusal) => Answer::Refused(refusal.code),
        other => panic!("{other}"),
    }
}

fn fine(answer: Result<(), StoreError>) -> Answer {
    answer.map_or_else(code, |()| Answer::Fine)
}

fn answers(list: EntryAnswers) -> Vec<Answer> {
    let list = list.into_iter();
    list.map(|answer| fine(answer.map_err(StoreError::from)))
        .collect()
}

fn requested(list: usize, is_sent: bool) -> RequestedTests {
    let tests = template("", LISTS[list]).executions;
    RequestedTests {
        digest: TestListDigest::of(&tests),
        list: is_sent.then_some(tests),
    }
}

impl Pair {
    async fn new(home: Box<dyn Home>, rules: Rules) -> Self {
        let stores = home.open(rules, START);
        let list = TEMPLATES.iter().enumerate();
        let list = list
            .map(|(n, labels)| template(&n.to_string(), labels))
            .collect();
        let templates = stores[0].publish(list, START).await.unwrap();
        let mut pair = Self {
            home,
            stores,
            calls: Cell::new(0),
            model: Model::new(rules, START),
            templates,
            plans: vec![],
            execs: vec![],
            servers: vec![],
            leases: vec![],
            uploads: 0,
            keyed: None,
        };
        // Most sequences begin with tests whose durations are known, so that batches have more than one execution.
        pair.execute(2, None, None, None, 0).await;
        for _ in 0..4 {
            let wish = Wish {
                plan: 0,
                offered: caps("OS=Linux"),
                timeout: Duration::from_secs(5),
                allocate: false,
                worker: None,
                batch: None,
            };
            pair.reserve(wish, None, "alice").await;
            let step = Step::Finish(ResultStep {
                target: Target::Lease(0),
                payload: 0,
                trouble: 0,
                who: 0,
            });
            pair.run(&step).await;
        }
        pair.execute(2, None, None, None, 0).await;
        pair.execute(1, None, None, None, 0).await;
        pair
    }

    fn store(&self) -> &dyn Store {
        let call = self.calls.get().wrapping_add(1);
        self.calls.set(call);
        let mixed = call.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let replicas = self.stores.len() as u64;
        self.stores[usize::try_from(mixed % replicas).unwrap()].as_ref()
    }

    async fn run(&mut self, step: &Step) {
        match *step {
            Step::Pass(pick) => self.model.now = self.model.now.plus(span(pick)),
            Step::Execute {
                template,
                list,
                key,
                delay,
                who,
            } => {
                self.execute(template, list, key, delay, who).await;
            }
            Step::Reserve {
                plan,
                offer,
                span: length,
                allocate,
                worker,
                key,
                who,
                batch,
            } => {
                let wish = Wish {
                    batch: batch.map(|(max, work, near)| Batch {
                        max: of(&MOST, max),
                        work: of(&WORK, work),
                        near: of(&[None, None, Some(false), Some(true)], near),
                    }),
                    plan: plan % self.plans.len(),
                    offered: caps(of(&OFFERS, offer)),
                    timeout: span(length),
                    allocate,
                    worker: of(&WORKERS, worker),
                };
                self.reserve(wish, key, of(&PRINCIPALS, who)).await;
            }
            Step::ReserveAgain => {
                if let Some((wish, key, principal)) = self.keyed.clone() {
                    self.reserve(wish, Some(key), principal).await;
                }
            }
            Step::Beat(ref beat) => {
                if let Some((expected, beat)) = self.beat(beat, None) {
                    let said = fine(self.store().heartbeat(beat, self.model.now).await);
                    assert_eq!(said, expected, "heartbeat");
                }
            }
            Step::BeatMany { plan, ref beats } => {
                let plan = plan % self.plans.len();
                let list = beats
                    .iter()
                    .filter_map(|beat| self.beat(beat, Some(plan)))
                    .collect::<Vec<_>>();
                let (expected, list): (Vec<_>, Vec<_>) = list.into_iter().unzip();
                let (plan, now) = (self.plans[plan], self.model.now);
                if !list.is_empty() {
                    let said = self.store().heartbeat_many(plan, list, now).await.unwrap();
                    assert_eq!(answers(said), expected, "heartbeats");
                }
            }
            Step::Finish(ref result) => {
                if let Some((expected, finish)) = self.result(result, None) {
                    let said = fine(self.store().finish(finish, self.model.now).await);
                    assert_eq!(said, expected, "finish");
                }
            }
            Step::FinishMany {
                plan: index,
                ref results,
                start_cost,
            } => {
                let index = index % self.plans.len();
                let list = results
                    .iter()
                    .filter_map(|result| self.result(result, Some(index)))
                    .collect::<Vec<_>>();
                let (expected, entries): (Vec<_>, Vec<_>) = list.into_iter().unzip();
                if entries.is_empty() {
                    return;
                }
                if let Some(cost) = start_cost.filter(|_| expected.contains(&Answer::Fine)) {
                    self.model.started(index, cost.into());
                }
                let start_cost = start_cost.map(|cost| Duration::from_millis(cost.into()));
                let list = FinishList {
                    entries,
                    start_cost,
                };
                let (plan, now) = (self.plans[index], self.model.now);
                let said = self.store().finish_many(plan, list, now).await.unwrap();
                assert_eq!(answers(said), expected, "results");
            }
            Step::Import {
                labels,
                tests,
                verdicts,
            } => self.import(labels, tests, verdicts).await,
            Step::Reset {
                execution,
                generation,
            } => {
                let e = execution % self.execs.len();
                let reset = Reset {
                    execution: self.execs[e],
                    generation,
                    principal: "alice".to_owned(),
                };
                let expected = self.model.reset(e, generation);
                let said = fine(self.store().reset(reset, self.model.now).await);
                assert_eq!(said, expected, "reset");
            }
            Step::AddMachine { port, labels } => self.add_machine(port, labels).await,
            Step::ChangeMachine { machine, enabled } => {
                let change = SquishServerChange {
                    enabled: Some(enabled),
                    ..SquishServerChange::default()
                };
                let id = self.machine(machine);
                let said = self
                    .store()
                    .change_squish_server(id, change, self.model.now)
                    .await;
                let said = said.map_or_else(code, |_| Answer::Server(machine));
                assert_eq!(said, self.model.change_server(machine, enabled), "change");
            }
            Step::RemoveMachine { machine } => {
                let id = self.machine(machine);
                let said = fine(self.store().remove_squish_server(id, self.model.now).await);
                assert_eq!(said, self.model.remove_server(machine), "remove");
            }
            Step::Sweep => {
                self.model.tell_expired();
                self.store().sweep(self.model.now).await.unwrap();
            }
            Step::Away { back, span: length } => {
                let since = Timestamp(self.model.now.0 - i64::try_from(of(&SPANS, back)).unwrap());
                self.model.extend(since, |_, before| (span(length), before));
                self.model.tell_expired();
                self.store()
                    .compensate(since, span(length), self.model.now)
                    .await
                    .unwrap();
            }
            Step::Restart { away } => {
                let since = self.model.now;
                self.model.tell_expired();
                self.store().sweep(since).await.unwrap();
                self.stores.clear();
                self.model.now = since.plus(span(away));
                let grace = Duration::from_secs(10);
                self.model.extend(since, |timeout, before| {
                    let whole = span(away) + timeout.min(grace);
                    (whole.saturating_sub(before), whole.max(before))
                });
                self.stores = self.home.open(self.model.rules, self.model.now);
            }
        }
    }

    /// A heartbeat and what the model answers to it; in a list only executions of its plan are known.
    fn beat(&mut self, beat: &BeatStep, plan: Option<usize>) -> Option<(Answer, Heartbeat)> {
        let (e, voice, lease) = self.aim(beat.target)?;
        let principal = of(&PRINCIPALS, beat.who);
        let trouble = of(&TROUBLES, beat.trouble).filter(|_| beat.release);
        let timeout = span(beat.span);
        let not_started = beat
            .not_started
            .map(|(reason, live)| (of(&["no tool", "no memory"], reason), of(&LIVE, live)));
        // Who is there can run all of them; which could is a test of its own.
        let everything = self.model.needs(e);
        let request = Heartbeat {
            execution: self.execs[e],
            timeout,
            lease,
            release: beat.release,
            alone: beat.alone,
            not_started: not_started.map(|(reason, live)| NotStarted {
                reason: reason.to_owned(),
                live: live
                    .iter()
                    .map(|name| (name.to_string(), everything.clone()))
                    .collect(),
            }),
            server_trouble: trouble,
            principal: principal.to_owned(),
        };
        let expected = if plan.is_none_or(|plan| self.model.is_of(e, plan)) {
            self.model.heartbeat(
                e,
                (voice, principal),
                timeout,
                beat.release,
                ReleaseMark {
                    trouble,
                    alone: beat.alone,
                    not_started,
                },
            )
        } else {
            self.model.tell_expired();
            Answer::Refused(RefusalCode::Unknown)
        };
        Some((expected, request))
    }

    /// The same for a result.
    fn result(&mut self, result: &ResultStep, plan: Option<usize>) -> Option<(Answer, Finish)> {
        let (e, voice, lease) = self.aim(result.target)?;
        let principal = of(&PRINCIPALS, result.who);
        let payload = of(&payloads(), result.payload);
        let trouble = of(&TROUBLES, result.trouble);
        let request = Finish {
            execution: self.execs[e],
            lease,
            message: payload.0.to_owned(),
            details: payload.1.to_owned(),
            result: payload.2,
            server_trouble: trouble,
            principal: principal.to_owned(),
            failure: String::new(),
        };
        let expected = if plan.is_none_or(|plan| self.model.is_of(e, plan)) {
            self.model.finish(e, (voice, principal), payload, trouble)
        } else {
            self.model.tell_expired();
            Answer::Refused(RefusalCode::Unknown)
        };
        Some((expected, request))
    }

    async fn import(&mut self, labels: Pick, tests: [Pick; 2], verdicts: [Pick; 2]) {
        let result = |pick| TestResult {
            verdict: of(
                &[
                    TestVerdict::Passed,
                    TestVerdict::Failed,
                    TestVerdict::Skipped,
                ],
                pick,
            ),
            duration_ms: 0,
            flaky: false,
        };
        let told: BTreeMap<usize, TestResult> =
            std::iter::zip(tests, verdicts.map(result)).collect();
        let labels = caps(of(&OFFERS, labels));
        self.uploads += 1;
        let import = NewImport {
            tests: told
                .iter()
                .map(|(test, result)| ReportedTest {
                    test: Test {
                        suite: "suite".to_owned(),
                        testcase: format!("t{}", test + 1),
                    },
                    result: *result,
                })
                .collect(),
            labels: labels.clone(),
            ..upload(&self.uploads.to_string())
        };
        self.model.import(labels, told.into_iter().collect());
        self.store().import(import, self.model.now).await.unwrap();
    }

    async fn execute(
        &mut self,
        template: Pick,
        list: Option<(Pick, bool)>,
        key: Option<Pick>,
        delay: Option<Pick>,
        who: Pick,
    ) {
        let template = template % TEMPLATES.len();
        let list = list.map(|(pick, is_sent)| (pick % LISTS.len(), is_sent));
        let principal = of(&PRINCIPALS, who);
        let planned = delay.map(|d| self.model.now.plus(span(d)));
        let request = ExecutePlan {
            template: self.templates[template],
            title: "plan".to_owned(),
            batch: "batch".to_owned(),
            planned,
            repositories: vec![],
            tests: list.map(|(list, is_sent)| requested(list, is_sent)),
            discovery: None,
            origin: testplan::model::PlanOrigin::default(),
            principal: principal.to_owned(),
            key: key.map(|k| KEYS[k].to_owned()),
        };
        let needs = list.map_or(TEMPLATES[template], |(list, _)| LISTS[list]);
        let is_published = needs == TEMPLATES[template];
        let is_sent = list.is_some_and(|(_, is_sent)| is_sent);
        let needs: Vec<Capabilities> = needs.iter().map(|l| caps(l)).collect();
        let key = key.map(|k| (principal, KEYS[k]));
        let wanted = (template, list.map(|(list, _)| list), planned);
        let expected = self
            .model
            .execute(wanted, &needs, (is_published, is_sent), key);
        let said = self.store().execute_plan(request, self.model.now).await;
        match said {
            Ok(plan) => {
                if !self.plans.contains(&plan.id) {
                    self.plans.push(plan.id);
                    let page = self
                        .store()
                        .executions(plan.id, None, 0, 100, self.model.now);
                    self.execs
                        .extend(page.await.unwrap().items.iter().map(|e| e.id));
                }
                let index = self.plans.iter().position(|id| *id == plan.id).unwrap();
                assert_eq!(Answer::Plan(index), expected, "execute");
            }
            Err(error) => assert_eq!(code(error), expected, "execute"),
        }
    }

    async fn reserve(&mut self, wish: Wish, key: Option<Pick>, principal: &'static str) {
        if let Some(key) = key {
            self.keyed = Some((wish.clone(), key, principal));
        }
        let request = Reserve {
            plan: self.plans[wish.plan],
            offered: wish.offered.clone(),
            timeout: wish.timeout,
            allocate_server: wish.allocate,
            principal: principal.to_owned(),
            worker: wish.worker.map(str::to_owned),
            key: key.map(|k| KEYS[k].to_owned()),
            batch: wish.batch.map(|batch| BatchRequest {
                max: u32::try_from(batch.max).unwrap(),
                work: batch.work.map(|work| Duration::from_millis(work as u64)),
                near: batch.near.map(|is_warm| {
                    let suites = ["elsewhere", "suite"];
                    suites[..=usize::from(is_warm)]
                        .iter()
                        .map(ToString::to_string)
                        .collect()
                }),
                live_workers: LIVE_WORKERS as u64,
            }),
        };
        let was_first = self.store().is_first(&request);
        let leases_before = self.leases.len();
        let said = self.store().reserve(request, self.model.now).await;
        if wish.timeout.is_zero() {
            self.model.tell_expired();
            assert_eq!(
                said.unwrap_err().to_string().split(':').next(),
                Some("the timeout is 0")
            );
            return;
        }
        let expected = self
            .model
            .reserve(&wish, principal, key.map(|k| (principal, KEYS[k])));
        let said = match said {
            Err(error) => code(error),
            Ok(Reservation::NoExecution { pending }) => Answer::NoExecution(pending),
            Ok(Reservation::NoServer { pending }) => Answer::NoServer(pending),
            Ok(Reservation::Granted(mut granted)) => {
                let more = std::mem::take(&mut granted.more);
                let all = std::iter::once(*granted).chain(more);
                let all = all.map(|granted| self.keep(&granted)).collect();
                let is_repeated = self.leases.len() == leases_before;
                assert!(!(is_repeated && was_first), "its key was not known");
                Answer::Granted(all)
            }
        };
        assert_eq!(said, expected, "reserve");
    }

    fn keep(&mut self, granted: &Granted) -> Grant {
        let known = |id| self.execs.iter().position(|known| *known == id);
        let e = known(granted.execution).unwrap();
        let known = self
            .leases
            .iter()
            .find(|(of, epoch, _)| (*of, *epoch) == (e, granted.attempt));
        match known {
            Some((.., token)) => assert_eq!(*token, granted.lease, "the same lease again"),
            None => self
                .leases
                .push((e, granted.attempt, granted.lease.clone())),
        }
        let server = granted.server.as_ref().map(|s| self.server_index(s.id));
        (e, granted.attempt, server, granted.deadline)
    }

    async fn add_machine(&mut self, port: Pick, labels: Pick) {
        let new = NewSquishServer {
            host: Some("localhost".to_owned()),
            port: (port + 1).to_string().parse().unwrap(),
            enabled: true,
            labels: caps(of(&MACHINES, labels)),
        };
        let known = self.servers.iter().position(|(_, p)| *p == port);
        let expected = self.model.add_server(known, new.labels.clone());
        let said = self
            .store()
            .add_squish_server(new, self.model.now)
            .await
            .unwrap();
        if known.is_none() {
            self.servers.push((said.id, port));
        }
        assert_eq!(Answer::Server(self.server_index(said.id)), expected, "add");
    }

    fn machine(&self, index: usize) -> SquishServerId {
        self.servers
            .get(index)
            .map_or(SquishServerId(9_999), |(id, _)| *id)
    }

    fn server_index(&self, id: SquishServerId) -> usize {
        self.servers
            .iter()
            .position(|(known, _)| *known == id)
            .unwrap()
    }

    /// Which execution to speak to, as whom, with which token.
    fn aim(&self, target: Target) -> Option<(usize, Voice, Option<LeaseToken>)> {
        let recent = |back: usize| {
            let index = self
                .leases
                .len()
                .checked_sub(1 + back % self.leases.len().max(1))?;
            self.leases.get(index)
        };
        Some(match target {
            Target::Lease(back) => {
                let (e, epoch, token) = recent(back)?;
                (*e, Voice::Lease(*e, *epoch), Some(token.clone()))
            }
            Target::Vendor(back) => (recent(back)?.0, Voice::Vendor, None),
            Target::VendorAny(pick) => (pick % self.execs.len(), Voice::Vendor, None),
            Target::Swapped(a, b) => {
                let (e, epoch, token) = recent(a)?;
                (recent(b)?.0, Voice::Lease(*e, *epoch), Some(token.clone()))
            }
            Target::Forged(back) => (
                recent(back)?.0,
                Voice::Forger,
                Some(LeaseToken::new("nonsense")),
            ),
        })
    }

    /// Everything that can be read is as the model has it.
    async fn compare(&self) {
        let (model, now) = (&self.model, self.model.now);
        model.check();
        for (index, plan) in self.plans.iter().enumerate() {
            let expected: Vec<_> = (0..self.execs.len())
                .filter(|e| model.execs[*e].plan == index)
                .map(|e| self.expected(e))
                .collect();
            let listed = self
                .store()
                .executions(*plan, None, 0, 100, now)
                .await
                .unwrap()
                .items;
            let listed: Vec<_> = listed
                .into_iter()
                .map(|e| (e.id, e.state, e.attempts, e.generation, e.outcome))
                .collect();
            assert_eq!(listed, expected, "executions of {plan}");
            for filter in OFFERS {
                let status = self.store().status(*plan, caps(filter), now).await.unwrap();
                assert_eq!(
                    status,
                    self.expected_status(index, &caps(filter)),
                    "status {filter:?}"
                );
            }
        }
        let listed = self.store().squish_servers(now).await.unwrap();
        let listed: Vec<_> = listed
            .into_iter()
            .map(|s| {
                let cooling = s.cooling.map(|it| (it.because, it.until));
                let tested = s.busy_test.is_some();
                (s.id, s.enabled, s.labels, s.busy_with, tested, cooling)
            })
            .collect();
        let expected: Vec<_> = model
            .servers
            .iter()
            .enumerate()
            .filter(|(_, s)| !s.deleted)
            .map(|(index, s)| {
                let busy = model.busy_with(index).map(|e| self.execs[e]);
                (
                    self.servers[index].0,
                    s.enabled,
                    s.labels.clone(),
                    busy,
                    busy.is_some(),
                    model.cooling(index),
                )
            })
            .collect();
        assert_eq!(listed, expected, "machines");
    }

    fn expected(&self, e: usize) -> (ExecutionId, ExecutionState, u32, u32, Option<Outcome>) {
        let exec = &self.model.execs[e];
        let (state, outcome) = match &exec.state {
            State::Done(outcome) => (ExecutionState::Done, Some(outcome.clone())),
            State::Open | State::Leased if exec.open(self.model.now) => {
                (ExecutionState::Open, None)
            }
            State::Open | State::Leased => (ExecutionState::Reserved, None),
        };
        (self.execs[e], state, exec.epoch, exec.generation, outcome)
    }

    fn expected_status(&self, plan: usize, filter: &Capabilities) -> PlanStatus {
        let mut status = PlanStatus::default();
        for exec in self.model.execs.iter().filter(|e| e.plan == plan) {
            if !exec.needs.covers(filter, self.model.rules.label_case) {
            } else if exec.open(self.model.now) {
                status.open += 1;
            } else if exec.leased(self.model.now) {
                status.reserved += 1;
            } else {
                status.done += 1;
            }
        }
        status
    }

    /// Totals and history, once at the end.
    async fn compare_history(&mut self) {
        if self.home.expires_by_sweeps() {
            self.store().sweep(self.model.now).await.unwrap();
            self.model.tell_expired();
        }
        self.compare_events().await;
    }

    async fn compare_events(&self) {
        for (index, plan) in self.plans.iter().enumerate() {
            let of_plan =
                || (0..self.execs.len()).filter(move |e| self.model.execs[*e].plan == index);
            let count = |v| {
                of_plan()
                    .filter(|e| self.model.execs[*e].verdict() == Some(v))
                    .count() as u64
            };
            let told = self.store().plan(*plan, self.model.now).await.unwrap();
            let expected = [
                TestVerdict::Passed,
                TestVerdict::Failed,
                TestVerdict::Skipped,
            ]
            .map(count);
            assert_eq!([told.passes, told.failed, told.skipped], expected, "totals");
            let events = self
                .store()
                .events(*plan, 0, 1_000, self.model.now)
                .await
                .unwrap()
                .items;
            for e in of_plan() {
                let told: Vec<(u32, &str)> = events
                    .iter()
                    .filter(|event| event.execution == self.execs[e])
                    .filter(|event| event.kind != "heartbeat" && event.kind != "extended")
                    .map(|event| (event.attempt, event.kind.as_str()))
                    .collect();
                assert_eq!(
                    told, self.model.execs[e].events,
                    "history of {}",
                    self.execs[e]
                );
            }
        }
    }
}

const KEYS: [&str; 2] = ["k1", "k2"];

fn compare_sequences(
    count: u32,
    home: impl Fn() -> Box<dyn Home>,
    start: impl FnOnce(Config) -> TestRunner,
) {
    let config = Config {
        cases: count,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let runtime = Arc::new(runtime);
    start(config)
        .run(&(rules(), vec(step(), 1..=STEPS)), |(rules, steps)| {
            runtime.block_on(async {
                let mut pair = Pair::new(home(), rules).await;
                for (number, step) in steps.iter().enumerate() {
                    pair.run(step).await;
                    if number % LOOK == 0 || number + 1 == steps.len() {
                        pair.compare().await;
                    }
                }
                pair.compare_history().await;
            });
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn sqlite() -> Box<dyn Home> {
    Box::new(SqliteHome::default())
}

fn postgres(replicas: usize) -> Box<dyn Home> {
    Box::new(PostgresHome::new(replicas))
}

/// Always the same sequences, so that a failure is the change's, not the day's.
fn same_every_time(config: Config) -> TestRunner {
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

#[test]
fn the_store_does_what_the_model_says() {
    compare_sequences(SEQUENCES, sqlite, same_every_time);
}

#[test]
fn postgres_does_what_the_model_says() {
    if !has_postgres() {
        return;
    }
    compare_sequences(POSTGRES_SEQUENCES, || postgres(1), same_every_time);
}

#[test]
fn two_replicas_do_what_the_model_says() {
    if !has_postgres() {
        return;
    }
    compare_sequences(POSTGRES_SEQUENCES, || postgres(2), same_every_time);
}

#[test]
#[ignore = "takes minutes; new sequences each time"]
fn the_store_does_what_the_model_says_at_length() {
    compare_sequences(MANY_SEQUENCES, sqlite, TestRunner::new);
}

#[test]
#[ignore = "takes minutes; new sequences each time"]
fn two_replicas_do_what_the_model_says_at_length() {
    compare_sequences(MANY_SEQUENCES, || postgres(2), TestRunner::new);
}
