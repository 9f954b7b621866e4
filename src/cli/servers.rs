//! `testplan servers …`: the registered Squish servers.

mod changes;
mod server_list;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use self::server_list::{as_json, sorted, table};
use super::{
    args::{OutputFormat, ServiceArgs},
    context::Context,
    screen::Screen,
    settings::{self, ServiceSettings},
};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    fleet::{
        apply::{ActionState, FleetUpdate},
        difference::Difference,
        local::{LocalServer, Registry},
        start_server::{self, StartOutcome, StartRequest},
        stop_server::{self, StopEvent},
    },
    model::{
        Capabilities, Capability, NewSquishServer, Port, SquishServer, SquishServerChange,
        SquishServerId,
    },
    signal::Interrupted,
};

/// Lists and changes registered Squish servers.
#[derive(Debug, Subcommand)]
pub(crate) enum Servers {
    /// List the registered servers
    List(List),
    /// Register a server
    Add(Add),
    /// Change a server
    Update(Update),
    /// Allocate a server to workers again
    Enable(Switch),
    /// Stop allocating a server; the test on it ends as usual
    Disable(Switch),
    /// Remove a server; a lease on it stays valid
    Remove(Remove),
    /// Register, change and remove servers until they match a file
    Apply(Apply),
    /// Start a squishserver on this machine and register it
    Start(Start),
    /// Remove a squishserver of this machine from the registry and stop it
    Stop(Stop),
}

#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    service: ServiceArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

#[derive(Args, Debug)]
pub(crate) struct Add {
    #[command(flatten)]
    service: ServiceArgs,
    /// Host name or address [default: the service's own machine].
    #[arg(long)]
    host: Option<String>,
    /// Port of the server.
    #[arg(long)]
    port: Port,
    /// Label that the server offers; repeat for more.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Capability>,
    /// Register the server, but do not allocate it.
    #[arg(long)]
    disabled: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

#[derive(Args, Debug)]
pub(crate) struct Update {
    #[command(flatten)]
    service: ServiceArgs,
    /// Number of the server.
    id: SquishServerId,
    /// New host.
    #[arg(long)]
    host: Option<String>,
    /// New port.
    #[arg(long)]
    port: Option<Port>,
    /// Allocate the server to workers.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Stop allocating the server; a lease on it stays valid.
    #[arg(long)]
    disable: bool,
    /// Replace all labels with these; repeat for more.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Capability>,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

#[derive(Args, Debug)]
pub(crate) struct Switch {
    #[command(flatten)]
    service: ServiceArgs,
    /// Address of the server.
    #[arg(value_name = "HOST:PORT")]
    address: String,
    /// Why; the list of servers and the list of actions keep it.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

#[derive(Args, Debug)]
pub(crate) struct Remove {
    #[command(flatten)]
    service: ServiceArgs,
    /// Number of the server.
    id: SquishServerId,
}

/// Makes the registered Squish servers match a file.
#[derive(Args, Debug)]
pub(crate) struct Apply {
    #[command(flatten)]
    service: ServiceArgs,
    /// A testplan.yml, or a file with its section `servers:` alone. Host and port identify a server.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show the difference and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Remove registered servers that are not in the file; a lease on one stays valid.
    #[arg(long)]
    prune: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// Which squishserver of this machine.
#[derive(Args, Debug)]
pub(crate) struct LocalArgs {
    #[command(flatten)]
    service: ServiceArgs,
    /// Port of the squishserver.
    #[arg(long, default_value = "4322")]
    port: Port,
    /// Name by which workers reach this machine [default: 127.0.0.1 if the service is on this machine].
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// The program squishserver [default: below `SQUISH_PREFIX`, or in `PATH`].
    #[arg(long, value_name = "FILE")]
    squishserver: Option<PathBuf>,
}

/// Starts a squishserver on this machine and registers it.
#[derive(Args, Debug)]
pub(crate) struct Start {
    #[command(flatten)]
    local: LocalArgs,
    /// Label that the server offers; repeat for more [default: the registered labels].
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Capability>,
    /// File for its output [default: squishserver-PORT.log].
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: OutputFormat,
}

/// Removes a squishserver of this machine from the registry and stops it.
#[derive(Args, Debug)]
pub(crate) struct Stop {
    #[command(flatten)]
    local: LocalArgs,
}

impl LocalArgs {
    fn server(&self) -> LocalServer {
        LocalServer {
            port: self.port,
            program: self.squishserver.clone(),
        }
    }

