//! Moving a service from SQLite to PostgreSQL: all of it or nothing.
//!
//! Rows keep their numbers, so links and ids of clients hold. The copy is compared with its source before it counts.

pub(in crate::store) mod batch;
pub(in crate::store) mod proof;
pub(in crate::store) mod tables;

use std::path::Path;

pub use crate::store::sqlite::RunningPlan;
use crate::{
    model::Timestamp,
    store::{
        StoreError,
        postgres::{MoveTarget, Target, Unfit},
        sqlite::MoveSource,
    },
};
use tables::{PLANS, TABLES, Table};

/// Why nothing was moved. After [`Store`](Self::Store) with a lost connection at the end it may have been.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MoveError {
    /// One of the databases cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The connection was lost while the end of the transaction was awaited.
    #[error("{0}: whether the move counts is unknown")]
    Unclear(StoreError),
    /// Workers hold leases.
    #[error("{}", running_text(.0))]
    Running(Vec<RunningPlan>),
    /// A service runs on the target.
    #[error("{0}: a service runs on it, or did a moment ago")]
    InUse(String),
    /// The target is not empty.
    #[error("{place}: it is not empty, it has {}", .found.join(", "))]
    NotEmpty {
        /// The server and the database.
        place: String,
        /// What it has.
        found: Vec<&'static str>,
    },
    /// The copy is not the same as its source.
    #[error("the copy differs from its source: {0}")]
    Differs(String),
}

impl MoveError {
    /// One thing to do.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Store(StoreError::Lost(_)) => Some(
                "put the missing files back or restore a backup; `testplan serve --accept-loss` goes on without what is lost",
            ),
            Self::Store(_) => None,
            Self::Unclear(_) => Some("run the command again: it is refused if the move counts"),
            Self::Running(_) => Some(
                "start the service again until their workers are done, then stop it; or leave these plans out with --leave-running",
            ),
            Self::InUse(_) => Some("stop all replicas, and try again 10 seconds later"),
            Self::NotEmpty { .. } => {
                Some("move to an empty database, for example one that `createdb` made")
            }
            Self::Differs(_) => Some(
                "nothing was moved; look for triggers that other programs added, and report it to testplan otherwise",
            ),
        }
    }
}

fn running_text(plans: &[RunningPlan]) -> String {
    /// Most plans that are named.
    const NAMED: usize = 5;
    let named = plans.iter().take(NAMED).map(|plan| {
        let RunningPlan {
            id,
            title,
            reserved,
        } = plan;
        format!("plan {id} {title:?} ({reserved} reserved)")
    });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match plans.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more plans"),
    };
    format!("workers hold leases of {named}{more}")
}

/// How to move.
#[derive(Clone, Copy, Debug)]
pub struct MoveOptions {
    /// Leave the plans with leases out instead of refusing.
    pub leave_running: bool,
    /// The time by the wall clock.
    pub now: Timestamp,
}

/// What was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The kinds of rows, and how many.
    pub kinds: Vec<(&'static str, i64)>,
    /// The plans that were left out.
    pub left_out: Vec<RunningPlan>,
}

impl Moved {
    /// How many rows of a kind were moved.
    pub fn count(&self, kind: &str) -> i64 {
        let found = self.kinds.iter().find(|(name, _)| *name == kind);
        found.map_or(0, |(_, count)| *count)
    }
}

/// How far a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Rows of a kind were copied, of all.
    Copied(&'static str, i64, i64),
    /// Plans were compared, of all.
    Compared(i64, i64),
}

/// Copies everything in the SQLite database at `source` to an empty PostgreSQL database, in one transaction. Blocks.
///
/// # Errors
///
/// [`MoveError`]: the target is then as before, unless it is [`MoveError::Unclear`].
pub fn move_to_postgres(
    source: &Path,
    target: &Target,
    options: MoveOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Moved, MoveError> {
    let mut source = MoveSource::open(source, options.now)?;
    let left_out = source.running()?;
    if !left_out.is_empty() {
        if !options.leave_running {
            return Err(MoveError::Running(left_out));
        }
        source.leave_running();
    }
    let mut target = MoveTarget::begin(target)?;
    match target.unfit()? {
        Some(Unfit::InUse) => return Err(MoveError::InUse(target.place().to_owned())),
        Some(Unfit::NotEmpty(found)) => {
            let place = target.place().to_owned();
            return Err(MoveError::NotEmpty { place, found });
        }
        None => {}
    }
    let mut kinds = Vec::new();
    for table in TABLES {
        let rows = copy(table, &source, &mut target, progress)?;
        if table.name == PLANS {
            let [templates, plans] = source.templates_and_plans()?;
            kinds.extend([("templates", templates), ("plans", plans)]);
        } else if !table.label.is_empty() {
            kinds.push((table.label, rows));
        }
    }
    target.set_lease_key(&source.lease_key()?)?;
    for table in TABLES.iter().filter(|it| it.is_numbered) {
        target.set_next_number(table, source.next_number(table)?)?;
    }
    target.set_next_execution(source.next_execution()?)?;
    target.analyze()?;
    compare(&source, &mut target, progress)?;
    target.commit().map_err(|error| match &error {
        StoreError::Away(_) => MoveError::Unclear(error),
        _ => MoveError::Store(error),
    })?;
    Ok(Moved { kinds, left_out })
}

/// Copies a table and returns how many rows it has.
fn copy(
    table: &Table,
    source: &MoveSource<'_>,
    target: &mut MoveTarget,
    progress: &mut dyn FnMut(Progress),
) -> Result<i64, StoreError> {
    let all = source.count(table)?;
    let mut copied = 0;
    source.read(table, |batch| {
        target.insert(table, batch)?;
        copied += i64::try_from(batch.rows).unwrap_or(i64::MAX);
        progress(Progress::Copied(table.words(), copied, all));
        Ok(())
    })?;
    Ok(all)
}

/// Compares every table by its size, and every plan by its counts and verdicts.
fn compare(
    source: &MoveSource<'_>,
    target: &mut MoveTarget,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), MoveError> {
    for table in TABLES {
        let (had, has) = (source.count(table)?, target.count(table)?);
        if had != has {
            return Err(MoveError::Differs(format!(
                "it has {has} rows instead of {had} ({})",
                table.words()
            )));
        }
    }
    let plans = source.plans()?;
    let all = i64::try_from(plans.len()).unwrap_or(i64::MAX);
    for (number, (plan, first, end)) in (1..).zip(plans) {
        let range = (first, end);
        let (had, has) = (source.proof(plan, range)?, target.proof(plan, range)?);
        if let Some(difference) = proof::difference(plan, &had, &has) {
            return Err(MoveError::Differs(difference));
        }
        progress(Progress::Compared(number, all));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PlanId;

    #[test]
    fn running_plans_are_named_up_to_five() {
        let plans: Vec<_> = (1..=7)
            .map(|id| RunningPlan {
                id: PlanId(id),
                title: "nightly".to_owned(),
                reserved: id,
            })
            .collect();
        let few = running_text(&plans[..1]);
        assert_eq!(
            few,
            "workers hold leases of plan 1 \"nightly\" (1 reserved)"
        );
        let many = running_text(&plans);
        assert!(
            many.contains("plan 5 \"nightly\" (5 reserved) and 2 more plans"),
            "{many}"
        );
        assert!(!many.contains("plan 6"), "{many}");
    }
}
