//! Tests of who is woken, one rule after the other.

use std::collections::HashMap;

use super::*;
use crate::{
    model::Capability,
    store::{OpenedExecutions, PlanChanges},
};

mod random_order;

const PLAN: PlanId = PlanId(7);
const OTHER: PlanId = PlanId(8);

fn labels(text: &str) -> Capabilities {
    let pairs = text.split_whitespace();
    pairs
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap();
            Capability::new(key, value)
        })
        .collect()
}

fn key(plan: PlanId, offered: &str) -> GroupKey {
    GroupKey {
        plan,
        offered: labels(offered),
        allocate_server: false,
    }
}

/// A worker as the handler drives it.
#[derive(Debug)]
struct Worker {
    place: Place,
    question: Ticket,
    woken_by: Option<WakeUp>,
}

const NOTHING_NOW: ReserveAnswer = ReserveAnswer::NoExecution { pending: 5 };
const NO_SERVER: ReserveAnswer = ReserveAnswer::NoServer { pending: 5 };

fn granted(required: &str) -> ReserveAnswer {
    ReserveAnswer::Granted {
        required: vec![labels(required)],
        has_server: false,
    }
}

impl Worker {
    /// Joins, asks and is answered that it has to wait.
    fn waits(groups: &mut WorkerGroups, key: &GroupKey) -> Self {
        Self::waits_after(groups, key, &NOTHING_NOW)
    }

    fn waits_after(groups: &mut WorkerGroups, key: &GroupKey, answer: &ReserveAnswer) -> Self {
        let (place, _) = groups.join(key);
        let mut worker = Self {
            place,
            question: 0,
            woken_by: None,
        };
        worker.asks(groups);
        worker.is_answered(groups, answer);
        worker
    }

    fn asks(&mut self, groups: &mut WorkerGroups) {
        (self.question, self.woken_by) = groups.begin_question(&self.place);
    }

    fn is_answered(&mut self, groups: &mut WorkerGroups, answer: &ReserveAnswer) {
        groups.answered(&self.place, self.question, self.woken_by.take(), answer);
        if matches!(answer, ReserveAnswer::Granted { .. }) {
            groups.leave(&self.place, None);
        }
    }

    fn leaves(&mut self, groups: &mut WorkerGroups) {
        groups.leave(&self.place, self.woken_by.take());
    }

    fn wake_up<'a>(&self, groups: &'a WorkerGroups) -> Option<&'a WakeUp> {
        let group = groups.groups.get(&self.place.group)?;
        group.members.get(&self.place.ticket)?.wake_up.as_ref()
    }

    fn is_woken(&self, groups: &WorkerGroups) -> bool {
        self.wake_up(groups).is_some()
    }
}

fn woken(groups: &WorkerGroups, workers: &[Worker]) -> Vec<usize> {
    let woken = (0..workers.len()).filter(|index| workers[*index].is_woken(groups));
    woken.collect()
}

fn opened(plan: PlanId, required: &str, count: usize) -> Changes {
    let opened = vec![OpenedExecutions {
        required: Arc::new(labels(required)),
        count,
    }];
    let of_plan = PlanChanges {
        opened,
        drained: Vec::new(),
    };
    Changes {
        plans: HashMap::from([(plan, of_plan)]),
        ..Changes::default()
    }
}

fn drained(required: &str) -> Changes {
    let of_plan = PlanChanges {
        opened: Vec::new(),
        drained: vec![Arc::new(labels(required))],
    };
    Changes {
        plans: HashMap::from([(PLAN, of_plan)]),
        ..Changes::default()
    }
}

fn free_servers(free_servers: usize) -> Changes {
    Changes {
        free_servers,
        ..Changes::default()
    }
}

#[test]
fn as_many_workers_are_woken_as_executions_opened_those_first_that_waited_longest() {
    let mut groups = WorkerGroups::default();
    let workers: Vec<_> = (0..10)
        .map(|_| Worker::waits(&mut groups, &key(PLAN, "OS=Linux")))
        .collect();
    groups.apply(&opened(PLAN, "OS=Linux", 3));
    assert_eq!(woken(&groups, &workers), [0, 1, 2]);
    groups.apply(&opened(PLAN, "OS=Linux", 1));
    assert_eq!(woken(&groups, &workers), [0, 1, 2, 3]);
}

