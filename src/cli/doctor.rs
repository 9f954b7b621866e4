//! `testplan doctor`: everything that a first run needs, looked at without changing anything at the service.
//!
//! Each part observes first and judges then: what was seen becomes findings by plain functions.

pub mod capabilities;
pub mod clock;
pub mod configuration;
pub mod dialect;
pub mod finding;
pub mod github;
pub mod output;
pub mod page;
pub mod plan;
pub mod runner;
pub mod service;
pub mod squish;
pub mod table;

use std::{path::Path, time::Duration};

use clap::Args;
use tokio::time::timeout;

use self::{
    capabilities::{Compared, Needs},
    plan::{Looked, Lookup, Told},
    service::{Access, Setup, Way},
};
use super::{
    args::{
        CommentArgs, ConfigArgs, GitHubArgs, OutArgs, OutputFormat, ServiceArgs, TemplateArgs,
        UploadPolicy, WorkerArgs,
    },
    context::Context,
    settings::WorkOptions,
};
use crate::{
    client::{Client, ClientError, ServiceKind, StatusWord},
    failure::{CommandResult, Failure},
    listing::loaded_plan_file::LoadedPlanFile,
    model::{Capabilities, PlanId},
};

/// How long a list of executions is waited for; of a larger plan the counts say what is needed.
const LISTING: Duration = Duration::from_secs(9);

