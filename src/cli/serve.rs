//! `testplan serve`: testplan's own durable service of the Test Plan Execution API.

mod migrate;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Subcommand, ValueEnum};
use tokio::net::{TcpListener, TcpSocket};

use super::{context::Context, service_log::LogFormat, settings};
use crate::{
    client,
    config::duration,
    credentials::Credentials,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    files::{Bucket, BucketUrl, FilesLocation, LocationError, StorageError},
    fs,
    listing::{catalog::Catalog, listed_template::ListedTemplate},
    local_service::{DATABASE, Database, ServiceOptions, UploadPlace, storage_failure},
    model::LabelCase,
    random,
    service::{Access, Limits, Principal, Service, raise_open_files},
    signal::{SignalKind, Signals},
    store::{
        Rules,
        postgres::Target,
        sqlite::{Durability, LossPolicy},
    },
};

/// Serves the execution API.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ServeArgs {
    #[command(subcommand)]
    command: Option<ServeCommand>,
    /// Listen on this address and port; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8800", value_parser = address)]
    listen: SocketAddr,
    /// Keep the database and the generated access token in this folder.
    #[arg(long, value_name = "DIR", default_value = "testplan-data")]
    data: PathBuf,
    /// Keep the state in this PostgreSQL database instead of a file, such as `postgres://user@host/testplan`: any number of
    /// replicas can serve it. The password is read from PGPASSWORD or from the password file.
    #[arg(long, value_name = "URL", conflicts_with_all = ["durability", "accept_loss"])]
    database: Option<String>,
    /// Keep uploads in this folder, which all replicas share, or in S3 as `s3://BUCKET/PREFIX`, with settings and credentials
    /// of AWS' variables [default: `imports` in the data folder].
    #[arg(long, value_name = "DIR|URL")]
    files: Option<PathBuf>,
    /// Publish the templates and Squish servers of these files; repeat for more [default: ./testplan.yml, if it exists].
    #[arg(long, value_name = "FILE", num_args = 1..)]
    plans: Vec<PathBuf>,
    /// Read the access token from this file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Set what an answered request survives: `full` a power loss; `normal` a killed process. After a power loss `normal`
    /// may run the latest executions again; none is counted twice.
    #[arg(long, value_enum, default_value_t)]
    durability: DurabilityArg,
    /// Start although acknowledged changes are missing from the database, and log what is lost: once, after a backup was
    /// restored or the database was removed on purpose.
    #[arg(long)]
    accept_loss: bool,
    /// Compare capabilities character by character instead of without case.
    #[arg(long)]
    strict_labels: bool,
    /// Refuse heartbeats and results without a lease, as clients of the vendor's API alone send them.
    #[arg(long)]
    require_lease: bool,
    /// Abandon an execution once more leases than this expired on it; 0 is never.
    #[arg(long, value_name = "N", default_value_t = Rules::default().max_expiries)]
    max_expiries: u32,
    /// Accept uploads (`POST /import`) up to this size, such as 500M or 8G.
    #[arg(long, value_name = "SIZE", default_value = "8G", value_parser = size)]
    import_limit: u64,
    /// Cool a Squish server down for this long after a worker found it gone or hanging; twice as long each further time, up
    /// to twenty times as long.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    server_rest: Duration,
    /// After SIGTERM or SIGINT, serve as before for this long, with /readyz at 503, so that a load balancer sends its clients
    /// elsewhere first.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse)]
    drain: Duration,
    /// Serve below this path too, such as `/ci`, and have the links of the pages begin with it: behind a proxy that serves other
    /// things beside.
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true, value_parser = base_path, help_heading = "Pages")]
    base_path: String,
    /// Tell clients that people find the pages at this address, such as `https://ci.example/testplan`: where it is not the one at
    /// which clients call the service.
    #[arg(long, value_name = "URL", default_value = "", hide_default_value = true, value_parser = public_url, help_heading = "Pages")]
    public_url: String,
    /// Show badges (`/badge/PROJECT/TEMPLATE.svg`) without a login, so that a README can have them: name and result of a template
    /// are then public.
    #[arg(long, help_heading = "Pages")]
    public_badges: bool,
    /// Write the log as text or as one JSON object per line.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
    /// Listen beyond this machine without TLS in front; credentials then cross the network unencrypted.
    #[arg(long)]
    allow_http: bool,
}

/// What is done with the state of a service instead of serving it.
#[derive(Debug, Subcommand)]
enum ServeCommand {
    /// Move the state of a stopped service from SQLite to PostgreSQL
    Migrate(migrate::MigrateArgs),
}

impl ServeArgs {
    /// The form of the log; `None` if nothing is served.
    pub(crate) fn log_format(&self) -> Option<LogFormat> {
        self.command.is_none().then_some(self.log_format)
    }
}