#[test]
fn only_workers_of_the_plan_that_offer_what_is_required_are_woken() {
    let mut groups = WorkerGroups::default();
    let workers = [
        Worker::waits(&mut groups, &key(OTHER, "OS=Linux")),
        Worker::waits(&mut groups, &key(PLAN, "OS=Windows")),
        Worker::waits(&mut groups, &key(PLAN, "os=linux browser=chrome")),
        Worker::waits(&mut groups, &key(PLAN, "OS=Linux")),
    ];
    groups.apply(&opened(PLAN, "OS=Linux", 1));
    assert_eq!(woken(&groups, &workers), [2]);
    groups.apply(&opened(PlanId(9), "", 5));
    assert_eq!(woken(&groups, &workers), [2]);
}

#[test]
fn change_during_a_question_wakes_the_worker_again() {
    let mut groups = WorkerGroups::default();
    let mut worker = Worker::waits(&mut groups, &key(PLAN, ""));
    worker.asks(&mut groups);
    groups.apply(&opened(PLAN, "", 1));
    worker.is_answered(&mut groups, &NOTHING_NOW);
    assert!(worker.is_woken(&groups), "the answer may be older");
}

#[test]
fn wake_up_of_a_worker_that_leaves_goes_to_the_next() {
    let mut groups = WorkerGroups::default();
    let mut workers: Vec<_> = (0..3)
        .map(|_| Worker::waits(&mut groups, &key(PLAN, "")))
        .collect();
    groups.apply(&opened(PLAN, "", 1));
    workers[0].leaves(&mut groups);
    assert_eq!(woken(&groups, &workers), [1]);
    // Its client goes away, or the store fails, while it asks.
    workers[1].asks(&mut groups);
    workers[1].leaves(&mut groups);
    assert_eq!(woken(&groups, &workers), [2]);
    workers[2].leaves(&mut groups);
    assert!(!groups.has_waiting(PLAN));
}

#[test]
fn wake_up_goes_on_if_the_worker_got_another_execution() {
    let mut groups = WorkerGroups::default();
    let mut workers = [
        Worker::waits(&mut groups, &key(PLAN, "a=1 b=1")),
        Worker::waits(&mut groups, &key(PLAN, "a=1")),
        Worker::waits(&mut groups, &key(PLAN, "a=1")),
    ];
    groups.apply(&opened(PLAN, "a=1", 1));
    workers[0].asks(&mut groups);
    workers[0].is_answered(&mut groups, &granted("b=1"));
    assert_eq!(woken(&groups, &workers), [1]);
    workers[1].asks(&mut groups);
    workers[1].is_answered(&mut groups, &granted("a=1"));
    assert!(woken(&groups, &workers).is_empty(), "it is used");
}

#[test]
fn wake_up_ends_where_another_worker_took_the_execution() {
    let mut groups = WorkerGroups::default();
    let mut workers: Vec<_> = (0..3)
        .map(|_| Worker::waits(&mut groups, &key(PLAN, "")))
        .collect();
    groups.apply(&opened(PLAN, "", 1));
    workers[0].asks(&mut groups);
    workers[0].is_answered(&mut groups, &NOTHING_NOW);
    assert!(woken(&groups, &workers).is_empty());
}

#[test]
fn execution_without_a_squish_server_is_offered_to_each_other_group_once() {
    let mut groups = WorkerGroups::default();
    let server = |offered| GroupKey {
        allocate_server: true,
        ..key(PLAN, offered)
    };
    let mut workers = [
        Worker::waits(&mut groups, &server("a=1")),
        Worker::waits(&mut groups, &server("a=1")),
        Worker::waits(&mut groups, &server("a=1 b=1")),
    ];
    groups.apply(&opened(PLAN, "a=1", 1));
    workers[0].asks(&mut groups);
    workers[0].is_answered(&mut groups, &NO_SERVER);
    assert_eq!(woken(&groups, &workers), [2], "its like fare no better");
    workers[2].asks(&mut groups);
    workers[2].is_answered(&mut groups, &NO_SERVER);
    assert!(woken(&groups, &workers).is_empty(), "all groups were asked");
    assert!(groups.lacks_server(PLAN));
}

