//! From flags, environment and `testplan.yml` to a client and the things a command needs to know.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    args::{ConfigArgs, ServiceArgs, TemplateArgs},
    plans::Loaded,
    screen::Screen,
};
use crate::{
    ci::{
        Ci,
        checkout::{self, Search},
    },
    client::{
        Client, ClientError, Credentials, Endpoint, ErrorKind, HttpOptions, HttpTransport, Patience,
    },
    config::{
        credentials::{self, CredentialError},
        environment::Environment,
        plan_file::{DEFAULT_NAME, PlanFile},
        precedence::Setting,
    },
    failure::Failure,
    model::{Capabilities, Plan, PlanId, PlanKind, PlanStatus, record::Checkout},
};

/// The least time that one request gets, however little patience was asked for.
const SHORTEST_REQUEST: Duration = Duration::from_secs(3);

/// A client of the service that the flags or the environment name. It tells before each pause between two tries.
pub fn client(
    args: &ServiceArgs,
    environment: &Environment,
    screen: &Screen,
) -> Result<Client, Failure> {
    let Some(url) = url(args, environment)? else {
        return Err(Failure::usage_text("no service is named")
            .help("give --url URL or set TESTCENTER_URL; `testplan run` needs neither, `testplan serve` starts one"));
    };
    let credentials = credentials(args.token_file.as_deref(), environment, screen)?;
    let endpoint = Endpoint::parse(&url, args.allow_http)?;
    let ca_cert = path(Setting::CA_CERT, args.ca_cert.clone(), environment)?;
    let ca_cert_pem = match &ca_cert {
        Some(file) => Some(read(file, "--ca-cert")?.into()),
        None => None,
    };
    let transport = HttpTransport::new(&HttpOptions { ca_cert_pem })
        .and_then(|transport| transport.prepare(&endpoint).map(|()| transport))
        .map_err(|error| {
            let failure = Failure::from(error);
            match &ca_cert {
                Some(file) => failure.context(format!("--ca-cert {}", file.display())),
                None => failure,
            }
        })?;
    let transport = Arc::new(transport);
    let usual = Patience::default();
    let patience = Patience {
        service: args.patience.unwrap_or(usual.service),
        finish: args.patience.unwrap_or(usual.finish),
        // Who is in a hurry does not wait half a minute for a service that hangs; a busy one gets its moment.
        request: match args.patience {
            Some(patience) => usual.request.min(patience.max(SHORTEST_REQUEST)),
            None => usual.request,
        },
    };
    let client = Client::new(transport, endpoint, credentials, patience)?;
    Ok(client.watched(|waiting| tracing::warn!("{waiting}")))
}

/// Whether a service is named at all.
pub fn names_a_service(args: &ServiceArgs, environment: &Environment) -> Result<bool, Failure> {
    Ok(url(args, environment)?.is_some())
}

fn url(args: &ServiceArgs, environment: &Environment) -> Result<Option<String>, Failure> {
    chosen(Setting::URL, args.url.clone(), environment, |text| {
        Ok::<_, String>(text.to_owned())
    })
}

/// The value of a setting: its flag, else its variable.
pub fn chosen<T, E: fmt::Display>(
    setting: Setting,
    flag: Option<T>,
    environment: &Environment,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Failure> {
    let chosen = setting
        .choose(flag, environment, parse, None)
        .map_err(Failure::usage)?;
    Ok(chosen.map(|chosen| chosen.value))
}

/// A path of a setting.
pub fn path(
    setting: Setting,
    flag: Option<PathBuf>,
    environment: &Environment,
) -> Result<Option<PathBuf>, Failure> {
    chosen(setting, flag, environment, |text| {
        Ok::<_, String>(PathBuf::from(text))
    })
}

fn credentials(
    token_file: Option<&Path>,
    environment: &Environment,
    screen: &Screen,
) -> Result<Credentials, Failure> {
    let Some(found) = found_credentials(token_file, environment)? else {
        return Ok(Credentials::None);
    };
    if let Some(warning) = found.warning {
        screen.warn(format_args!("{warning}"));
    }
    Ok(presented(found.credentials))
}

/// What was found, as the client presents it.
pub fn presented(found: credentials::Credentials) -> Credentials {
    match found {
        credentials::Credentials::Token(token) => Credentials::Token(token),
        credentials::Credentials::Password { user, password } => {
            Credentials::Basic { user, password }
        }
    }
}

/// The secret of a file or of the environment, if there is one.
pub fn found_credentials(
    token_file: Option<&Path>,
    environment: &Environment,
) -> Result<Option<credentials::Found>, Failure> {
    credentials::find(token_file, environment).map_err(|error| {
        let help = match error {
            CredentialError::Both { .. } => {
                "give one of: --token-file, TESTCENTER_TOKEN, TESTCENTER_USER with TESTCENTER_PASSWORD"
            }
            _ => "an access token is one line without blanks: copy it again, or make a new one",
        };
        Failure::usage(error).help(help)
    })
}

/// The configuration file: the one named, else `testplan.yml` if it is there.
pub fn config(
    args: &ConfigArgs,
    environment: &Environment,
    screen: &Screen,
) -> Result<Option<Loaded>, Failure> {
    let named = path(Setting::CONFIG, args.config.clone(), environment)?;
    let found = PlanFile::find(named.as_deref(), Path::new("."));
    let file = found.map_err(|error| Failure::marked(error, screen.is_coloured()))?;
    let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_NAME));
    Ok(file.map(|file| Loaded { file, path }))
}

