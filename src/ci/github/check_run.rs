//! Check runs: what they say, and how one is put in place.

mod body;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use super::{GitHub, PublishError, tries::Budget};
use body::Body;

/// Most annotations that are sent; those behind are left out.
pub const MOST_ANNOTATIONS: usize = 500;

/// What a check run says. Texts are cut to GitHub's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// What people and rules of branches know it by; never that of a status as well.
    pub name: String,
    /// What tells this run from others of the same name: a check run with another is left alone, one with the same is
    /// changed. The same from the first word about a run to its last.
    pub external_id: String,
    /// How far it is.
    pub state: CheckState,
    /// One line above the summary.
    pub title: String,
    /// Markdown, at most [`super::LARGEST_TEXT`] bytes.
    pub summary: String,
    /// More Markdown, at most [`super::LARGEST_TEXT`] bytes.
    pub text: Option<String>,
    /// Remarks on files, for which GitHub has no way to be taken back: what is put again has those that it had before
    /// at the same places. The first [`MOST_ANNOTATIONS`] are sent.
    pub annotations: Vec<Annotation>,
}

/// How far a check run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// Still at it.
    InProgress,
    /// Done.
    Completed(CheckConclusion),
}

/// What a check run comes to. GitHub's `neutral` and `skipped` count as passed, which is why they are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckConclusion {
    /// Passed.
    Success,
    /// Failed, or not known: a rule that wants it passed is not met.
    Failure,
    /// Ended by somebody before its end.
    Cancelled,
    /// Time ran out.
    TimedOut,
    /// Somebody has to do something first.
    ActionRequired,
}

/// A remark on lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The file, from the root of the repository.
    pub path: String,
    /// The first line, from 1.
    pub start_line: u32,
    /// The last line.
    pub end_line: u32,
    /// How bad it is.
    pub level: Level,
    /// One line, at most 255 characters.
    pub title: Option<String>,
    /// At most 64 KB.
    pub message: String,
    /// More, folded away. At most 64 KB.
    pub raw_details: Option<String>,
}

/// How bad what an annotation remarks is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Notice,
    /// Not good.
    Warning,
    /// Bad.
    Failure,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    check_runs: Vec<Known>,
}

#[derive(Deserialize)]
struct Known {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    output: Option<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    annotations_count: Option<usize>,
}

impl Known {
    /// How many annotations it has already.
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
        // How many annotations are there for sure: GitHub may count those of a moment ago late.
        let arrived = &AtomicUsize::new(0);
        budget
            .persist(|| async move {
                let found = self.find_check_run(budget, commit, run).await?;
                let known = if let Some(known) = found {
                    known
                } else {
                    let body = Body::new(run, Some(commit), 0);
                    self.create(budget, "/check-runs", &body).await?;
                    arrived.store(body.next, Ordering::Relaxed);
                    if body.next >= body.all {
                        return Ok(());
                    }
                    let made = self.find_check_run(budget, commit, run).await?;
                    made.ok_or_else(|| PublishError::Odd {
                        what: "a check run that was made is not there".to_owned(),
                    })?
                };
                self.change_check_run(budget, run, &known, arrived).await
            })
            .await
    }

    /// Changes the check run of this name and external id, if there is one.
    pub async fn end_check_run(&self, commit: &str, run: &CheckRun) -> Result<(), PublishError> {
        let commit = super::address::commit(commit)?;
        let budget = Budget::start(self.patience);
        let find = || self.find_check_run(budget, commit, run);
        if budget.persist(find).await?.is_some() {
            self.put_check_run(commit, run).await?;
        }
        Ok(())
    }

    /// Sends all that is not there yet, and at least the state.
    async fn change_check_run(
        &self,
        budget: Budget,
        run: &CheckRun,
        known: &Known,
        arrived: &AtomicUsize,
    ) -> Result<(), PublishError> {
        let path = format!("/check-runs/{}", known.id);
        arrived.fetch_max(known.annotations(), Ordering::Relaxed);
        loop {
            let body = Body::new(run, None, arrived.load(Ordering::Relaxed));
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
    ) -> Result<Option<Known>, PublishError> {
        let name = body::query(&run.name);
        let path =
            format!("/commits/{commit}/check-runs?check_name={name}&filter=latest&per_page=100");
        let listed: Listed = self.get(budget, &path).await?;
        let mut runs = listed.check_runs.into_iter();
        Ok(runs.find(|known| known.external_id.as_deref() == Some(&run.external_id)))
    }
}