#[test]
fn free_squish_server_wakes_one_worker_that_lacks_one_in_any_plan() {
    let mut groups = WorkerGroups::default();
    let server = |plan| GroupKey {
        allocate_server: true,
        ..key(plan, "")
    };
    let mut workers = [
        Worker::waits(&mut groups, &key(PLAN, "")),
        Worker::waits_after(&mut groups, &server(PLAN), &NO_SERVER),
        Worker::waits_after(&mut groups, &server(PLAN), &NO_SERVER),
        Worker::waits_after(&mut groups, &server(OTHER), &NO_SERVER),
    ];
    groups.apply(&free_servers(1));
    assert_eq!(woken(&groups, &workers), [1]);
    // It cannot use this server: the other plan may.
    workers[1].asks(&mut groups);
    workers[1].is_answered(&mut groups, &NO_SERVER);
    assert_eq!(woken(&groups, &workers), [3]);
    workers[3].asks(&mut groups);
    let used = ReserveAnswer::Granted {
        required: vec![labels("")],
        has_server: true,
    };
    workers[3].is_answered(&mut groups, &used);
    assert!(woken(&groups, &workers).is_empty());
    // The worker that lacked the server leaves: its like still lack it.
    workers[1].leaves(&mut groups);
    groups.apply(&free_servers(1));
    assert_eq!(woken(&groups, &workers), [2]);
}

#[test]
fn one_worker_asks_for_its_group_whether_nothing_is_left() {
    let mut groups = WorkerGroups::default();
    let mut workers: Vec<_> = (0..5)
        .map(|_| Worker::waits(&mut groups, &key(PLAN, "a=1")))
        .collect();
    let other = Worker::waits(&mut groups, &key(PLAN, "b=1"));
    groups.apply(&drained("a=1"));
    assert_eq!(woken(&groups, &workers), [0], "one for all");
    workers[0].asks(&mut groups);
    let late = Worker::waits(&mut groups, &key(PLAN, "a=1"));
    workers[0].is_answered(&mut groups, &ReserveAnswer::NoExecution { pending: 0 });
    for worker in &workers[1..] {
        assert_eq!(worker.wake_up(&groups), Some(&WakeUp::NothingLeft));
        assert!(groups.take_nothing_left(&worker.place));
    }
    assert!(!late.is_woken(&groups), "it came after the question");
    assert!(!other.is_woken(&groups));
}

#[test]
fn group_with_other_work_keeps_waiting_when_one_set_of_requirements_is_done() {
    let mut groups = WorkerGroups::default();
    let mut workers: Vec<_> = (0..3)
        .map(|_| Worker::waits(&mut groups, &key(PLAN, "a=1 b=1")))
        .collect();
    groups.apply(&drained("a=1"));
    workers[0].asks(&mut groups);
    workers[0].is_answered(&mut groups, &ReserveAnswer::NoExecution { pending: 2 });
    assert!(woken(&groups, &workers).is_empty());
    assert_eq!(
        groups.newer_pending(&workers[1].place, workers[1].question),
        Some(2),
        "its like know better"
    );
    assert_eq!(
        groups.newer_pending(&workers[0].place, workers[0].question),
        None
    );
}

#[test]
fn look_that_finds_something_spreads_within_its_group_and_ends_where_it_finds_nothing() {
    let mut groups = WorkerGroups::default();
    let mut workers: Vec<_> = (0..10)
        .map(|_| Worker::waits(&mut groups, &key(PLAN, "")))
        .collect();
    groups.look_everywhere(PLAN);
    assert_eq!(woken(&groups, &workers), [0]);
    workers[0].asks(&mut groups);
    workers[0].is_answered(&mut groups, &granted(""));
    assert_eq!(woken(&groups, &workers), [1, 2]);
    workers[1].asks(&mut groups);
    workers[1].is_answered(&mut groups, &NOTHING_NOW);
    workers[2].asks(&mut groups);
    workers[2].is_answered(&mut groups, &NOTHING_NOW);
    assert!(woken(&groups, &workers).is_empty());
}

#[test]
fn looks_without_a_cause_come_round_to_every_group() {
    let mut groups = WorkerGroups::default();
    let mut workers: Vec<_> = (0..40)
        .map(|index| Worker::waits(&mut groups, &key(PLAN, &format!("machine={index}"))))
        .collect();
    let mut seen = BTreeSet::new();
    for round in 1..=3 {
        groups.look_around(PLAN);
        let now = woken(&groups, &workers);
        assert_eq!(now.len(), GROUPS_PER_LOOK, "round {round}");
        for index in now {
            seen.insert(index);
            workers[index].asks(&mut groups);
            workers[index].is_answered(&mut groups, &NOTHING_NOW);
        }
    }
    assert_eq!(seen.len(), 40);
}

