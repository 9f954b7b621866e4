//! The template to start, or the plan that runs: looked up, and by near names where it is not found.

use std::time::Duration;

use super::finding::{Finding, Group};
use crate::{
    client::{Client, ClientError, ErrorKind},
    clock,
    config::suggest,
    exit_code::Conclusion,
    failure::Failure,
    listing::loaded_plan_file::LoadedPlanFile,
    model::{Plan, PlanId, PlanKind, Timestamp},
};

const GROUP: Group = Group::Plan;
/// Most titles that are tried in place of one that is not found.
const MOST_TRIED: usize = 4;

/// A plan, and by which clock it was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The template or plan.
    pub plan: Plan,
    /// Our clock when the request was sent.
    pub sent: Timestamp,
    /// How long the answer took.
    pub took: Duration,
}

/// What came of a look-up at the service.
#[derive(Debug)]
pub enum Looked {
    /// It is there.
    Found(Told),
    /// It is not; these are, in words.
    Missing {
        /// What the service says.
        message: String,
        /// What is there instead.
        instead: Vec<String>,
    },
    /// The question was not answered.
    Unanswered(ClientError),
}

/// Looks a template up.
pub async fn look_up(client: &Client, project: &str, title: &str) -> Looked {
    let found = timed(client.find_plan(project, title, PlanKind::Template)).await;
    match found {
        Ok(told) => Looked::Found(told),
        Err(error) => match error.kind {
            ErrorKind::NotFound { message } => Looked::Missing {
                instead: instead(client, project, title).await,
                message,
            },
            _ => Looked::Unanswered(error),
        },
    }
}

/// Asks for a plan by number.
pub async fn by_number(client: &Client, plan: PlanId) -> Looked {
    match timed(client.plan(plan)).await {
        Ok(told) => Looked::Found(told),
        Err(error) => match &error.kind {
            ErrorKind::Refused {
                status: 400 | 404,
                message,
                ..
            } => Looked::Missing {
                message: message.clone(),
                instead: Vec::new(),
            },
            _ => Looked::Unanswered(error),
        },
    }
}

async fn timed(
    asking: impl Future<Output = Result<Plan, ClientError>>,
) -> Result<Told, ClientError> {
    let (sent, began) = (clock::wall(), clock::monotonic());
    let plan = asking.await?;
    let took = clock::monotonic().saturating_duration_since(began);
    Ok(Told { plan, sent, took })
}

/// What a service that lists no titles has under nearly the same. Ours names the nearest by itself.
async fn instead(client: &Client, project: &str, title: &str) -> Vec<String> {
    if client.is_testplan() {
        return Vec::new();
    }
    let templates = spellings(title);
    let asked = templates.iter().map(async |title| {
        let found = client.find_plan(project, title, PlanKind::Template).await;
        found.ok().map(|plan| format!("template {:?}", plan.title))
    });
    let (templates, started) = futures_util::future::join(
        futures_util::future::join_all(asked),
        client.find_plan(project, title, PlanKind::Instance),
    )
    .await;
    let started = started.map(|plan| format!("plan {}, which was started already", plan.id));
    let mut found: Vec<String> = templates.into_iter().flatten().chain(started).collect();
    found.dedup();
    found
}

/// Other spellings of a title that people and URLs make of it.
fn spellings(title: &str) -> Vec<String> {
    let plain = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut spellings = Vec::new();
    for other in [
        plain.clone(),
        plain.replace(' ', "-"),
        plain.replace(['-', '_'], " "),
        plain.replace([' ', '-'], "_"),
    ] {
        if other != title && !other.is_empty() && !spellings.contains(&other) {
            spellings.push(other);
        }
    }
    spellings.truncate(MOST_TRIED);
    spellings
}

/// What was to be looked up, and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// Project and title, or what is missing of them.
    pub named: &'a Result<(&'a str, &'a str), Failure>,
    /// The service's answer; `None` if it was not asked.
    pub looked: Option<&'a Looked>,
    /// testplan.yml.
    pub config: Option<&'a LoadedPlanFile>,
    /// Whether `testplan run` would be the service itself.
    pub is_alone: bool,
}

