//! Settings of a command, resolved once from flags, variables and defaults.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{
    args::{self, ConfigArgs, OutArgs, ServiceArgs, TemplateArgs, UploadPolicy, WorkerArgs},
    context::Context,
    shell,
};
use crate::{
    client::{Client, Endpoints, ErrorKind, HttpOptions, HttpTransport, Patience, proxy_of},
    config::{
        credential_sources::{self, CredentialError, FoundCredentials},
        duration,
        environment::Environment,
        plan_file::{DEFAULT_NAME, PlanFile},
        precedence::Setting,
        token_file::TokenFile,
    },
    credentials::Credentials,
    failure::Failure,
    listing::{loaded_plan_file::LoadedPlanFile, preset_listing::PresetListing},
    model::Capabilities,
    runner::{runner_settings::RunnerSettings, squishrunner::squish_settings::ServerChoice},
    warm::InheritedVariables,
};

const DEFAULT_OUT: &str = "testplan-out";
/// Twelve times the vendor's default, which is shorter than a network needs to notice a lost connection.
const DEFAULT_LEASE: Duration = Duration::from_secs(60);
const DEFAULT_GRACE: Duration = Duration::from_secs(600);
/// The least time for one request, whatever `--patience` says.
const SHORTEST_REQUEST: Duration = Duration::from_secs(3);

/// The URLs of the service and the credentials for it.
#[derive(Debug)]
pub(crate) struct ServiceSettings {
    pub(crate) endpoints: Endpoints,
    pub(crate) credentials: Option<Credentials>,
    /// Whether no proxy stands between.
    resolves_names: bool,
    /// The file of the token, which may get another one.
    token_file: Option<TokenFile>,
    /// Certificates to trust beside the system's: their file and what is in it.
    ca_cert: Option<(PathBuf, Vec<u8>)>,
    patience: Patience,
}

impl ServiceSettings {
    /// `None` if neither a flag nor a variable names a service.
    pub(crate) fn resolve(args: &ServiceArgs, context: &Context) -> Result<Option<Self>, Failure> {
        let text = |text: &str| Ok::<_, String>(text.to_owned());
        let Some(url) = context.choose(Setting::URL, args.url.clone(), text)? else {
            return Ok(None);
        };
        let token_file = args.token_file.as_deref().map(TokenFile::new);
        let found = found_credentials(args.token_file.as_deref(), &context.environment)?;
        if let Some(warning) = found.as_ref().and_then(|found| found.warning.as_ref()) {
            context.screen.warn(warning);
        }
        let endpoints = Endpoints::parse(&url, args.allow_http)?;
        let lookup = || context.environment.lookup();
        let mut all = endpoints.as_slice().iter();
        let resolves_names = all.all(|it| proxy_of(it, lookup()).is_none());
        let ca_cert = match context.choose_path(Setting::CA_CERT, args.ca_cert.as_ref())? {
            Some(file) => Some((read(&file, "--ca-cert")?, file)),
            None => None,
        };
        Ok(Some(Self {
            endpoints,
            resolves_names,
            credentials: found.map(|found| found.credentials),
            token_file,
            ca_cert: ca_cert.map(|(pem, file)| (file, pem)),
            patience: patience(args.patience),
        }))
    }

    /// An error if no service is named.
    pub(crate) fn required(args: &ServiceArgs, context: &Context) -> Result<Self, Failure> {
        Self::resolve(args, context)?.ok_or_else(|| {
            Failure::usage_text("no service is named").help(
                "give --url URL or set TESTCENTER_URL; `testplan run` needs neither, `testplan serve` starts one",
            )
        })
    }

