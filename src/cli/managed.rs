//! Plans that Test Center runs itself, started with a time and revisions. They need no workers.

use std::{collections::BTreeSet, str::FromStr, time::Duration};

use clap::Args;

use super::{args, screen::Screen};
use crate::{
    ci::Ci,
    client::Client,
    config::duration,
    failure::Failure,
    model::{Plan, PlanStatus, Timestamp, plan::LinkedRepository, record::Checkout},
    report::PlanReport,
    wait::service_time,
};

/// Whether Test Center runs the tests, and when.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ManagedArgs {
    /// Hand the plan over to Test Center, which runs the scripts itself at the revisions of --linked-repo, without workers;
    /// each result stays there.
    #[arg(
        long,
        requires = "linked_repos",
        help_heading = "Test Center runs the tests"
    )]
    pub(crate) managed: bool,
    /// Start the plan at this time: a time such as 2026-11-22T21:00:00Z, or a duration from now such as 30m [default: now].
    #[arg(
        long,
        value_name = "TIME",
        requires = "managed",
        help_heading = "Test Center runs the tests"
    )]
    pub(crate) at: Option<At>,
}

/// When a plan starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// So long from now.
    In(Duration),
    /// At this time.
    On(Timestamp),
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(span) = duration::parse(text) {
            return Ok(Self::In(span));
        }
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|time| Self::On(Timestamp(time.as_millisecond())))
            .map_err(|_| {
                "a time with its zone, as 2026-11-22T21:00:00Z or 2026-11-22T22:00:00+01:00, or a duration from now, \
                 as 30m"
                    .to_owned()
            })
    }
}

/// When the plan of a template is to start by the service's clock, if it is handed over. Refuses what cannot be, before
/// anything is started.
pub(crate) fn start_time(
    args: &ManagedArgs,
    client: &Client,
    template: &Plan,
    screen: &Screen,
) -> Result<Option<Timestamp>, Failure> {
    if !args.managed {
        return Ok(None);
    }
    if client.is_testplan() {
        return Err(Failure::usage_text(format_args!(
            "--managed: the service at {} is testplan's own, which runs no scripts; nothing was started",
            client.endpoint()
        ))
        .help("leave --managed out and give the plan workers, or name a Test Center with --url"));
    }
    let now = service_time(template);
    let time = match args.at {
        None => now,
        Some(At::In(span)) => now.plus(span),
        Some(At::On(time)) => time,
    };
    if time < now {
        screen.warn(format_args!(
            "--at is {} in the past by Test Center's clock: it starts at once",
            duration::format(Duration::from_secs(now.since(time).as_secs()))
        ));
    }
    Ok(Some(time))
}

/// The report of a plan from its counts.
pub(crate) fn report(client: &Client, plan: Plan, status: PlanStatus, ci: &Ci) -> PlanReport {
    let checkouts = checkouts(&plan.repositories, ci);
    PlanReport {
        checkouts,
        ..PlanReport::of_counts(plan, status, client.endpoint().to_string())
    }
}

/// The revisions that Test Center ran tests at. Of several repositories the one that the run is about counts; a branch
/// moves, so that it names no commit.
fn checkouts(linked: &[LinkedRepository], ci: &Ci) -> BTreeSet<Option<Checkout>> {
    let commits = linked
        .iter()
        .filter(|linked| args::commit(&linked.branch).is_ok());
    let commits: BTreeSet<_> = commits.map(|linked| ci.checkout(&linked.branch)).collect();
    let about = commits
        .iter()
        .find(|checkout| (ci.report_on.as_deref()).is_some_and(|commit| checkout.is_of(commit)));
    match about {
        Some(about) => BTreeSet::from([Some(about.clone())]),
        None if commits.is_empty() => BTreeSet::from([None]),
        None => commits.into_iter().map(Some).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_commit_is_what_was_tested() {
        let [head, merge, other] = ["a", "b", "c"].map(|digit| digit.repeat(40));
        let ci = Ci {
            report_on: Some(head.clone()),
            merge: Some(merge.clone()),
            ..Ci::default()
        };
        let tested = |branches: &[&str]| {
            let linked: Vec<_> = (1..)
                .zip(branches)
                .map(|(id, branch)| LinkedRepository {
                    id,
                    branch: (*branch).to_owned(),
                })
                .collect();
            let found = checkouts(&linked, &ci).into_iter();
            let commits: Vec<_> = found.map(|it| it.map(|it| it.commit)).collect();
            commits
        };
        assert_eq!(tested(&[]), [None]);
        assert_eq!(tested(&["main"]), [None]);
        assert_eq!(tested(&[&other, &head]), [Some(head.clone())]);
        assert_eq!(tested(&["main", &merge]), [Some(merge.clone())]);
        assert_eq!(tested(&[&other]), [Some(other.clone())]);
    }

    #[test]
    fn times_are_points_or_spans() {
        let at = |text: &str| text.parse::<At>();
        assert_eq!(at("30m"), Ok(At::In(Duration::from_secs(1800))));
        assert_eq!(at("0s"), Ok(At::In(Duration::ZERO)));
        let time = At::On(Timestamp(1_755_876_217_000));
        assert_eq!(at("2025-08-22T15:23:37Z"), Ok(time));
        assert_eq!(at(" 2025-08-22T17:23:37+02:00"), Ok(time));
        // A time without a zone is ambiguous.
        for bad in [
            "",
            "2025-08-22T15:23:37",
            "2025-08-22",
            "tomorrow",
            "30",
            "-5m",
        ] {
            assert!(at(bad).unwrap_err().contains("zone"), "{bad}");
        }
    }
}
