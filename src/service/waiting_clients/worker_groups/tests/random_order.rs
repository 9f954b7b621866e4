//! Random orders of events, against a store as simple as it can be: no worker may sleep beside an execution for it.

use super::*;

/// A store of two plans with one pool of Squish servers, as simple as it can be.
#[derive(Debug, Default)]
struct ModelStore {
    open: Vec<(PlanId, &'static str)>,
    servers: usize,
}

impl ModelStore {
    fn fitting(&self, key: &GroupKey) -> Option<usize> {
        self.open.iter().position(|(plan, required)| {
            *plan == key.plan && key.offered.covers(&labels(required), LabelCase::Folded)
        })
    }

    fn reserve(&mut self, key: &GroupKey) -> ReserveAnswer {
        match self.fitting(key) {
            None => NOTHING_NOW,
            Some(_) if key.allocate_server && self.servers == 0 => NO_SERVER,
            Some(index) => {
                self.servers -= usize::from(key.allocate_server);
                let (_, required) = self.open.swap_remove(index);
                ReserveAnswer::Granted {
                    required: vec![labels(required)],
                    has_server: key.allocate_server,
                }
            }
        }
    }
}

#[test]
fn no_wake_up_is_lost_in_any_order_of_events() {
    let mut joined_knowing = 0;
    for seed in 0..600_u64 {
        let mut state = seed;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut store = ModelStore::default();
        // Notices of a commit come some time after it in every second case.
        let are_late = seed % 2 == 1;
        let mut notices: Vec<Changes> = Vec::new();
        let mut groups = WorkerGroups::default();
        // A worker with an answer that the store gave and the worker does not have yet.
        let mut workers: Vec<(Worker, GroupKey, Option<ReserveAnswer>)> = Vec::new();
        for _ in 0..200 {
            let plan = [PLAN, OTHER][random(2)];
            match random(8) {
                0 | 1 => {
                    let required = ["a=1", "b=1", ""][random(3)];
                    store.open.push((plan, required));
                    notices.push(opened(plan, required, 1));
                }
                2 => {
                    store.servers += 1;
                    notices.push(free_servers(1));
                }
                3 if !store.open.is_empty() => {
                    let taken = random(store.open.len());
                    store.open.swap_remove(taken);
                }
                3 | 4 => {
                    let key = GroupKey {
                        allocate_server: random(2) == 0,
                        ..key(plan, ["a=1", "b=1", "a=1 b=1"][random(3)])
                    };
                    let (place, _) = groups.join(&key);
                    let mut worker = Worker {
                        place,
                        question: 0,
                        woken_by: None,
                    };
                    let known = groups.known_answer(&worker.place);
                    if let Some((question, _)) = known {
                        joined_knowing += 1;
                        let fits = store.fitting(&key).is_some();
                        assert!(!fits || are_late, "seed {seed}: {key:?}, {store:?}");
                        worker.question = question;
                        workers.push((worker, key, None));
                    } else {
                        worker.asks(&mut groups);
                        let answer = store.reserve(&key);
                        workers.push((worker, key, Some(answer)));
                    }
                }
                5 if !workers.is_empty() => {
                    let (mut worker, ..) = workers.swap_remove(random(workers.len()));
                    worker.leaves(&mut groups);
                }
                _ if !workers.is_empty() => {
                    let index = random(workers.len());
                    step(&mut store, &mut groups, &mut workers, index);
                }
                _ => {}
            }
            if !are_late || random(3) == 0 {
                notices.drain(..).for_each(|it| groups.apply(&it));
            }
        }
        notices.drain(..).for_each(|it| groups.apply(&it));
        for _ in 0..10_000 {
            let busy = workers
                .iter()
                .position(|(worker, _, answer)| answer.is_some() || worker.is_woken(&groups));
            let Some(index) = busy else { break };
            step(&mut store, &mut groups, &mut workers, index);
        }
        for (_, key, answer) in &workers {
            assert_eq!(*answer, None, "seed {seed}: it does not come to rest");
            let fits = store.fitting(key).is_some();
            assert!(
                !fits || (key.allocate_server && store.servers == 0),
                "seed {seed}: {key:?} sleeps beside {store:?}"
            );
        }
    }
    assert!(joined_knowing > 100, "{joined_knowing} did not have to ask");
}

/// A worker takes the next step: it gets its answer, or asks if it is woken.
fn step(
    store: &mut ModelStore,
    groups: &mut WorkerGroups,
    workers: &mut Vec<(Worker, GroupKey, Option<ReserveAnswer>)>,
    index: usize,
) {
    let (worker, key, answer) = &mut workers[index];
    if let Some(answer) = answer.take() {
        worker.is_answered(groups, &answer);
        if matches!(answer, ReserveAnswer::Granted { .. }) {
            workers.swap_remove(index);
        }
    } else if worker.is_woken(groups) {
        worker.asks(groups);
        *answer = Some(store.reserve(key));
    }
}
