//! Creates or changes a check run.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use super::{
    api_client::GitHub, check_run::CheckRun, check_run_body::CheckRunBody,
    publish_error::PublishError, retries::Budget,
};
use crate::text::percent_encoded;

#[derive(Deserialize)]
struct ListedCheckRuns {
    #[serde(default)]
    check_runs: Vec<KnownCheckRun>,
}

#[derive(Deserialize)]
struct KnownCheckRun {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    output: Option<KnownOutput>,
}

#[derive(Deserialize)]
struct KnownOutput {
    #[serde(default)]
    annotations_count: Option<usize>,
}

impl KnownCheckRun {
    /// The number of annotations that it has already.
    fn annotations(&self) -> usize {
        let output = self.output.as_ref();
        output
            .and_then(|output| output.annotations_count)
            .unwrap_or(0)
    }
}

impl GitHub {
    /// Changes the check run of this name and external id at a commit, or makes it. Each try looks for it first, so
    /// that a lost answer neither makes a second one nor repeats annotations.
    pub async fn put_check_run(&self, commit: &str, run: &CheckRun) -> Result<(), PublishError> {
        let commit = super::address::commit(commit)?;
        let budget = Budget::start(self.patience);
        // The annotations that are known to have arrived: GitHub may count recent ones late.
        let arrived = &AtomicUsize::new(0);
        budget
            .persist(|| async move {
                let found = self.find_check_run(budget, commit, run).await?;
                let known = if let Some(known) = found {
                    known
                } else {
                    let body = CheckRunBody::new(run, Some(commit), 0);
                    self.create(budget, "/check-runs", &body).await?;
                    arrived.store(body.next, Ordering::Relaxed);
                    if body.next >= body.all {
                        return Ok(());
                    }
                    let made = self.find_check_run(budget, commit, run).await?;
                    made.ok_or_else(|| PublishError::Unexpected {
                        what: "the new check run is not listed".to_owned(),
                    })?
                };
                self.change_check_run(budget, run, &known, arrived).await
            })
            .await
    }

    /// Changes the check run of this name and external id, if there is one.
    pub(crate) async fn end_check_run(
        &self,
        commit: &str,
        run: &CheckRun,
    ) -> Result<(), PublishError> {
        let commit = super::address::commit(commit)?;
        let budget = Budget::start(self.patience);
        let find = || self.find_check_run(budget, commit, run);
        if budget.persist(find).await?.is_some() {
            self.put_check_run(commit, run).await?;
        }
        Ok(())
    }

    /// Sends the state, and the annotations that are not there yet.
    async fn change_check_run(
        &self,
        budget: Budget,
        run: &CheckRun,
        known: &KnownCheckRun,
        arrived: &AtomicUsize,
    ) -> Result<(), PublishError> {
        let path = format!("/check-runs/{}", known.id);
        arrived.fetch_max(known.annotations(), Ordering::Relaxed);
        loop {
            let body = CheckRunBody::new(run, None, arrived.load(Ordering::Relaxed));
            self.update(budget, &path, &body).await?;
            arrived.fetch_max(body.next, Ordering::Relaxed);
            if body.next >= body.all {
                return Ok(());
            }
        }
    }

    async fn find_check_run(
        &self,
        budget: Budget,
        commit: &str,
        run: &CheckRun,
    ) -> Result<Option<KnownCheckRun>, PublishError> {
        let name = percent_encoded(&run.name);
        let path =
            format!("/commits/{commit}/check-runs?check_name={name}&filter=latest&per_page=100");
        let listed: ListedCheckRuns = self.get(budget, &path).await?;
        let mut runs = listed.check_runs.into_iter();
        Ok(runs.find(|known| known.external_id.as_deref() == Some(&run.external_id)))
    }
}