    /// The service, if one is named.
    fn registry(&self, context: &Context) -> Result<Option<Registry>, Failure> {
        let Some(service) = ServiceSettings::resolve(&self.service, context)? else {
            return Ok(None);
        };
        Registry::new(service.connect()?, self.host.clone()).map(Some)
    }
}

/// `testplan servers …`.
pub(crate) async fn run(command: Servers, context: &Context) -> CommandResult {
    let screen = &context.screen;
    match command {
        Servers::List(list) => {
            let servers = list.service.connect(context)?.squish_servers().await?;
            let servers = sorted(servers);
            let items = || json!({ "schema": 1, "servers": servers.iter().map(as_json).collect::<Vec<_>>() });
            screen.data(list.format, || table(&servers), items);
        }
        Servers::Add(add) => {
            let client = add.service.connect(context)?;
            let server = NewSquishServer {
                host: add.host,
                port: add.port,
                enabled: !add.disabled,
                labels: add.labels.into(),
            };
            let server = client.add_squish_server(&server).await?;
            screen.data(
                add.format,
                || table(std::slice::from_ref(&server)),
                || as_json(&server),
            );
        }
        Servers::Update(update) => {
            let client = update.service.connect(context)?;
            let enabled = (update.enable || update.disable).then_some(update.enable);
            let labels = (!update.labels.is_empty()).then(|| update.labels.into());
            let change = SquishServerChange {
                host: update.host,
                port: update.port,
                enabled,
                labels,
                ..SquishServerChange::default()
            };
            if change == SquishServerChange::default() {
                return Err(Failure::usage_text(format_args!(
                    "nothing to change of Squish server {}",
                    update.id
                ))
                .help("give --host, --port, --enable, --disable or --label"));
            }
            let server = client.change_squish_server(update.id, &change).await?;
            screen.data(
                update.format,
                || table(std::slice::from_ref(&server)),
                || as_json(&server),
            );
        }
        Servers::Enable(switch) => run_switch(&switch, true, context).await?,
        Servers::Disable(switch) => run_switch(&switch, false, context).await?,
        Servers::Apply(apply) => return run_apply(&apply, context).await,
        Servers::Start(start) => return run_start(&start, context).await,
        Servers::Stop(stop) => return run_stop(&stop, context).await,
        Servers::Remove(remove) => {
            remove
                .service
                .connect(context)?
                .remove_squish_server(remove.id)
                .await?;
            screen.info(format_args!("Squish server {} removed", remove.id));
        }
    }
    Ok(Conclusion::Passed)
}

async fn run_switch(command: &Switch, enabled: bool, context: &Context) -> Result<(), Failure> {
    let client = command.service.connect(context)?;
    let servers = sorted(client.squish_servers().await?);
    let wanted = |server: &&SquishServer| server.address().eq_ignore_ascii_case(&command.address);
    let Some(server) = servers.iter().find(wanted) else {
        let addresses: Vec<String> = servers.iter().map(SquishServer::address).collect();
        let known = match addresses.as_slice() {
            [] => "none is".to_owned(),
            _ => format!("registered are {}", addresses.join(", ")),
        };
        return Err(Failure::usage_text(format_args!(
            "no Squish server {} is registered: {known}",
            command.address
        ))
        .help("name host and port as `testplan servers list` prints them"));
    };
    let change = SquishServerChange {
        enabled: Some(enabled),
        reason: command.reason.clone(),
        ..SquishServerChange::default()
    };
    let server = client.change_squish_server(server.id, &change).await?;
    context.screen.data(
        command.format,
        || table(std::slice::from_ref(&server)),
        || as_json(&server),
    );
    Ok(())
}

async fn run_apply(command: &Apply, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let loaded = settings::load(&command.file, context)?;
    if loaded.file.servers.is_empty() {
        return Err(Failure::usage_text(format_args!(
            "{} declares no Squish servers",
            command.file.display()
        ))
        .help("list them below `servers:`, each with host and port; `servers remove` removes single ones"));
    }
    let client = command.service.connect(context)?;
    let registered = client.squish_servers().await?;
    let difference = Difference::between(&loaded.file.servers, registered);
    let mut update = FleetUpdate::plan(difference, command.prune);
    let failed = if command.dry_run {
        None
    } else {
        update.perform(&client).await
    };
    screen.data(
        command.format,
        || changes::text(&update, command.dry_run),
        || changes::json(&update, &command.file, command.dry_run, command.prune),
    );
    let Some(error) = failed else {
        return Ok(Conclusion::Passed);
    };
    let done = update.count(|_, state| *state == ActionState::Done);
    let help = match error.help() {
        help if help.is_empty() => "fix it and apply again: finished changes stay".to_owned(),
        help => help,
    };
    let total = update.actions.len();
    let about = format!(
        "{} of {total} changes are not made, {done} are",
        total - done
    );
    Err(Failure::infrastructure(error).context(about).help(help))
}

async fn run_start(command: &Start, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let registry = command.local.registry(context)?;
    let port = command.local.port;
    let default_log = || format!("squishserver-{port}.log").into();
    let log = command.log.clone().unwrap_or_else(default_log);
    let request = StartRequest {
        local: &command.local.server(),
        labels: &Capabilities::from(command.labels.clone()),
        log: &log,
        registry: registry.as_ref(),
    };
    let warn = |line| screen.warn(line);
    match start_server::start(request, &context.environment, warn).await? {
        StartOutcome::AlreadyRunning(server) => {
            screen.info(format_args!(
                "port {port} is open and registered as Squish server {}: used as it is",
                server.id
            ));
            print_started(command, screen, None, Some(&server));
        }
        StartOutcome::Started { pid, server } => {
            if registry.is_none() {
                screen.info(
                    "no service is named (--url or TESTCENTER_URL): squishserver is registered nowhere",
                );
            }
            let process = pid.map(|pid| (pid, log.as_path()));
            print_started(command, screen, process, server.as_ref());
        }
        StartOutcome::Interrupted(kind) => return Err(Interrupted(kind).into()),
    }
    Ok(Conclusion::Passed)
}

fn print_started(
    command: &Start,
    screen: &Screen,
    process: Option<(u32, &Path)>,
    server: Option<&SquishServer>,
) {
    let port = command.local.port;
    screen.data(
        command.format,
        || {
            let process = process.map_or_else(String::new, |(pid, log)| {
                format!(", process {pid}, output in {}", log.display())
            });
            let place = server.map_or_else(
                || format!("port {port}"),
                |server| format!("Squish server {} at {}", server.id, server.address()),
            );
            format!("squishserver listens: {place}{process}\n")
        },
        || {
            json!({
                "schema": 1, "port": port.get(), "started": process.is_some(),
                "pid": process.map(|(pid, _)| pid), "log": process.map(|(_, log)| log),
                "server": server.map(as_json),
            })
        },
    );
}

async fn run_stop(command: &Stop, context: &Context) -> CommandResult {
    let screen = &context.screen;
    let registry = command.local.registry(context)?;
    let port = command.local.port;
    let report = |event| match event {
        StopEvent::NotRegistered => {
            let host = registry.as_ref().map_or("", |registry| &registry.host);
            screen.info(format_args!("{host}:{port} is not registered"));
        }
        StopEvent::Busy(server, execution) => screen.warn(format_args!(
            "Squish server {server} is busy with execution {execution}, which will be cut off"
        )),
        StopEvent::Removed(server) => screen.info(format_args!("Squish server {server} removed")),
        StopEvent::Stopped => screen.info(format_args!("squishserver on port {port} stopped")),
        StopEvent::NotRunning => screen.info(format_args!(
            "port {port} of this machine is closed: nothing to stop"
        )),
    };
    let local = command.local.server();
    stop_server::stop(&local, registry.as_ref(), &context.environment, report).await?;
    Ok(Conclusion::Passed)
}
