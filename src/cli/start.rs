//! Starts a plan from a template for the commit under test: what `execute` and `run` share.

use clap::Args;

use super::{
    args::{ConfigArgs, ServiceArgs, StartArgs, TemplateArgs},
    context::Context,
    managed::ManagedArgs,
    selection_args::SelectionArgs,
};
use crate::{
    ci::{Ci, Moment},
    client::{Client, StartPlan},
    clock,
    failure::Failure,
    listing::{
        listed_template::ListedTemplate,
        loaded_plan_file::LoadedPlanFile,
        template_tests::{self, CountComparison},
    },
    model::{DiscoveryAccount, Plan, Selection, Timestamp, plan::LinkedRepository},
    publication::step_outputs::StepOutput,
    random,
};

/// Longest title and batch of a plan, in characters.
const LONGEST_NAME: usize = 256;

/// Which plan to start, and where.
#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    #[command(flatten)]
    pub(crate) template: TemplateArgs,
    #[command(flatten)]
    pub(crate) start: StartArgs,
    #[command(flatten)]
    pub(crate) managed: ManagedArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Print the tests that the plan would get and where it would be started, and start nothing.
    #[arg(long, help_heading = "Selection")]
    pub(crate) dry_run: bool,
}

/// The names of a new plan and the revisions that it tests.
#[derive(Clone, Debug)]
pub(crate) struct StartSettings {
    title: Option<String>,
    batch: Option<String>,
    /// What the CI says, with the commit and branch of the flags.
    pub(crate) tested: Ci,
    pub(crate) linked: Vec<LinkedRepository>,
}

impl StartSettings {
    pub(crate) fn resolve(args: &StartArgs, context: &Context) -> Result<Self, Failure> {
        let ci = context.ci().clone();
        let tested = Ci {
            commit: args.commit.clone().or(ci.commit),
            branch: args.branch.clone().or(ci.branch),
            ..ci
        };
        if args.commit.is_none() && !args.linked_repos.is_empty() {
            for warning in &tested.event_warnings {
                context.screen.warn(warning);
            }
        }
        let linked = args.linked_repos.iter();
        let linked = linked.map(|text| linked_repository(text, tested.commit.as_deref()));
        Ok(Self {
            title: args.title.clone(),
            batch: args.batch.clone(),
            linked: linked.collect::<Result<_, _>>()?,
            tested,
        })
    }
}

/// A plan that was started.
#[derive(Debug)]
pub(crate) struct StartedPlan {
    pub(crate) plan: Plan,
    /// What became of the lines of the listing that its tests came from, if one was run here.
    pub(crate) discovery: Option<DiscoveryAccount>,
    /// How far the service's clock is ahead of ours, in milliseconds, if the service sends its time.
    pub(crate) clock_ahead_ms: Option<i64>,
}

/// Starts a plan from a template. `planned` is the time at which Test Center is to run it itself. The title is unique per
/// attempt, so that a lost answer is found again instead of starting a second plan. Without `tests` the plan gets those of the
/// template.
pub(crate) async fn start(
    client: &Client,
    (template, config): (&Plan, Option<&LoadedPlanFile>),
    tests: Option<ListedTemplate>,
    settings: &StartSettings,
    planned: Option<Timestamp>,
    context: &Context,
) -> Result<StartedPlan, Failure> {
    let screen = &context.screen;
    let moment = Moment {
        time: clock::wall(),
        random: random::number().map_err(Failure::infrastructure)?,
    };
    let ci = &settings.tested;
    let (title, batch) = (settings.title.clone(), settings.batch.clone());
    let discovery = tests.as_ref().and_then(ListedTemplate::recorded);
    let selection = discovery.as_ref().and_then(|it| it.selection.as_ref());
    // Lists of plans show titles: none of them should take it for a plan of all tests.
    let name = match selection {
        Some(Selection { selected, of, .. }) => {
            format!("{} ({selected} of {of} tests)", template.title)
        }
        None => template.title.clone(),
    };
    let title = title.unwrap_or_else(|| ci.default_title(&name, moment));
    let batch = batch.unwrap_or_else(|| ci.default_batch(&template.title, moment));
    check_length("--title", &title)?;
    check_length("--batch", &batch)?;
    let request = StartPlan {
        template: template.id,
        project: template.project.clone(),
        title,
        batch,
        planned,
        linked: settings.linked.clone(),
        tests: tests.map(|listed| listed.definition.executions),
        discovery: discovery.clone(),
        origin: ci.origin(),
    };
    let plan = client.execute_plan(&request).await?;
    // Before the comparison below, which may take long.
    screen.output(StepOutput::PlanId, plan.id);
    let page_url = client.page_of(&plan);
    let plan = Plan { page_url, ..plan };
    if let Some(url) = &plan.page_url {
        screen.plan_page(plan.id, url);
    }
    let clock_ahead_ms = plan.clock_ahead_ms(clock::wall());
    match template_tests::compare_counts(client, (template, &plan), config).await {
        Some(CountComparison::Differs(warning)) => screen.warn(warning),
        Some(CountComparison::Unknown(why)) => screen.info(why),
        Some(CountComparison::Equal) | None => {}
    }
    Ok(StartedPlan {
        plan,
        discovery,
        clock_ahead_ms,
    })
}

/// Refuses a name that the service would refuse later.
fn check_length(flag: &str, text: &str) -> Result<(), Failure> {
    let length = text.chars().count();
    if length <= LONGEST_NAME {
        return Ok(());
    }
    Err(Failure::usage_text(format_args!(
        "{flag}: {length} characters, {LONGEST_NAME} are the most"
    ))
    .help(format!("give a shorter one with {flag}")))
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
    fn linked_repository_defaults_to_the_commit_under_test() {
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