/// Checks what a first run needs: configuration, service, clock, template, capabilities, runner, results, GitHub.
///
/// Each finding is ok, a warning, a problem or not checked, with what was seen and one thing to do. Nothing is changed
/// at the service or at GitHub. A check takes ten seconds at most; --patience beyond that is cut.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes of doctor:\n  0    no problem, warnings or not\n  2    a bad flag, variable or \
                        file\n  3    a problem with the service or this machine\n  4    the template is not there, or \
                        nothing of it fits this worker"
)]
pub struct Doctor {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// Check this started plan too: what its executions need, and how it is told of.
    #[arg(long, value_name = "N")]
    plan_id: Option<PlanId>,
    #[command(flatten)]
    workers: WorkerArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    github: GitHubArgs,
    #[command(flatten)]
    comment: CommentArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// `testplan doctor`.
pub async fn run(command: Doctor, context: &Context) -> CommandResult {
    let Context {
        environment,
        screen,
        ..
    } = context;
    let config = command.config.load(context);
    let loaded = config.as_ref().ok().and_then(Option::as_ref);
    let runner = loaded.and_then(|loaded| loaded.file.runner.as_ref());
    let working = WorkOptions::resolve(
        &command.workers,
        &command.out,
        UploadPolicy::Never,
        runner,
        context,
    );
    let setup = Setup::of(&command.service, environment);
    let named = command.template.resolve(loaded);

    let service = async {
        let way = setup.go().await;
        let asked = Asked::ask(&command, &setup, &way, named.as_ref().ok().copied()).await;
        (way, asked)
    };
    let github = github::look(&command.github, command.comment, environment);
    let runner = runner::look(loaded, environment);
    let ((way, asked), github, runner) = tokio::join!(service, github, runner);

    let mut findings = vec![
        configuration::judge_file(&config),
        configuration::judge_workers(&working),
        configuration::judge_variables(environment),
        configuration::judge_proxy(setup.endpoint(), setup.proxy.as_deref(), environment),
    ];
    findings.extend(service::judge(&setup, &way));
    let is_alone = matches!(setup.named, Ok(None));
    if setup.endpoint().is_some() {
        findings.push(service::judge_access(&setup, asked.servers.as_ref()));
    }
    let exact = [&asked.template, &asked.plan]
        .into_iter()
        .find_map(|looked| told(looked.as_ref()));
    let reading = clock::Reading::of(exact, way.answered());
    if !is_alone {
        findings.push(clock::judge(reading));
    }
    findings.push(plan::judge_template(Lookup {
        named: &named,
        looked: asked.template.as_ref(),
        config: loaded,
        is_alone,
    }));
    findings.extend(
        command
            .plan_id
            .map(|id| plan::judge_number(id, asked.plan.as_ref())),
    );
    if !is_alone {
        findings.extend(dialect::judge(dialect::Shown {
            service: asked.service,
            status: asked.status.as_ref(),
            template: told(asked.template.as_ref()).map(|told| &told.plan),
            is_started: told(asked.plan.as_ref()).is_some(),
        }));
    }
    let none = Capabilities::default();
    let offered = working.as_ref().map_or(&none, |working| &working.offered);
    let servers = match (&asked.servers, loaded) {
        (Some(Ok(servers)), _) => Some(servers.clone()),
        (None, Some(loaded)) if is_alone => Some(capabilities::servers_of(&loaded.file)),
        (None | Some(Err(_)), _) => None,
    };
    let needs = needs(&command, &asked, loaded, &named, offered).await;
    let rows = table::rows(
        needs.iter().flat_map(|needs| needs.needs.clone()).collect(),
        offered,
        servers.as_deref(),
    );
    findings.extend(capabilities::judge(Compared {
        needs: needs.as_ref(),
        rows: &rows,
        offered,
        servers: servers.as_deref(),
        allocate_server: working
            .as_ref()
            .map_or(command.workers.allocate_server, |it| it.allocate_server),
        is_alone,
    }));
    findings.extend(runner::judge(&runner));
    if let Ok(out) = command.out.folder(context) {
        findings.push(output::judge(&output::look(Path::new(&out))));
    }
    findings.extend(github::judge(&github));
    findings.sort_by_key(|finding| finding.group);

    screen.data(
        command.format,
        || page::text(&findings, &rows, screen.data_paint()),
        || page::json(&findings, &rows),
    );
    let conclusion = finding::conclusion(&findings);
    screen.conclude(conclusion);
    Ok(conclusion)
}

fn told(looked: Option<&Looked>) -> Option<&Told> {
    match looked {
        Some(Looked::Found(told)) => Some(told),
        Some(Looked::Missing { .. } | Looked::Unanswered(_)) | None => None,
    }
}

/// What the service answered.
#[derive(Debug, Default)]
struct Asked {
    client: Option<Client>,
    servers: Option<Access>,
    template: Option<Looked>,
    plan: Option<Looked>,
    status: Option<Result<StatusWord, ClientError>>,
    service: ServiceKind,
}

impl Asked {
    /// Asks side by side, once somebody answered at all.
    async fn ask(command: &Doctor, setup: &Setup, way: &Way, named: Option<(&str, &str)>) -> Self {
        let client = match setup.client(command.service.patience) {
            Some(Ok(client)) if way.answered().is_some() => client,
            _ => return Self::default(),
        };
        let template = async {
            let (project, title) = named?;
            Some(plan::look_up(&client, project, title).await)
        };
        let plan = async { Some(plan::by_number(&client, command.plan_id?).await) };
        let status = async { Some(client.status_word(command.plan_id?).await) };
        let (servers, template, plan, status) =
            tokio::join!(client.squish_servers(), template, plan, status);
        Self {
            service: client.service_kind(),
            servers: Some(servers),
            template,
            plan,
            status,
            client: Some(client),
        }
    }
}

/// What executions need: those of the running plan, else those that testplan.yml lists.
async fn needs(
    command: &Doctor,
    asked: &Asked,
    loaded: Option<&LoadedPlanFile>,
    named: &Result<(&str, &str), Failure>,
    offered: &Capabilities,
) -> Option<Needs> {
    let file = loaded.map(|loaded| &loaded.file);
    if let (Some(client), Some(plan), Some(_)) =
        (&asked.client, command.plan_id, told(asked.plan.as_ref()))
    {
        let executions = timeout(LISTING, client.executions(plan)).await;
        if let Ok(Ok(Some(executions))) = executions {
            return Some(capabilities::of_executions(plan, &executions));
        }
        let servers = asked
            .servers
            .as_ref()
            .and_then(|servers| servers.as_ref().ok());
        let known = capabilities::known(offered, servers.map_or(&[], Vec::as_slice), file);
        return Some(capabilities::of_counts(client, plan, known).await);
    }
    capabilities::of_file(loaded?, named.as_ref().ok().map(|(_, title)| *title))
}
