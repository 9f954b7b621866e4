//! From flags, environment and `testplan.yml` to a client and the things a command needs to know.

use std::{path::Path, sync::Arc};

use super::{
    args::{ConfigArgs, ServiceArgs, TemplateArgs},
    failure::Failure,
};
use crate::{
    client::{Client, Credentials, Endpoint, HttpOptions, HttpTransport, Patience},
    config::{environment::Environment, plan_file::PlanFile, suggest, token_file},
    model::{Plan, PlanKind},
};

/// What a configuration file is called unless a flag says otherwise.
const DEFAULT_CONFIG: &str = "testplan.yml";

/// A client of the service that the flags or the environment name.
pub fn client(args: &ServiceArgs, environment: &Environment) -> Result<Client, Failure> {
    let Some(url) = args.url.as_deref().or(environment.url()) else {
        return Err(Failure::usage_text("no service is named")
            .help("give --url URL or set TESTCENTER_URL; `testplan run` needs neither, `testplan serve` starts one"));
    };
    let credentials = credentials(args, environment)?;
    let endpoint = Endpoint::parse(url, &credentials, args.allow_http).map_err(Failure::usage)?;
    let ca_cert = match &args.ca_cert {
        Some(file) => Some(read(file, "--ca-cert")?.into()),
        None => None,
    };
    let transport = HttpTransport::new(HttpOptions { ca_cert }).map_err(Failure::usage)?;
    let patience = Patience { service: args.patience, ..Patience::default() };
    Ok(Client::new(Arc::new(transport), endpoint, credentials, patience))
}

/// Whether a service is named at all.
pub fn names_a_service(args: &ServiceArgs, environment: &Environment) -> bool {
    args.url.is_some() || environment.url().is_some()
}

fn credentials(args: &ServiceArgs, environment: &Environment) -> Result<Credentials, Failure> {
    if let Some(file) = &args.token_file {
        return Ok(Credentials::Token(token_file::read(file).map_err(Failure::usage)?));
    }
    Ok(match (environment.token(), environment.user(), environment.password()) {
        (Some(token), _, _) => Credentials::Token(token.clone()),
        (None, Some(user), Some(password)) => {
            Credentials::Basic { user: user.to_owned(), password: password.clone() }
        }
        (None, Some(_), None) => {
            return Err(Failure::usage_text("TESTCENTER_USER is set without TESTCENTER_PASSWORD")
                .help("set both, or TESTCENTER_TOKEN"));
        }
        (None, None, _) => Credentials::None,
    })
}

/// The configuration file: the one named, else `testplan.yml` if it is there.
pub fn config(args: &ConfigArgs) -> Result<Option<PlanFile>, Failure> {
    let path = match &args.config {
        Some(path) => path.as_path(),
        None if Path::new(DEFAULT_CONFIG).exists() => Path::new(DEFAULT_CONFIG),
        None => return Ok(None),
    };
    PlanFile::load(path).map(Some).map_err(Failure::usage)
}

/// The template to start: by project and title, from flags or from a configuration with one template.
pub async fn template(
    client: &Client,
    args: &TemplateArgs,
    environment: &Environment,
    config: Option<&PlanFile>,
) -> Result<Plan, Failure> {
    let project = args
        .project
        .as_deref()
        .or(environment.project())
        .or_else(|| config.and_then(|config| config.project.as_deref()))
        .ok_or_else(|| {
            Failure::usage_text("no project is named").help("give --project, or `project:` in testplan.yml")
        })?;
    let title = match (args.template.as_deref().or(environment.template()), config) {
        (Some(title), _) => title,
        (None, Some(config)) if config.templates.len() == 1 => &config.templates[0].title,
        (None, Some(config)) if !config.templates.is_empty() => {
            let titles: Vec<&str> = config.templates.iter().map(|template| template.title.as_str()).collect();
            return Err(Failure::usage_text("testplan.yml has several templates")
                .help(format!("choose with --template: {}", suggest::list(&titles))));
        }
        (None, _) => {
            return Err(Failure::usage_text("no template is named")
                .help("give --template TITLE, or one template in testplan.yml"));
        }
    };
    Ok(client.find_plan(project, title, PlanKind::Template).await?)
}

/// Reads a small file that a flag names.
pub fn read(file: &Path, flag: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::usage_text(format_args!("{flag} {}: {error}", file.display())))
}
