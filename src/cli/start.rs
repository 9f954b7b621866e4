//! From a template to a plan for the commit under test: what `execute` and `run` share.

use super::{args::StartArgs, connect, in_hand, plans::Loaded, screen::Screen, working};
use crate::{
    ci::{Ci, Moment},
    client::{Client, StartPlan},
    clock,
    config::environment::Environment,
    failure::Failure,
    model::{DiscoveryAccount, Plan, Timestamp, plan::LinkedRepository},
    publication::outputs::StepOutput,
};

/// Longest title and batch of a plan, in characters.
const LONGEST_NAME: usize = 256;

/// A plan that was started.
#[derive(Debug)]
pub struct Started {
    /// The plan.
    pub plan: Plan,
    /// What became of the lines of the listing that its tests came from, where one was run here.
    pub discovery: Option<DiscoveryAccount>,
    /// How far the service's clock is ahead of ours, in milliseconds, where the service tells its time.
    pub clock_ahead_ms: Option<i64>,
}

/// Starts a plan from a template, at a time if Test Center is to run it itself, titled so that a lost answer is found again instead of starting a second plan.
/// Its tests are those of `config` where the service is ours and the file has the template.
pub async fn start(
    client: &Client,
    (template, config): (&Plan, Option<&Loaded>),
    args: &StartArgs,
    handed_over: Option<Timestamp>,
    environment: &Environment,
    screen: &Screen,
) -> Result<Started, Failure> {
    let ci = tested(args, environment);
    if args.commit.is_none() && !args.linked_repos.is_empty() {
        for doubt in &ci.doubts {
            screen.warn(format_args!("{doubt}"));
        }
    }
    let moment = Moment {
        time: clock::wall(),
        random: working::random()?,
    };
    let title = args
        .title
        .clone()
        .unwrap_or_else(|| ci.default_title(&template.title, moment));
    let batch = args
        .batch
        .clone()
        .unwrap_or_else(|| ci.default_batch(&template.title, moment));
    short_enough("--title", &title)?;
    short_enough("--batch", &batch)?;
    let linked = linked_to(args, &ci)?;
    let (tests, discovery) = match in_hand::tests(client, template, config, screen).await? {
        Some(in_hand) => {
            let account = in_hand.recorded();
            (Some(in_hand.definition.executions), account)
        }
        None => (None, None),
    };
    let plan = client
        .execute_plan(&StartPlan {
            template: template.id,
            project: template.project.clone(),
            title,
            batch,
            planned: handed_over,
            linked,
            tests,
            discovery: discovery.clone(),
        })
        .await?;
    screen.output(StepOutput::PlanId, plan.id);
    // Before anything that takes time.
    let clock_ahead_ms = plan.clock_ahead_ms(clock::wall());
    in_hand::compare(client, (template, &plan), config, screen).await;
    Ok(Started {
        plan,
        discovery,
        clock_ahead_ms,
    })
}

/// Refuses a name that a service would refuse once everything else is done.
pub fn short_enough(flag: &str, text: &str) -> Result<(), Failure> {
    let length = text.chars().count();
    if length <= LONGEST_NAME {
        return Ok(());
    }
    Err(Failure::usage_text(format_args!(
        "{flag}: {length} characters, {LONGEST_NAME} are the most"
    ))
    .help(format!("give a shorter one with {flag}")))
}

/// The revisions that a plan is linked to.
pub fn linked(
    args: &StartArgs,
    environment: &Environment,
) -> Result<Vec<LinkedRepository>, Failure> {
    linked_to(args, &tested(args, environment))
}

fn linked_to(args: &StartArgs, ci: &Ci) -> Result<Vec<LinkedRepository>, Failure> {
    let linked = args.linked_repos.iter();
    linked
        .map(|text| linked_repository(text, ci.commit.as_deref()))
        .collect()
}

/// What the CI says of the commit under test, unless flags say otherwise.
pub fn tested(args: &StartArgs, environment: &Environment) -> Ci {
    let ci = connect::ci(environment);
    Ci {
        commit: args.commit.clone().or(ci.commit),
        branch: args.branch.clone().or(ci.branch),
        ..ci
    }
}

fn linked_repository(text: &str, commit: Option<&str>) -> Result<LinkedRepository, Failure> {
    let (id, branch) = match text.split_once('=') {
        Some((id, branch)) => (id, Some(branch)),
        None => (text, None),
    };
    let id = id.trim().parse().map_err(|_| {
        Failure::usage_text(format_args!(
            "--linked-repo {text:?}: {id:?} is not the number of a repository"
        ))
        .help("the number stands on the repository settings page of Test Center")
    })?;
    let branch = branch.or(commit).ok_or_else(|| {
        Failure::usage_text(format_args!(
            "--linked-repo {text}: no commit under test is known here"
        ))
        .help(format!("write --linked-repo {text}=BRANCH-OR-COMMIT"))
    })?;
    if branch.is_empty() {
        return Err(
            Failure::usage_text(format_args!("--linked-repo {text:?} names no revision"))
                .help(format!("write --linked-repo {id}=BRANCH-OR-COMMIT")),
        );
    }
    Ok(LinkedRepository {
        id,
        branch: branch.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linked_repositories_default_to_the_commit_under_test() {
        let linked =
            |text, commit| linked_repository(text, commit).map_err(|failure| failure.to_string());
        assert_eq!(
            linked("7", Some("abc")),
            Ok(LinkedRepository {
                id: 7,
                branch: "abc".into()
            })
        );
        assert_eq!(
            linked("7=main", None),
            Ok(LinkedRepository {
                id: 7,
                branch: "main".into()
            })
        );
        for bad in ["x=main", "7=", "=main"] {
            assert!(linked(bad, Some("abc")).is_err(), "{bad}");
        }
        assert!(linked("7", None).is_err());
    }
}
