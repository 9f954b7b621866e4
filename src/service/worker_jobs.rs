//! Which pages of CI jobs the store has of which workers, so that it is told once of each.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use super::service_state::ServiceState;
use crate::{model::PlanId, sync::ignore_poison};

/// Most workers that are remembered; past it all are told again.
const MOST: usize = 10_000;

/// The workers whose jobs the store was told.
#[derive(Debug, Default)]
pub(super) struct WorkerJobs(Mutex<HashSet<(PlanId, String, String)>>);

impl WorkerJobs {
    fn is_new(&self, job: &(PlanId, String, String)) -> bool {
        let mut told = ignore_poison(self.0.lock());
        if told.len() >= MOST {
            told.clear();
        }
        told.insert(job.clone())
    }

    fn forget(&self, job: &(PlanId, String, String)) {
        ignore_poison(self.0.lock()).remove(job);
    }
}

/// Has the store note the page of the job of a worker that got a reservation. The worker does not wait for it.
pub(super) fn note(shared: &Arc<ServiceState>, plan: PlanId, worker: String, url: String) {
    let job = (plan, worker, url);
    if !shared.worker_jobs.is_new(&job) {
        return;
    }
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let (plan, worker, url) = job.clone();
        let noted = shared.ask(move |store, now| store.note_worker_job(plan, worker, url, now));
        if noted.await.is_err() {
            // The next reservation tries again.
            shared.worker_jobs.forget(&job);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_is_told_once_of_each_job() {
        let jobs = WorkerJobs::default();
        let job = |url: &str| (PlanId(1), "w".to_owned(), url.to_owned());
        assert!(jobs.is_new(&job("a")));
        assert!(!jobs.is_new(&job("a")));
        assert!(jobs.is_new(&job("b")), "a worker in another job");
        jobs.forget(&job("a"));
        assert!(jobs.is_new(&job("a")));
    }
}
