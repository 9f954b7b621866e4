//! `testplan doctor`: resolves flags and variables into what the room doctor looks at, and prints its diagnosis.

mod batch_check;

use std::path::PathBuf;

use clap::Args;

use self::batch_check::{BatchCheckArgs, SharedFlags};
use super::{
    args::{
        CommentArgs, ConfigArgs, GitHubArgs, OutArgs, OutputFormat, ServiceArgs, TemplateArgs,
        UploadPolicy, WorkerArgs,
    },
    context::Context,
    publishing,
    settings::{self, WorkOptions},
};
use crate::{
    client::{self, Endpoints, HttpOptions, HttpTransport, proxy_of},
    config::precedence::{Chosen, Setting},
    doctor::{
        self,
        observe::{
            doctor_request::{DoctorRequest, WorkerOffer},
            service_connection::{ServiceSetup, ServiceUrl},
        },
        page,
    },
    failure::{CommandResult, Failure},
    model::PlanId,
};

/// Checks what a first run needs: configuration, service, clock, template, capabilities, runner, results, GitHub.
///
/// Each finding is ok, a warning, a problem or not checked, with what was observed and one thing to do. Nothing is changed
/// at the service or at GitHub. A check takes ten seconds at most; a longer --patience is cut.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes of doctor:\n  0    no problem; there may be warnings\n  1    verdicts differ (--batch)\n  2    a bad flag, variable or \
                        file\n  3    a problem with the service or this machine\n  4    the template is not there, or \
                        nothing of it fits this worker"
)]
pub(crate) struct Doctor {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    service: ServiceArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// Check this started plan too: what its executions require, and what is published about it.
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
    #[command(flatten)]
    batching: BatchCheckArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// `testplan doctor`.
pub(crate) async fn run(command: Doctor, context: &Context) -> CommandResult {
    if command.batching.batch {
        let flags = SharedFlags {
            config: &command.config,
            template: &command.template,
            workers: &command.workers,
            out: &command.out,
            format: command.format,
        };
        return Box::pin(batch_check::run(&command.batching, flags, context)).await;
    }
    let mut config = command.config.load(context);
    if let Ok(Some(loaded)) = &mut config {
        let title = command.template.resolve(Some(loaded));
        let title = title.map(|(_, title)| title.to_owned()).unwrap_or_default();
        let own = loaded.template_titled(&title);
        // What is checked is how this template's tests are run.
        if let Some(runner) = own.and_then(|template| template.runner.clone()) {
            loaded.file.runner = Some(runner);
        }
    }
    let loaded = config.as_ref().ok().and_then(Option::as_ref);
    let runner = loaded.and_then(|loaded| loaded.file.runner.as_ref());
    let (workers, upload) = (&command.workers, UploadPolicy::Never);
    let workers = WorkOptions::resolve(workers, &command.out, upload, runner, context);
    let template = command.template.resolve(loaded);
    let template = template.map(|(project, title)| (project.to_owned(), title.to_owned()));
    client::install_tls_provider();
    let request = DoctorRequest {
        environment: &context.environment,
        ci: context.ci(),
        workers: workers.map(|options| WorkerOffer {
            workers: options.workers,
            lease: options.lease,
            offered: options.offered,
            allocate_server: options.allocate_server,
        }),
        allocate_server: command.workers.allocate_server,
        service: service(&command.service, context),
        template,
        plan: command.plan_id,
        out: command.out.folder(context).ok(),
        publication: publishing::settings(
            &command.github,
            command.comment.pr_comment,
            context.environment.is_github_actions(),
        ),
        config,
    };
    let diagnosis = Box::pin(doctor::diagnose(request)).await;
    let screen = &context.screen;
    screen.data(
        command.format,
        || page::text(&diagnosis, screen.data_paint()),
        || page::json(&diagnosis),
    );
    let conclusion = diagnosis.conclusion();
    screen.conclude(conclusion);
    Ok(conclusion)
}

/// The service of the flags and variables, each with its own mistake.
fn service(args: &ServiceArgs, context: &Context) -> ServiceSetup {
    let named = urls(args, context);
    let file = args.token_file.as_deref();
    let credentials = settings::found_credentials(file, &context.environment);
    let (ca_cert, transport) = transport(args, context);
    ServiceSetup {
        named,
        credentials,
        ca_cert,
        transport,
        allow_http: args.allow_http,
        patience: args.patience,
    }
}

/// The URLs and where they are named.
fn urls(args: &ServiceArgs, context: &Context) -> Result<Option<Chosen<Vec<ServiceUrl>>>, Failure> {
    let text = |text: &str| Ok::<_, String>(text.to_owned());
    let chosen = Setting::URL.choose(args.url.clone(), &context.environment, text, None);
    let Some(chosen) = chosen.map_err(Failure::usage)? else {
        return Ok(None);
    };
    let endpoints = Endpoints::parse(&chosen.value, args.allow_http)?;
    let urls = endpoints.as_slice().iter().map(|endpoint| ServiceUrl {
        endpoint: endpoint.clone(),
        proxy: proxy_of(endpoint, context.environment.lookup()),
    });
    Ok(Some(Chosen {
        value: urls.collect(),
        origin: chosen.origin,
    }))
}

fn transport(
    args: &ServiceArgs,
    context: &Context,
) -> (Option<PathBuf>, Result<HttpTransport, Failure>) {
    let file = match context.choose_path(Setting::CA_CERT, args.ca_cert.as_ref()) {
        Ok(file) => file,
        Err(failure) => return (None, Err(failure)),
    };
    let pem = file
        .as_deref()
        .map(|file| settings::read(file, "--ca-cert"));
    let transport = pem.transpose().and_then(|pem| {
        let options = HttpOptions {
            ca_cert_pem: pem.map(Into::into),
            ..HttpOptions::default()
        };
        HttpTransport::new(&options).map_err(Failure::from)
    });
    (file, transport)
}
