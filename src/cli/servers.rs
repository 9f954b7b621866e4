//! `testplan servers …`: the registered Squish servers.

pub mod apply;
mod difference;
mod list;
pub mod local;
mod program;
pub mod start;
pub mod stop;

use clap::{Args, Subcommand};
use serde_json::json;

use self::list::{as_json, sorted, table};
use super::{
    args::{Format, ServiceArgs},
    connect,
    failure::{Ended, Failure},
    screen::Screen,
};
use crate::{
    client::{NewSquishServer, SquishServerChange},
    config::environment::Environment,
    exit_code::Conclusion,
    model::{Capability, SquishServerId},
};

/// Lists and changes registered Squish servers.
#[derive(Debug, Subcommand)]
pub enum Servers {
    /// List them
    List(List),
    /// Register one
    Add(Add),
    /// Change one
    Update(Update),
    /// Remove one; a lease on it runs on
    Remove(Remove),
    /// Make them what a file declares, and show the difference
    Apply(apply::Apply),
    /// Start a squishserver on this machine and register it
    Start(start::Start),
    /// Remove a squishserver of this machine from the registry and end it
    Stop(stop::Stop),
}

/// How to list.
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    service: ServiceArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A new one.
#[derive(Args, Debug)]
pub struct Add {
    #[command(flatten)]
    service: ServiceArgs,
    /// Host name or address [default: the service's own machine].
    #[arg(long)]
    host: Option<String>,
    /// Port.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// What it offers; repeat for more.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Capability>,
    /// Register it without giving it out.
    #[arg(long)]
    disabled: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A change.
#[derive(Args, Debug)]
pub struct Update {
    #[command(flatten)]
    service: ServiceArgs,
    /// Its number.
    id: SquishServerId,
    /// New host.
    #[arg(long)]
    host: Option<String>,
    /// New port.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Give it out.
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Stop giving it out; a lease on it runs on.
    #[arg(long)]
    disable: bool,
    /// All its labels from now on; repeat for more.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Capability>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Which to remove.
#[derive(Args, Debug)]
pub struct Remove {
    #[command(flatten)]
    service: ServiceArgs,
    /// Its number.
    id: SquishServerId,
}

/// `testplan servers …`.
pub async fn run(command: Servers, environment: &Environment, screen: &Screen) -> Ended {
    match command {
        Servers::List(list) => {
            let servers = connect::client(&list.service, environment, screen)?
                .squish_servers()
                .await?;
            let servers = sorted(servers);
            let items = || json!({ "schema": 1, "servers": servers.iter().map(as_json).collect::<Vec<_>>() });
            screen.data(list.format, || table(&servers), items);
        }
        Servers::Add(add) => {
            let client = connect::client(&add.service, environment, screen)?;
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
            let client = connect::client(&update.service, environment, screen)?;
            let enabled = (update.enable || update.disable).then_some(update.enable);
            let labels = (!update.labels.is_empty()).then(|| update.labels.into());
            let change = SquishServerChange {
                host: update.host,
                port: update.port,
                enabled,
                labels,
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
        Servers::Apply(apply) => return apply::run(apply, environment, screen).await,
        Servers::Start(start) => return start::run(start, environment, screen).await,
        Servers::Stop(stop) => return stop::run(stop, environment, screen).await,
        Servers::Remove(remove) => {
            connect::client(&remove.service, environment, screen)?
                .remove_squish_server(remove.id)
                .await?;
            screen.say(&format!("Squish server {} is removed", remove.id));
        }
    }
    Ok(Conclusion::Passed)
}
