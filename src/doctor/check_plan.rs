//! Checks the template to start, and the started plan.

use super::{
    finding::{Finding, not_checked, ok, problem, warning},
    observe::{Observations, plan_lookup::PlanLookup},
};
use crate::{
    client::{ClientError, ErrorKind},
    config::suggest,
    exit_code::Conclusion,
    model::{Plan, PlanKind},
};

/// Checks whether the template can be started.
pub(super) fn template(observations: &Observations<'_>) -> Option<Finding> {
    let request = &observations.request;
    let (project, title) = match &request.template {
        Ok((project, title)) => (project.as_str(), title.as_str()),
        Err(failure) => {
            let finding = not_checked(failure.error.to_string());
            return Some(match &failure.help {
                Some(help) => finding.cured(help),
                None => finding,
            });
        }
    };
    let templates = request.config_file().into_iter();
    let titles = templates.flat_map(|config| config.file.templates.iter());
    let titles: Vec<&str> = titles.map(|template| template.title.as_str()).collect();
    let others = titles.iter().copied().filter(|other| *other != title);
    let near = || suggest::nearest(title, others.clone());
    Some(match &observations.answers.template {
        None if !request.service.is_embedded() => {
            not_checked(format!("{title:?}: the service could not be asked"))
        }
        None if titles.contains(&title) => ok(format!(
            "{title:?} is in testplan.yml, which `testplan run` serves itself"
        )),
        None => {
            let cure = match near() {
                Some(near) => format!("did you mean --template {near:?}?"),
                None => "add it there, or name the service that has it with --url".to_owned(),
            };
            problem(format!("no template {title:?} in testplan.yml"), cure)
                .ending(Conclusion::NothingToRun)
        }
        Some(PlanLookup::Found(fetched)) => found(&fetched.plan, project, title),
        Some(PlanLookup::Missing { message, instead }) => {
            let cure = match (instead.first(), near()) {
                (Some(_), _) => format!("there is {}: use that", instead.join(", ")),
                (None, Some(near)) if message.contains(near) => {
                    format!("use --template {near:?}")
                }
                (None, Some(near)) => {
                    format!("testplan.yml has a template {near:?}: did you mean that one?")
                }
                (None, None) => {
                    "copy project and title from the service, letter by letter".to_owned()
                }
            };
            problem(message.as_str(), cure).ending(Conclusion::NothingToRun)
        }
        Some(PlanLookup::Unanswered(error)) => unanswered(error),
    })
}

fn found(plan: &Plan, project: &str, title: &str) -> Finding {
    let text = format!(
        "{:?} of project {:?} is number {}",
        plan.title, plan.project, plan.id
    );
    // A service that leaves the project out has no other.
    if plan.title == title && (plan.project == project || plan.project.is_empty()) {
        return ok(text);
    }
    warning(
        format!("{text}; the service took {title:?} of {project:?} for it"),
        "use title and project as the service has them: other services compare exactly",
    )
}

/// Checks whether workers can run the started plan.
pub(super) fn started(observations: &Observations<'_>) -> Option<Finding> {
    let id = observations.request.plan?;
    Some(match &observations.answers.plan {
        None => not_checked(format!("plan {id}: the service could not be asked")),
        Some(PlanLookup::Found(fetched)) if fetched.plan.kind == PlanKind::Template => problem(
            format!("{id} is a template, {:?}", fetched.plan.title),
            "start it with `testplan execute`, and use the number of the plan",
        )
        .ending(Conclusion::Usage),
        Some(PlanLookup::Found(fetched)) => {
            let Plan { title, project, .. } = &fetched.plan;
            ok(format!("{id} is {title:?} of project {project:?}"))
        }
        Some(PlanLookup::Missing { message, .. }) => problem(
            format!("no plan {id}: {message}"),
            "use the number that `testplan execute` printed",
        )
        .ending(Conclusion::NothingToRun),
        Some(PlanLookup::Unanswered(error)) => unanswered(error),
    })
}

/// Refused credentials have a finding of their own.
fn unanswered(error: &ClientError) -> Finding {
    match &error.kind {
        ErrorKind::Unauthorized { .. } | ErrorKind::Redirected { .. } => {
            not_checked("the service refuses the credentials")
        }
        _ => problem(error.to_string(), error.help()),
    }
}