    /// A client of this service, which logs a warning before each pause between two tries.
    pub(crate) fn connect(self) -> Result<Client, Failure> {
        let options = HttpOptions {
            ca_cert_pem: self.ca_cert.as_ref().map(|(_, pem)| pem.clone().into()),
            resolves_names: self.resolves_names,
        };
        let transport = HttpTransport::new(&options)
            .and_then(|transport| {
                let mut endpoints = self.endpoints.as_slice().iter();
                endpoints.try_for_each(|endpoint| transport.prepare(endpoint))?;
                Ok(transport)
            })
            .map_err(|error| match &self.ca_cert {
                Some((file, _)) => {
                    Failure::from(error).context(format!("--ca-cert {}", file.display()))
                }
                None => error.into(),
            })?;
        let transport = Arc::new(transport);
        let client = Client::new(transport, self.endpoints, self.credentials, self.patience)?;
        let client = match self.token_file {
            Some(file) => client.following(Arc::new(file)),
            None => client,
        };
        Ok(client.watched(|waiting| {
            // After a restart the next process answers, or another one behind a load balancer.
            if matches!(waiting.because, ErrorKind::Stopping { .. }) {
                tracing::info!("{waiting}");
            } else {
                tracing::warn!("{waiting}");
            }
        }))
    }
}

fn patience(asked: Option<Duration>) -> Patience {
    let usual = Patience::default();
    let Some(asked) = asked else { return usual };
    Patience {
        service: asked,
        finish: asked,
        // A short patience shortens the wait for a service that hangs; a busy one still gets some seconds.
        request: usual.request.min(asked.max(SHORTEST_REQUEST)),
    }
}

/// The credentials in a file or in the environment, if there are any.
pub(crate) fn found_credentials(
    token_file: Option<&Path>,
    environment: &Environment,
) -> Result<Option<FoundCredentials>, Failure> {
    credential_sources::find(token_file, environment).map_err(|error| {
        let help = match error {
            CredentialError::Both { .. } => {
                "give one of: --token-file, TESTCENTER_TOKEN, TESTCENTER_USER with TESTCENTER_PASSWORD"
            }
            _ => "an access token is one line without blanks: copy it again, or make a new one",
        };
        Failure::usage(error).help(help)
    })
}

impl ServiceArgs {
    /// A client of the service that the flags or the environment name.
    pub(crate) fn connect(&self, context: &Context) -> Result<Client, Failure> {
        ServiceSettings::required(self, context)?.connect()
    }
}

impl ConfigArgs {
    /// The configuration file: the one that is named, else `testplan.yml` if it exists.
    pub(crate) fn load(&self, context: &Context) -> Result<Option<LoadedPlanFile>, Failure> {
        let named = context.choose_path(Setting::CONFIG, self.config.as_ref())?;
        let found = PlanFile::find(named.as_deref(), Path::new("."));
        let coloured = context.screen.is_coloured();
        let file = found.map_err(|error| Failure::marked(error, coloured))?;
        let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_NAME));
        Ok(file.map(|file| LoadedPlanFile::new(file, path, preset_listing(context))))
    }

    /// The configuration file; an error if there is none.
    pub(crate) fn required(&self, context: &Context) -> Result<LoadedPlanFile, Failure> {
        self.load(context)?.ok_or_else(|| {
            Failure::usage_text("there is no testplan.yml here")
                .help("name one with --config FILE; `testplan demo` writes an example")
        })
    }

    /// The folder of the configuration file, if one is named.
    pub(crate) fn folder(&self, context: &Context) -> Option<PathBuf> {
        let named = context.choose_path(Setting::CONFIG, self.config.as_ref());
        named.ok()??.parent().map(Path::to_owned)
    }
}

/// A configuration file that has to be there.
pub(crate) fn load(path: &Path, context: &Context) -> Result<LoadedPlanFile, Failure> {
    let coloured = context.screen.is_coloured();
    let file = PlanFile::load(path).map_err(|error| Failure::marked(error, coloured))?;
    let preset = preset_listing(context);
    Ok(LoadedPlanFile::new(file, path.to_owned(), preset))
}

/// How a preset lists its tests, with a process that is ended then.
pub(crate) fn preset_listing(context: &Context) -> PresetListing {
    let inherited = |name| context.environment.get(name).map(Into::into);
    PresetListing {
        inherited: InheritedVariables {
            python_path: inherited("PYTHONPATH"),
            coverage_file: inherited("COVERAGE_FILE"),
        },
        kept: None,
    }
}