#[test]
fn nothing_of_workers_that_left_is_kept() {
    let mut groups = WorkerGroups::default();
    let mut workers: Vec<_> = (0..5)
        .map(|index| {
            Worker::waits_after(&mut groups, &key(PLAN, &format!("n={index}")), &NO_SERVER)
        })
        .collect();
    groups.look_around(PLAN);
    for worker in &mut workers {
        worker.leaves(&mut groups);
    }
    assert!(groups.groups.is_empty() && groups.ids.is_empty() && groups.plans.is_empty());
    assert!(groups.lacking_servers.is_empty() && groups.looked.is_empty());
    assert!(!groups.lacks_server(PLAN));
}

/// Whether a worker that joins now would not have to ask.
fn is_known(groups: &mut WorkerGroups, key: &GroupKey) -> bool {
    let (place, _) = groups.join(key);
    let known = groups.known_answer(&place);
    groups.leave(&place, None);
    known.is_some()
}

#[test]
fn worker_that_joins_knows_the_answer_to_its_like_until_something_changes() {
    type Change = fn(&mut WorkerGroups);
    let linux = key(PLAN, "OS=Linux");
    let changes: [(&str, Change); 5] = [
        ("opened", |it| it.apply(&opened(PLAN, "OS=Linux", 1))),
        ("drained", |it| it.apply(&drained("OS=Linux"))),
        ("due", |it| it.look_everywhere(PLAN)),
        ("look", |it| it.look_around(PLAN)),
        ("granted unnoticed", |it| {
            let mut other = Worker::waits(it, &key(PLAN, "OS=Linux"));
            other.asks(it);
            other.is_answered(it, &granted(""));
        }),
    ];
    for (change, apply) in changes {
        let mut groups = WorkerGroups::default();
        assert!(!is_known(&mut groups, &linux), "{change}: it is the first");
        let mut first = Worker::waits(&mut groups, &linux);
        assert!(is_known(&mut groups, &linux), "{change}");
        assert!(!is_known(&mut groups, &key(PLAN, "OS=Windows")), "{change}");
        groups.apply(&opened(PLAN, "OS=Windows", 1));
        groups.apply(&opened(OTHER, "OS=Linux", 1));
        assert!(is_known(&mut groups, &linux), "{change}: nothing for it");
        first.asks(&mut groups);
        apply(&mut groups);
        assert!(!is_known(&mut groups, &linux), "{change}");
        first.is_answered(&mut groups, &NOTHING_NOW);
        assert!(!is_known(&mut groups, &linux), "{change}: an older answer");
        first.asks(&mut groups);
        first.is_answered(&mut groups, &NOTHING_NOW);
        assert!(is_known(&mut groups, &linux), "{change}: a newer one");
        first.leaves(&mut groups);
        assert!(!is_known(&mut groups, &linux), "{change}: none waits");
    }
}

#[test]
fn worker_that_joins_asks_where_a_server_lacks_or_nothing_is_left() {
    for answer in [NO_SERVER, ReserveAnswer::NoExecution { pending: 0 }] {
        let mut groups = WorkerGroups::default();
        let _first = Worker::waits_after(&mut groups, &key(PLAN, ""), &answer);
        assert!(!is_known(&mut groups, &key(PLAN, "")), "{answer:?}");
    }
}

#[test]
fn worker_that_knew_the_answer_is_woken_and_answered_like_one_that_asked() {
    let mut groups = WorkerGroups::default();
    let mut first = Worker::waits(&mut groups, &key(PLAN, ""));
    let (place, _) = groups.join(&key(PLAN, ""));
    let (question, pending) = groups.known_answer(&place).unwrap();
    assert_eq!((question, pending), (first.question, 5));
    let second = Worker {
        place,
        question,
        woken_by: None,
    };
    first.asks(&mut groups);
    first.is_answered(&mut groups, &ReserveAnswer::NoExecution { pending: 3 });
    assert_eq!(groups.newer_pending(&second.place, question), Some(3));
    groups.apply(&opened(PLAN, "", 2));
    assert!(first.is_woken(&groups) && second.is_woken(&groups));
}
