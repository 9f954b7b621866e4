//! `testplan publish`: makes a service know the templates of a `testplan.yml`, at the revision in hand.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::{
    args::{ConfigArgs, OutputFormat, ServiceArgs},
    context::Context,
};
use crate::{
    api::test_list::{
        PlannedTestEntry, PublishTemplatesRequest, TemplateChange, TemplateDifferenceEntry,
        TemplateEntry,
    },
    client::{Client, ErrorKind},
    config::plan_file::Template,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    listing::loaded_plan_file::LoadedPlanFile,
    model::{Capabilities, PlanKind},
    report::sanitise::console_line,
    store::TemplateDefinition,
};

/// Longest printed name, in bytes.
const LONGEST_NAME: usize = 200;
/// Most added and most removed tests that are printed for a template.
const MOST_SHOWN: usize = 10;

/// Publishes the templates of a testplan.yml to testplan's own service. Clients of the vendor's API then get their tests;
/// `execute` and `run` send the tests of their own file anyway. Templates that are not in the file do not change.
#[derive(Args, Debug)]
pub(crate) struct PublishArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Publish only this template; repeat for more [default: all templates of the file].
    #[arg(long = "template", value_name = "TITLE")]
    templates: Vec<String>,
    /// Print the changes without publishing them.
    #[arg(long)]
    dry_run: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
    #[command(flatten)]
    service: ServiceArgs,
}

/// `testplan publish`.
pub(crate) async fn run(command: PublishArgs, context: &Context) -> CommandResult {
    let client = command.service.connect(context)?;
    let screen = &context.screen;
    let config = command.config.required(context)?;
    let chosen = chosen(&config, &command.templates)?;
    let project = config.file.project.clone().unwrap_or_default();
    ensure_own_service(&client, &project, &chosen[0].title).await?;
    let mut templates = Vec::with_capacity(chosen.len());
    for template in chosen {
        let listed = config.list(template).await?;
        screen.listed(&listed);
        if let Some(nothing) = listed.nothing() {
            return Err(Failure::nothing_to_run(nothing).help(
                "a template without tests would run nothing; publish others with --template",
            ));
        }
        templates.push(entry(listed.definition));
    }
    let request = PublishTemplatesRequest {
        project,
        templates,
        dry_run: command.dry_run,
    };
    let answer = client.publish_templates(&request).await?;
    screen.data(
        command.format,
        || text(&answer.templates, command.dry_run),
        || {
            json!({
                "schema": 1,
                "dry_run": command.dry_run,
                "project": request.project,
                "templates": answer.templates,
            })
        },
    );
    Ok(Conclusion::Passed)
}

/// The templates with these titles, or all.
fn chosen<'a>(config: &'a LoadedPlanFile, titles: &[String]) -> Result<Vec<&'a Template>, Failure> {
    let all = &config.file.templates;
    let path = config.path.display();
    if all.is_empty() {
        return Err(Failure::usage_text(format_args!("{path} has no templates"))
            .help("add `templates:`, each with a title and tests"));
    }
    for title in titles {
        if !all.iter().any(|template| template.title == *title) {
            let known: Vec<&str> = all.iter().map(|it| it.title.as_str()).collect();
            return Err(Failure::usage_text(format_args!(
                "--template {title:?}: {path} has no such template"
            ))
            .help(format!("choose from: {}", known.join(", "))));
        }
    }
    let is_chosen = |template: &&Template| titles.is_empty() || titles.contains(&template.title);
    Ok(all.iter().filter(is_chosen).collect())
}

/// Refuses Test Center before any listing runs. Any look-up shows which service it is.
async fn ensure_own_service(client: &Client, project: &str, title: &str) -> Result<(), Failure> {
    match client.find_plan(project, title, PlanKind::Template).await {
        Err(error) if !matches!(error.kind, ErrorKind::NotFound { .. }) => return Err(error.into()),
        Ok(_) | Err(_) => {}
    }
    if client.is_testplan() {
        return Ok(());
    }
    Err(Failure::usage_text(format_args!(
        "{} is not testplan's own service: Test Center owns its templates",
        client.endpoint()
    ))
    .help("edit the template in Test Center, or name a `testplan serve` with --url"))
}

fn entry(definition: TemplateDefinition) -> TemplateEntry {
    TemplateEntry {
        title: definition.title,
        description: definition.description,
        tags: definition.tags,
        tests: definition.executions.iter().map(Into::into).collect(),
    }
}

fn text(templates: &[TemplateDifferenceEntry], dry_run: bool) -> String {
    let mut text = String::new();
    for it in templates {
        let word = match it.change {
            TemplateChange::New => "new",
            TemplateChange::Changed => "changed",
            TemplateChange::Unchanged => "unchanged",
        };
        let title = console_line(&it.title, LONGEST_NAME);
        let _ = write!(text, "{word:<9}  {title}: {} tests", it.count);
        if it.change == TemplateChange::Changed {
            let _ = write!(text, ", {} added, {} removed", it.added, it.removed);
            if (it.added, it.removed) == (0, 0) {
                text.push_str("; order, description or tags differ");
            }
        }
        text.push('\n');
        if it.change == TemplateChange::Changed {
            list(&mut text, '+', it.added, &it.first_added);
            list(&mut text, '-', it.removed, &it.first_removed);
        }
    }
    if dry_run {
        text.push_str("nothing was published: --dry-run\n");
    }
    text
}

fn list(text: &mut String, sign: char, count: u64, first: &[PlannedTestEntry]) {
    let shown = first.len().min(MOST_SHOWN);
    for test in &first[..shown] {
        let name = if test.suite.is_empty() {
            test.testcase.clone()
        } else {
            format!("{}/{}", test.suite, test.testcase)
        };
        let needs = Capabilities::from(test.labels.clone()).with();
        let _ = writeln!(
            text,
            "           {sign} {}",
            console_line(&format!("{name}{needs}"), LONGEST_NAME)
        );
    }
    let more = count.saturating_sub(shown as u64);
    if more > 0 {
        let _ = writeln!(text, "           {sign} and {more} more");
    }
}
