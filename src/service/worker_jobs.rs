//! Which pages of CI jobs the store has of which workers, so that it is told once of each.

use std::{collections::HashSet, sync::Mutex};

use crate::{model::PlanId, sync::ignore_poison};

/// Most workers that are remembered; past it all are told again.
const MOST: usize = 10_000;

/// The workers whose jobs the store was told.
#[derive(Debug, Default)]
pub(super) struct WorkerJobs(Mutex<HashSet<(PlanId, String, String)>>);

impl WorkerJobs {
    /// Whether the store was not told of it yet; it counts as told from now on.
    pub(super) fn is_new(&self, job: &(PlanId, String, String)) -> bool {
        let mut told = ignore_poison(self.0.lock());
        if told.len() >= MOST {
            told.clear();
        }
        told.insert(job.clone())
    }

    /// Counts as not told again.
    pub(super) fn forget(&self, job: &(PlanId, String, String)) {
        ignore_poison(self.0.lock()).remove(job);
    }
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