/// Reads a size: a number, in bytes or with K, M, G or T for their powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ');
    let power = match text[digits.len()..].trim().to_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 1,
        "M" | "MB" | "MIB" => 2,
        "G" | "GB" | "GIB" => 3,
        "T" | "TB" | "TIB" => 4,
        _ => return Err(format!("write a size such as 500M or 8G, not {text}")),
    };
    digits
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(1024_u64.pow(power)))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("write a size such as 500M or 8G, not {text}"))
}

/// Reads a path that all others begin with: without the slash at its end, and empty for the root.
fn base_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let is_plain = path.split('/').skip(1).all(|part| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_known)
    });
    if path.is_empty() || (path.starts_with('/') && is_plain) {
        Ok(path.to_owned())
    } else {
        Err(
            "write a path of letters, digits and -._~ that begins with a slash, such as /ci"
                .to_owned(),
        )
    }
}

/// Reads the address of the pages, without the slash at its end.
fn public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let has_more = |byte: u8| b"?#\"<>() ".contains(&byte) || !byte.is_ascii_graphic();
    if url.is_empty() || (is_web && !url.ends_with(':') && !url.bytes().any(has_more)) {
        Ok(url.to_owned())
    } else {
        Err("write an address that begins with https:// or http://, such as https://ci.example/testplan".to_owned())
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "write an IP address and a port, such as 127.0.0.1:8800 or [::1]:0".to_owned())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum DurabilityArg {
    #[default]
    Full,
    Normal,
}

/// `testplan serve`.
pub(crate) async fn run(command: ServeArgs, context: &Context) -> CommandResult {
    match command.command {
        Some(ServeCommand::Migrate(migrate)) => migrate::run(migrate, context).await,
        None => serve(command, context).await,
    }
}

async fn serve(command: ServeArgs, context: &Context) -> CommandResult {
    if !command.listen.ip().is_loopback() && !command.allow_http {
        return Err(Failure::usage_text(format_args!("--listen {} is reachable from other machines", command.listen))
            .help("put a TLS proxy in front and listen on 127.0.0.1, or accept plain http with --allow-http"));
    }
    let screen = &context.screen;
    let catalog = catalog(&command.plans, context).await?;
    settings::make_folder(&command.data, "--data")?;
    let rules = Rules {
        label_case: if command.strict_labels {
            LabelCase::Strict
        } else {
            LabelCase::Folded
        },
        require_lease: command.require_lease,
        max_expiries: command.max_expiries,
        trouble_rest: command.server_rest,
        ..Rules::default()
    };
    let options = ServiceOptions {
        database: database(&command, context)?,
        uploads: uploads(&command, context)?,
        rules,
        access: access(&command, context)?,
        limits: limits(command.drain),
        import_limit: command.import_limit,
        base_path: command.base_path.clone(),
        public_url: command.public_url.clone(),
        public_badges: command.public_badges,
    };
    let service = options.open(catalog).await?;
    let publisher = service.clone();
    let listener = listen(command.listen).map_err(|error| {
        Failure::infrastructure_text(format_args!("cannot listen on {}: {error}", command.listen))
            .help("choose another port with --listen, or port 0 for any")
    })?;
    let address = listener.local_addr().map_err(Failure::infrastructure)?;
    let mut signals = Signals::listen().map_err(Failure::infrastructure)?;
    screen.raw(format!("listening on http://{address}\n").as_bytes());
    let (stopped, stop) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(async move {
        service
            .serve(listener, async {
                let _ = stop.await;
            })
            .await
    });
    let mut next = signals.next().await;
    let kind = loop {
        if next != SignalKind::Hangup {
            break next;
        }
        next = tokio::select! {
            () = publish_again(&publisher, &command.plans, context) => signals.next().await,
            // Listings may take long, and a stop does not wait for them.
            kind = signals.next() => kind,
        };
    };
    screen.info(match command.drain {
        Duration::ZERO => format!("stopping ({kind}): no more reservations, leases stay valid"),
        drain => format!(
            "stopping ({kind}) in {}: /readyz is 503 from now on; another signal stops at once",
            duration::format(drain)
        ),
    });
    let _ = stopped.send(());
    tokio::select! {
        ended = serving => ended.map_err(Failure::infrastructure)?.map_err(Failure::infrastructure)?,
        _ = signals.next() => {}
    }
    // Unlike a run, a service that a signal stops has done its work: exit code 0.
    Ok(Conclusion::Passed)
}

/// Where the state is kept.
fn database(command: &ServeArgs, context: &Context) -> Result<Database, Failure> {
    if let Some(url) = &command.database {
        let target = postgres(url, context)?;
        return Ok(Database::Postgres(Box::new(target)));
    }
    Ok(Database::Sqlite {
        file: command.data.join(DATABASE),
        durability: match command.durability {
            DurabilityArg::Full => Durability::Full,
            DurabilityArg::Normal => Durability::Normal,
        },
        loss_policy: if command.accept_loss {
            LossPolicy::Accept
        } else {
            LossPolicy::Refuse
        },
    })
}

