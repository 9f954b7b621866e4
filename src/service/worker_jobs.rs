//! The CI jobs of workers that the store has already, so that each is written once.

use std::{collections::HashSet, sync::Mutex};

use crate::{model::PlanId, sync::ignore_poison};

/// Most workers that are remembered; past it all are written again.
const MOST: usize = 10_000;

/// The workers whose jobs the store has.
#[derive(Debug, Default)]
pub(super) struct WorkerJobs(Mutex<HashSet<(PlanId, String, String)>>);

impl WorkerJobs {
    /// Whether the store does not have it yet; it counts as written from now on.
    pub(super) fn is_new(&self, job: &(PlanId, String, String)) -> bool {
        let mut written = ignore_poison(self.0.lock());
        if written.len() >= MOST {
            written.clear();
        }
        written.insert(job.clone())
    }

    /// Counts as not written again.
    pub(super) fn forget(&self, job: &(PlanId, String, String)) {
        ignore_poison(self.0.lock()).remove(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_is_written_once() {
        let jobs = WorkerJobs::default();
        let job = |url: &str| (PlanId(1), "w".to_owned(), url.to_owned());
        assert!(jobs.is_new(&job("a")));
        assert!(!jobs.is_new(&job("a")));
        assert!(jobs.is_new(&job("b")), "a worker in another job");
        jobs.forget(&job("a"));
        assert!(jobs.is_new(&job("a")));
    }
}
