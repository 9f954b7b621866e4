//! The tests that a `testplan.yml` has for a template of the service: what a plan of the checked-out revision runs.
//!
//! testplan's own service gets them with the request for the plan. Test Center owns its templates, so there only the
//! numbers of tests are compared.

use super::{listed_template::ListedTemplate, loaded_plan_file::LoadedPlanFile};
use crate::{
    client::{Client, ErrorKind},
    failure::Failure,
    model::{Capabilities, DiscoveryAccount, Plan, PlanId, PlanKind},
};

/// Where the tests of a new plan come from.
#[derive(Debug)]
pub(crate) enum PlanTestsSource {
    /// The service's template. Holds why, if people should know.
    Service(Option<String>),
    /// The file.
    File(Box<ListedTemplate>),
}

/// Finds the template to start. If only the file has it, the error says that it was never published.
pub(crate) async fn find_template(
    client: &Client,
    (project, title): (&str, &str),
    config: Option<&LoadedPlanFile>,
) -> Result<Plan, Failure> {
    let error = match client.find_plan(project, title, PlanKind::Template).await {
        Ok(plan) => return Ok(plan),
        Err(error) => error,
    };
    let has_template = |config: &&LoadedPlanFile| {
        config.is_of_project(project) && config.template_titled(title).is_some()
    };
    let is_missing = matches!(error.kind, ErrorKind::NotFound { .. });
    match config.filter(has_template) {
        Some(config) if is_missing && client.is_testplan() => {
            Err(Failure::usage(error).help(format!(
                "{} has this template and the service does not: run `testplan publish --template {title:?}` first",
                config.path.display()
            )))
        }
        _ => Err(error.into()),
    }
}

/// The tests for a new plan of a template. Lists those of the file if the service is testplan's own.
pub(crate) async fn tests_for(
    client: &Client,
    template: &Plan,
    config: Option<&LoadedPlanFile>,
) -> Result<PlanTestsSource, Failure> {
    let Some(config) = config.filter(|_| client.is_testplan()) else {
        return Ok(PlanTestsSource::Service(None));
    };
    let (path, title) = (config.path.display(), &template.title);
    let Some(found) = config.template_titled(title) else {
        return Ok(PlanTestsSource::Service(Some(format!(
            "{path} has no template {title:?}: the plan gets the tests that were published"
        ))));
    };
    if !config.is_of_project(&template.project) {
        return Err(Failure::usage_text(format_args!(
            "{path} has template {title:?} for project {:?}, and project {:?} was asked for",
            config.file.project.as_deref().unwrap_or_default(),
            template.project
        ))
        .help("leave --project out, or name the file of that project with --config"));
    }
    let listed = config.list(found).await?;
    Ok(PlanTestsSource::File(Box::new(listed)))
}

/// How the number of executions of a new plan of Test Center compares with the tests in the file.
#[derive(Debug)]
pub(crate) enum CountComparison {
    Equal,
    /// They differ: a warning.
    Differs(String),
    /// They could not be counted, and why.
    Unknown(String),
}

/// Compares the number of executions of a plan with the tests that the file has for its template. `None` if the service
/// is testplan's own, which got the tests of the file, or if the file does not have the template.
pub(crate) async fn compare_counts(
    client: &Client,
    (template, plan): (&Plan, &Plan),
    config: Option<&LoadedPlanFile>,
) -> Option<CountComparison> {
    let config =
        config.filter(|config| !client.is_testplan() && config.is_of_project(&template.project))?;
    let found = config.template_titled(&template.title)?;
    let path = config.path.display();
    let counted = async {
        let listed = config.list(found).await?;
        let status = client.status(plan.id, &Capabilities::default()).await?;
        Ok::<_, Failure>((status.total(), listed.definition.executions.len() as u64))
    };
    Some(match counted.await {
        Ok((planned, listed)) if planned == listed => CountComparison::Equal,
        Ok((planned, listed)) => CountComparison::Differs(format!(
            "plan {} has {planned} executions, and {path} has {listed} for template {:?}: Test Center runs the tests of \
             its own template; update it there, or the file here",
            plan.id, template.title
        )),
        Err(failure) => CountComparison::Unknown(format!(
            "the tests of {path} are not compared with those of plan {}: {}",
            plan.id,
            failure.plain().lines().next().unwrap_or_default()
        )),
    })
}

/// The account of the discovery that made a plan's tests, if the service keeps one.
pub(crate) async fn discovery_of_plan(client: &Client, plan: PlanId) -> Option<DiscoveryAccount> {
    match client.plan_tests(plan).await {
        Ok(tests) => tests?.discovery,
        Err(error) => {
            tracing::warn!("the account of the discovery of plan {plan} was not read: {error}");
            None
        }
    }
}