/// Whether the template can be started.
pub fn judge_template(lookup: Lookup<'_>) -> Finding {
    const ID: &str = "template";
    let (project, title) = match lookup.named {
        Ok(named) => *named,
        Err(failure) => {
            let finding = Finding::not_checked(GROUP, ID, failure.error.to_string());
            return match &failure.help {
                Some(help) => finding.cured(help),
                None => finding,
            };
        }
    };
    let titles = lookup.config.into_iter().flat_map(|config| {
        let templates = config.file.templates.iter();
        templates.map(|template| template.title.as_str())
    });
    let near = || suggest::nearest(title, titles.clone().filter(|other| *other != title));
    match lookup.looked {
        None if lookup.is_alone => {
            if titles.clone().any(|other| other == title) {
                let text =
                    format!("{title:?} is in testplan.yml, which `testplan run` serves itself");
                return Finding::ok(GROUP, ID, text);
            }
            let cure = match near() {
                Some(near) => format!("did you mean --template {near:?}?"),
                None => "write it there, or name the service that has it with --url".to_owned(),
            };
            Finding::problem(
                GROUP,
                ID,
                format!("no template {title:?} in testplan.yml"),
                cure,
            )
            .ending(Conclusion::NothingToRun)
        }
        None => Finding::not_checked(
            GROUP,
            ID,
            format!("{title:?}: the service could not be asked"),
        ),
        Some(Looked::Found(told)) => found(&told.plan, project, title),
        Some(Looked::Missing { message, instead }) => {
            let cure = match (instead.first(), near()) {
                (Some(_), _) => format!("there is {}: write that", instead.join(", ")),
                (None, Some(near)) if message.contains(near) => {
                    format!("name that one with --template {near:?}")
                }
                (None, Some(near)) => {
                    format!("testplan.yml has a template {near:?}: did you mean that one?")
                }
                (None, None) => {
                    "copy project and title from the service, letter by letter".to_owned()
                }
            };
            Finding::problem(GROUP, ID, message.as_str(), cure).ending(Conclusion::NothingToRun)
        }
        Some(Looked::Unanswered(error)) => unanswered(ID, error),
    }
}

fn found(plan: &Plan, project: &str, title: &str) -> Finding {
    let text = format!(
        "{:?} of project {:?} is number {}",
        plan.title, plan.project, plan.id
    );
    // A service that says nothing of the project knows it well enough.
    let is_same = plan.title == title && (plan.project == project || plan.project.is_empty());
    if is_same {
        return Finding::ok(GROUP, "template", text);
    }
    Finding::warning(
        GROUP,
        "template",
        format!("{text}, which is what the service made of {title:?} of {project:?}"),
        "write title and project as the service does: another service compares exactly",
    )
}

/// Whether the plan of `--plan-id` can be worked on.
pub fn judge_number(id: PlanId, looked: Option<&Looked>) -> Finding {
    const ID: &str = "plan";
    match looked {
        None => Finding::not_checked(
            GROUP,
            ID,
            format!("plan {id}: the service could not be asked"),
        ),
        Some(Looked::Found(told)) if told.plan.kind == PlanKind::Template => Finding::problem(
            GROUP,
            ID,
            format!("{id} is a template, {:?}", told.plan.title),
            "start it with `testplan execute`, and use the number of the plan",
        )
        .ending(Conclusion::Usage),
        Some(Looked::Found(told)) => Finding::ok(
            GROUP,
            ID,
            format!(
                "{id} is {:?} of project {:?}",
                told.plan.title, told.plan.project
            ),
        ),
        Some(Looked::Missing { message, .. }) => Finding::problem(
            GROUP,
            ID,
            format!("no plan {id}: {message}"),
            "use the number that `testplan execute` printed",
        )
        .ending(Conclusion::NothingToRun),
        Some(Looked::Unanswered(error)) => unanswered(ID, error),
    }
}

/// Credentials that are refused are told of once, where they are checked.
fn unanswered(id: &'static str, error: &ClientError) -> Finding {
    match &error.kind {
        ErrorKind::Unauthorized { .. } | ErrorKind::Redirected { .. } => {
            Finding::not_checked(GROUP, id, "the service does not let us in")
        }
        _ => Finding::problem(GROUP, id, error.to_string(), error.help()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_tried_in_the_spellings_of_people_and_urls() {
        for (title, expected) in [
            (
                "CI-Tests-master",
                &["CI Tests master", "CI_Tests_master"][..],
            ),
            (" CI  Tests", &["CI Tests", "CI-Tests", "CI_Tests"]),
            ("nightly", &[]),
        ] {
            assert_eq!(spellings(title), expected, "{title}");
        }
    }
}