/// The folder of the configuration file, where one is named.
pub fn config_folder(args: &ConfigArgs, environment: &Environment) -> Option<PathBuf> {
    let named = path(Setting::CONFIG, args.config.clone(), environment).ok()??;
    named.parent().map(Path::to_owned)
}

/// A configuration file that has to be there.
pub fn load(path: &Path, screen: &Screen) -> Result<Loaded, Failure> {
    let file =
        PlanFile::load(path).map_err(|error| Failure::marked(error, screen.is_coloured()))?;
    Ok(Loaded {
        file,
        path: path.to_owned(),
    })
}

/// The template to start: by project and title, from flags or from a configuration with one template.
pub async fn template(
    client: &Client,
    args: &TemplateArgs,
    config: Option<&Loaded>,
) -> Result<Plan, Failure> {
    let (project, title) = named_template(args, config)?;
    Ok(client.find_plan(project, title, PlanKind::Template).await?)
}

/// The plan that `--plan-id` names. One that the service does not know is a mistake of the caller.
pub async fn plan(client: &Client, id: PlanId) -> Result<Plan, Failure> {
    client.plan(id).await.map_err(|error| known(error, id))
}

/// How far the plan is that `--plan-id` names, by its executions that require every capability of `filter`.
pub async fn status(
    client: &Client,
    id: PlanId,
    filter: &Capabilities,
) -> Result<PlanStatus, Failure> {
    let status = client.status(id, filter).await;
    status.map_err(|error| known(error, id))
}

/// A usage error if the service refuses to look at what the caller named.
fn known(error: ClientError, id: PlanId) -> Failure {
    match error.kind {
        ErrorKind::Refused {
            status: 400 | 404, ..
        } => Failure::usage(error).help(format!(
            "correct --plan-id {id}: `testplan execute` prints the number of the plan that it starts"
        )),
        _ => error.into(),
    }
}

/// Project and title of the template to start.
pub fn named_template<'a>(
    args: &'a TemplateArgs,
    config: Option<&'a Loaded>,
) -> Result<(&'a str, &'a str), Failure> {
    let config = config.map(|config| &config.file);
    let project = args
        .project
        .as_deref()
        .or_else(|| config.and_then(|config| config.project.as_deref()))
        .ok_or_else(|| {
            Failure::usage_text("no project is named")
                .help("give --project, or `project:` in testplan.yml")
        })?;
    let title = match (args.template.as_deref(), config) {
        (Some(title), _) => title,
        (None, Some(config)) if config.templates.len() == 1 => &config.templates[0].title,
        (None, Some(config)) if !config.templates.is_empty() => {
            let titles: Vec<&str> = config
                .templates
                .iter()
                .map(|template| template.title.as_str())
                .collect();
            return Err(Failure::usage_text("testplan.yml has several templates")
                .help(format!("choose with --template: {}", titles.join(", "))));
        }
        (None, _) => {
            return Err(Failure::usage_text("no template is named")
                .help("give --template TITLE, or one template in testplan.yml"));
        }
    };
    Ok((project, title))
}

/// Reads a small file that a flag names.
pub fn read(file: &Path, flag: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        Failure::usage_text(format_args!("{flag} {}: {error}", file.display())).help(format!(
            "name a file with {flag} that is there and that you may read"
        ))
    })
}

/// Makes a folder that a flag names, with all above it.
pub fn make_folder(folder: &Path, flag: &str) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::usage_text(format_args!("{flag} {}: {error}", folder.display()))
            .help(format!("name a folder with {flag} that you may write to"))
    })
}

/// Largest payload of an event that is read, in bytes: GitHub sends at most 25 MiB, and none of it is worth more.
const LARGEST_EVENT: u64 = 25 * 1024 * 1024;

/// What the CI knows, its event and the checkout included. What they leave open is for who asks about the commit.
pub fn ci(environment: &Environment) -> Ci {
    checked_out(environment, &[]).0
}

/// The same, with the checkout that tests run in: the one of the first of these folders that is in any, else of the
/// folder that this process runs in. Relative folders start there.
pub fn checked_out(environment: &Environment, folders: &[&Path]) -> (Ci, Option<Checkout>) {
    let workspace = environment.get("GITHUB_WORKSPACE").map(Path::new);
    let is_github = environment.is_github_actions();
    let payload = environment.get("GITHUB_EVENT_PATH").filter(|_| is_github);
    let payload = payload.and_then(payload_of);
    let about = Ci::with_event(environment.lookup(), payload.as_ref(), None);
    let here = std::env::current_dir().unwrap_or_default();
    let folders: Vec<PathBuf> = folders
        .iter()
        .map(|folder| here.join(folder))
        .chain([here.clone()])
        .collect();
    let commits: Vec<&str> = [&about.report_on, &about.commit, &about.merge]
        .into_iter()
        .filter_map(Option::as_deref)
        .collect();
    // A step that says nothing of its workspace may run anywhere.
    let head = (workspace.is_some() || !is_github).then(|| {
        checkout::find(Search {
            folders: &folders,
            workspace: workspace.filter(|_| is_github),
            repository: environment.get("GITHUB_REPOSITORY"),
            commits: &commits,
        })
    });
    let head = head.flatten();
    let ci = Ci::with_event(environment.lookup(), payload.as_ref(), head.as_deref());
    let checkout = head.map(|head| ci.checkout(&head));
    (ci, checkout)
}

fn payload_of(path: &str) -> Option<serde_json::Value> {
    let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= LARGEST_EVENT);
    let bytes = is_small.then(|| std::fs::read(path).ok())??;
    serde_json::from_slice(&bytes).ok()
}
