//! The tests that the `testplan.yml` in hand has for a template: what a plan of the revision under test runs.
//!
//! A service of ours gets them with the request for the plan. Test Center owns its templates: there the numbers are
//! compared.

use super::{
    args::TemplateArgs,
    connect,
    plans::{Discovered, Loaded},
    screen::Screen,
};
use crate::{
    client::{Client, ErrorKind},
    config::plan_file::Template,
    failure::Failure,
    model::{Capabilities, DiscoveryAccount, Plan, PlanId, PlanKind},
};

/// Runs the listings of one template of a file and prints what they left out.
pub async fn listed(
    loaded: &Loaded,
    template: &Template,
    screen: &Screen,
) -> Result<Discovered, Failure> {
    let discovered = loaded.discover(template).await?;
    discovered.warn(screen);
    Ok(discovered)
}

/// Looks the template to start up.
///
/// A template that only the file in hand has is a mistake with a cure of its own: it was never published.
pub async fn template(
    client: &Client,
    args: &TemplateArgs,
    config: Option<&Loaded>,
) -> Result<Plan, Failure> {
    let (project, title) = connect::named_template(args, config)?;
    let error = match client.find_plan(project, title, PlanKind::Template).await {
        Ok(plan) => return Ok(plan),
        Err(error) => error,
    };
    let is_unpublished = matches!(error.kind, ErrorKind::NotFound { .. })
        && client.is_ours() == Some(true)
        && config.is_some_and(|config| {
            is_of_project(config, project) && of_title(config, title).is_some()
        });
    if let (true, Some(config)) = (is_unpublished, config) {
        return Err(Failure::usage(error).help(format!(
            "{} has this template and the service does not: run `testplan publish --template {title:?}` first",
            config.path.display()
        )));
    }
    Err(error.into())
}

fn of_title<'a>(config: &'a Loaded, title: &str) -> Option<&'a Template> {
    let mut templates = config.file.templates.iter();
    templates.find(|template| template.title == title)
}

/// The tests of the file in hand for a template of a service of ours; `None` if the plan gets those of the service.
pub async fn tests(
    client: &Client,
    template: &Plan,
    config: Option<&Loaded>,
    screen: &Screen,
) -> Result<Option<Discovered>, Failure> {
    let Some(config) = config.filter(|_| client.is_ours() == Some(true)) else {
        return Ok(None);
    };
    let (path, title) = (config.path.display(), &template.title);
    let Some(found) = of_title(config, title) else {
        screen.info(format_args!(
            "{path} has no template {title:?}: the plan gets the tests that were published"
        ));
        return Ok(None);
    };
    if !is_of_project(config, &template.project) {
        return Err(Failure::usage_text(format_args!(
            "{path} has template {title:?} for project {:?}, and project {:?} was asked for",
            config.file.project.as_deref().unwrap_or_default(),
            template.project
        ))
        .help("leave --project out, or name the file of that project with --config"));
    }
    listed(config, found, screen).await.map(Some)
}

fn is_of_project(config: &Loaded, project: &str) -> bool {
    config.file.project.as_deref() == Some(project)
}

/// Warns if a plan of Test Center, which owns its templates, has another number of executions than the file in hand has
/// tests for its template.
pub async fn compare(
    client: &Client,
    (template, plan): (&Plan, &Plan),
    config: Option<&Loaded>,
    screen: &Screen,
) {
    let found = config
        .filter(|config| client.is_ours() != Some(true) && is_of_project(config, &template.project))
        .and_then(|config| Some((config, of_title(config, &template.title)?)));
    let Some((config, found)) = found else {
        return;
    };
    let path = config.path.display();
    let counted = async {
        let in_hand = config.discover(found).await?;
        let status = client.status(plan.id, &Capabilities::default()).await?;
        Ok::<_, Failure>((status.total(), in_hand.definition.executions.len() as u64))
    };
    match counted.await {
        Ok((planned, listed)) if planned != listed => screen.warn(format_args!("plan {} has {planned} executions, and {path} has {listed} for template {:?}: Test Center runs the \
             tests of its own template; update it there, or the file here",
            plan.id, template.title
        )),
        Ok(_) => {}
        Err(failure) => screen.info(format_args!(
            "the tests of {path} are not compared with those of plan {}: {}",
            plan.id,
            failure.plain().lines().next().unwrap_or_default()
        )),
    }
}

/// What the service keeps of the discovery that made a plan's tests, where it keeps any.
pub async fn account_of(client: &Client, plan: PlanId) -> Option<DiscoveryAccount> {
    match client.plan_tests(plan).await {
        Ok(tests) => tests?.discovery,
        Err(error) => {
            tracing::warn!("the account of the discovery of plan {plan} was not read: {error}");
            None
        }
    }
}