impl TemplateArgs {
    /// Project and title of the template to start: from the flags, else from a configuration with one template.
    pub(crate) fn resolve<'a>(
        &'a self,
        config: Option<&'a LoadedPlanFile>,
    ) -> Result<(&'a str, &'a str), Failure> {
        let config = config.map(|config| &config.file);
        let project = self
            .project
            .as_deref()
            .or_else(|| config.and_then(|config| config.project.as_deref()))
            .ok_or_else(|| {
                Failure::usage_text("no project is named")
                    .help("give --project, or `project:` in testplan.yml")
            })?;
        let titles: Vec<&str> = config
            .into_iter()
            .flat_map(|config| &config.templates)
            .map(|template| template.title.as_str())
            .collect();
        match (self.template.as_deref(), &titles[..]) {
            (Some(title), _) | (None, &[title]) => Ok((project, title)),
            (None, []) => Err(Failure::usage_text("no template is named")
                .help("give --template TITLE, or one template in testplan.yml")),
            (None, titles) => Err(Failure::usage_text("testplan.yml has several templates")
                .help(format!("choose with --template: {}", titles.join(", ")))),
        }
    }
}

impl OutArgs {
    /// The `--out` folder.
    pub(crate) fn folder(&self, context: &Context) -> Result<PathBuf, Failure> {
        let named = context.choose_path(Setting::OUT, self.out.as_ref())?;
        Ok(named.unwrap_or_else(|| PathBuf::from(DEFAULT_OUT)))
    }
}

/// How `run` and `work` work.
#[derive(Clone, Debug)]
pub(crate) struct WorkOptions {
    /// What the workers offer.
    pub(crate) offered: Capabilities,
    /// Executions at once.
    pub(crate) workers: usize,
    /// Whether workers ask for a Squish server.
    pub(crate) allocate_server: bool,
    pub(crate) lease: Duration,
    /// Of the whole command.
    pub(crate) deadline: Option<Duration>,
    /// How long workers wait once no live worker or Squish server can run the remaining tests.
    pub(crate) grace: Duration,
    pub(crate) out: PathBuf,
    pub(crate) upload: UploadPolicy,
}

impl WorkOptions {
    pub(crate) fn resolve(
        workers: &WorkerArgs,
        out: &OutArgs,
        upload: UploadPolicy,
        runner: Option<&RunnerSettings>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let server = runner.and_then(RunnerSettings::squish);
        let server = server.map(|squish| &squish.server);
        // One desktop, or one Squish server: parallel tests would disturb each other.
        let is_single = matches!(server, Some(ServerChoice::Local | ServerChoice::At(_)));
        if is_single && workers.allocate_server {
            return Err(Failure::usage_text(
                "--allocate-server has no effect: runner.squish.server in testplan.yml names a fixed server",
            )
            .help("leave the flag out, or write `server: allocated`"));
        }
        let at_once = context.choose(Setting::WORKERS, workers.workers, args::workers)?;
        let lease = context.choose(Setting::LEASE, workers.lease, args::lease)?;
        Ok(Self {
            offered: workers.capabilities.iter().cloned().collect(),
            workers: at_once.unwrap_or_else(|| if is_single { 1 } else { shell::cores() }),
            allocate_server: workers.allocate_server || server == Some(&ServerChoice::Allocated),
            lease: lease.unwrap_or(DEFAULT_LEASE),
            deadline: context.choose(Setting::DEADLINE, workers.deadline, duration::parse)?,
            grace: workers.grace.grace.unwrap_or(DEFAULT_GRACE),
            out: out.folder(context)?,
            upload,
        })
    }
}

/// Reads a small file that a flag names.
pub(crate) fn read(file: &Path, flag: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        Failure::usage_text(format_args!("{flag} {}: {error}", file.display())).help(format!(
            "name a file with {flag} that exists and that you may read"
        ))
    })
}

/// Makes a folder that a flag names, with its parents.
pub(crate) fn make_folder(folder: &Path, flag: &str) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::usage_text(format_args!("{flag} {}: {error}", folder.display()))
            .help(format!("name a folder with {flag} that you may write to"))
    })
}