/// The PostgreSQL database that a URL and the environment name.
fn postgres(url: &str, context: &Context) -> Result<Target, Failure> {
    let target = Target::from_environment(Some(url), &context.environment.lookup())
        .map_err(|error| Failure::usage_text(error.message).help(error.advice))?;
    if target.has_password_in_url() {
        context.screen.warn(Target::PASSWORD_IN_URL);
    }
    Ok(target)
}

/// Where uploads are kept.
fn uploads(command: &ServeArgs, context: &Context) -> Result<UploadPlace, Failure> {
    let Some(files) = &command.files else {
        return Ok(UploadPlace::Folder(command.data.join("imports")));
    };
    let location = FilesLocation::parse(files);
    match location.map_err(|error| Failure::usage(error).help(LocationError::HELP))? {
        FilesLocation::Folder(folder) => Ok(UploadPlace::Folder(folder)),
        FilesLocation::Bucket(_) if command.import_limit > BucketUrl::MAX_FILE => {
            Err(Failure::usage_text(format_args!(
                "--import-limit is more than the {} GiB that a file in S3 may have here",
                BucketUrl::MAX_FILE >> 30
            ))
            .help("lower --import-limit"))
        }
        FilesLocation::Bucket(url) => {
            client::install_tls_provider();
            let environment = &context.environment;
            let variables = environment
                .names()
                .filter_map(|name| Some((name, environment.get(name)?)));
            let bucket = Bucket::connect(&url, variables).map_err(StorageError::from);
            bucket.map(UploadPlace::Bucket).map_err(|error| {
                let mut failure = storage_failure(error);
                failure.conclusion = Conclusion::Usage;
                failure
            })
        }
    }
}

/// Reads the plan files again. If one of them cannot be read, all stays as it is.
async fn publish_again(service: &Service, plans: &[PathBuf], context: &Context) {
    let screen = &context.screen;
    let published = async {
        let catalog = catalog(plans, context).await?;
        catalog.publish(service.store(), service.now()).await
    };
    match published.await {
        Ok(()) => screen.info("SIGHUP: the plan files were read again"),
        Err(failure) => screen.warn(format_args!(
            "SIGHUP: the plan files stay as they were read before: {failure}"
        )),
    }
}

/// How many connections may wait to be accepted; the system may allow fewer. When they are too many, clients retry after a
/// second or more.
const BACKLOG: u32 = 4096;

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restarted service gets its port back at once. On Windows it would let others take it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The limits on clients, with as many connections as this process may open.
fn limits(unready: Duration) -> Limits {
    let limits = Limits {
        unready,
        ..Limits::default()
    };
    match raise_open_files() {
        Some(files) => limits.within_open_files(files),
        None => limits,
    }
}

/// What the plan files define, with their listings run.
async fn catalog(plans: &[PathBuf], context: &Context) -> Result<Catalog, Failure> {
    let screen = &context.screen;
    let mut catalog = Catalog::default();
    let default = Path::new("testplan.yml");
    let named: Vec<&Path> = match plans {
        [] if default.exists() => vec![default],
        [] => Vec::new(),
        plans => plans.iter().map(PathBuf::as_path).collect(),
    };
    if named.is_empty() {
        screen.info("no --plans: there are no templates to start");
    }
    for path in named {
        let listed = |listed: &ListedTemplate| {
            screen.listed(listed);
            if let Some(nothing) = listed.nothing() {
                screen.warn(nothing);
            }
        };
        catalog.add(&settings::load(path, context)?, listed).await?;
    }
    Ok(catalog)
}

/// Who gets access: the holder of the secret in a file or in the environment, else of a token that is created here and
/// readable by its owner only.
fn access(command: &ServeArgs, context: &Context) -> Result<Access, Failure> {
    let own = command.data.join("token");
    let find = |file: Option<&Path>| settings::found_credentials(file, &context.environment);
    let found = if let Some(found) = find(command.token_file.as_deref())? {
        found
    } else {
        if !own.exists() {
            let token = random::hex(8).map_err(Failure::infrastructure)?;
            fs::write_private(&own, token.as_bytes()).map_err(Failure::infrastructure)?;
        }
        let screen = &context.screen;
        screen.info(format_args!("the access token is in {}", own.display()));
        find(Some(&own))?.ok_or_else(|| Failure::usage_text("the access token cannot be read"))?
    };
    if let Some(warning) = found.warning {
        context.screen.warn(warning);
    }
    let principal = match &found.credentials {
        Credentials::Token(token) => Principal::token("token", token),
        Credentials::Password { user, password } => Principal::password(user, password),
    };
    Ok(Access::Principals(vec![principal]))
}
