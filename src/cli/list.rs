//! `testplan list`: the tests of a template, and the lines of its listings that are left out.

use std::{collections::HashMap, fmt::Write as _, path::PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{
    args::{ConfigArgs, OutArgs, OutputFormat, ServiceArgs, TemplateArgs},
    context::Context,
    select::{self, Wanted},
    selection_args::SelectionArgs,
    settings::ServiceSettings,
};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    listing::{listed_template::ListedTemplate, loaded_plan_file::LoadedPlanFile},
    model::{LeftOut, Test},
    report::{discovery_text, sanitise::console_line},
    text::counted,
};

/// Longest name or line, in bytes.
const LONGEST: usize = 300;

/// Lists the tests of a template and accounts for every line of its listings. Starts no plan and needs no service, except to ask
/// for an earlier plan.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
    #[command(flatten)]
    template: TemplateArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    earlier: EarlierPlanArgs,
}

/// Where `--failed` finds the earlier plan.
#[derive(Args, Clone, Debug)]
struct EarlierPlanArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Look for the earlier plan of this branch at the service [default: what the CI says].
    #[arg(long, value_name = "NAME", help_heading = "Plan")]
    branch: Option<String>,
    /// Look for the earlier plan in this `--out` folder of `run`, if no service is named [env: `TESTPLAN_OUT`] [default:
    /// testplan-out].
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    out: Option<PathBuf>,
}

/// `testplan list`.
pub(crate) async fn run(command: ListArgs, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let config = command.config.required(context)?;
    let (project, title) = command.template.resolve(Some(&config))?;
    let template = config.template(project, title)?;
    let (discovered, refused) = config.list_leniently(template).await?;
    let discovered = if command.selection.is_given() && refused.is_none() {
        selected(&command, discovered, &config, context).await?
    } else {
        discovered
    };
    if command.format == OutputFormat::Json && refused.is_none() {
        screen.listed(&discovered);
    }
    screen.data(
        command.format,
        || text(&discovered),
        || {
            let mut json = json(&discovered);
            json["schema"] = 1.into();
            json["file"] = json!(config.path);
            json["project"] = project.into();
            json["template"] = title.into();
            json
        },
    );
    if let Some(failure) = refused {
        return Err(failure);
    }
    match discovered.nothing() {
        Some(nothing) => Err(Failure::nothing_to_run(nothing).help(discovered.nothing_help())),
        None => Ok(Conclusion::Passed),
    }
}

/// The selected tests. Only `--failed` asks a service, or opens the database of the `--out` folder.
async fn selected(
    command: &ListArgs,
    listed: ListedTemplate,
    config: &LoadedPlanFile,
    context: &Context,
) -> Result<ListedTemplate, Failure> {
    let earlier = &command.earlier;
    let ci = context.ci();
    let wanted = Wanted {
        selection: &command.selection,
        branch: earlier.branch.as_deref().or(ci.branch.as_deref()),
        allow_empty: false,
    };
    let service = match command.selection.earlier_plan() {
        Some(_) => ServiceSettings::resolve(&earlier.service, context)?,
        None => None,
    };
    if let Some(service) = service {
        return select::from_service(listed, &service.connect()?, wanted, context).await;
    }
    let out = earlier.out.clone();
    let out = OutArgs { out }.folder(context)?;
    select::in_folder(listed, config, &out, wanted, context).await
}

/// The tests and what became of the lines of the listing, for programs.
pub(super) fn json(discovered: &ListedTemplate) -> Value {
    let mut json = discovery_text::json(&discovered.account);
    json["tests"] = json!(discovered.tests().collect::<Vec<_>>());
    json["executions"] = discovered.definition.executions.len().into();
    json
}

/// The tests by suite, and what became of the lines of the listing.
pub(super) fn text(discovered: &ListedTemplate) -> String {
    let mut text = String::new();
    let suites = by_suite(discovered.tests());
    let mut count = 0;
    for (suite, testcases) in &suites {
        let _ = writeln!(text, "{}", name(suite));
        for testcase in testcases {
            let _ = writeln!(text, "  {}", name(testcase));
        }
        count += testcases.len() as u64;
    }
    let account = &discovered.account;
    let suspicious = account.suspicious_lines;
    let heading = "left out, but looks like a test or reports an error";
    section(&mut text, heading, suspicious, account.suspicious());
    let others = account.left_out.iter().filter(|line| !line.suspicious);
    section(
        &mut text,
        "left out",
        account.left_out_lines.saturating_sub(suspicious),
        others,
    );
    if account.duplicate_lines > 0 {
        let _ = writeln!(
            text,
            "\nlisted more than once ({}):",
            account.duplicates.len()
        );
        for test in &account.duplicates {
            let _ = writeln!(text, "  {} / {}", name(&test.suite), name(&test.testcase));
        }
    }
    let _ = write!(
        text,
        "\n{}: {} in {}, {}\n{}\n",
        name(&discovered.definition.title),
        counted(count, "test"),
        counted(suites.len() as u64, "suite"),
        counted(discovered.definition.executions.len() as u64, "execution"),
        discovery_text::sentence(account)
    );
    if suspicious > 0 {
        let _ = writeln!(text, "help: {}", discovery_text::help(account));
    }
    text
}

/// The test cases of each suite, the suites in order of appearance.
fn by_suite<'a>(tests: impl Iterator<Item = &'a Test>) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut places = HashMap::new();
    let mut suites: Vec<(&str, Vec<&str>)> = Vec::new();
    for test in tests {
        let place = *places.entry(&test.suite).or_insert(suites.len());
        if place == suites.len() {
            suites.push((&test.suite, Vec::new()));
        }
        suites[place].1.push(&test.testcase);
    }
    suites
}

fn section<'a>(
    text: &mut String,
    heading: &str,
    all: u64,
    lines: impl Iterator<Item = &'a LeftOut>,
) {
    if all == 0 {
        return;
    }
    let _ = writeln!(text, "\n{heading} ({all}):");
    let mut shown = 0;
    for line in lines {
        let place = match line.number {
            0 => String::new(),
            number => format!("line {number}: "),
        };
        let _ = writeln!(text, "  {place}{}", name(&line.line));
        let _ = writeln!(text, "    {}", console_line(&line.reason, LONGEST));
        shown += 1;
    }
    if all > shown {
        let _ = writeln!(text, "  and {} more", all - shown);
    }
}

/// A name on a line of its own; in quotes if it starts or ends with blanks.
fn name(text: &str) -> String {
    let line = console_line(text, LONGEST);
    if text.trim() == text {
        line
    } else {
        format!("\"{line}\"")
    }
}
