//! `testplan servers list | add | update | remove`: the registered Squish servers.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

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
    model::{Capability, SquishServer, SquishServerId},
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
        Servers::Remove(remove) => {
            connect::client(&remove.service, environment, screen)?
                .remove_squish_server(remove.id)
                .await?;
            screen.say(&format!("Squish server {} is removed", remove.id));
        }
    }
    Ok(Conclusion::Passed)
}

fn as_json(server: &SquishServer) -> Value {
    json!({
        "id": server.id, "host": server.host, "port": server.port, "enabled": server.enabled,
        "labels": server.labels, "execution_id": server.busy_with,
    })
}

fn table(servers: &[SquishServer]) -> String {
    if servers.is_empty() {
        return "no Squish servers are registered\n".to_owned();
    }
    let mut text = format!(
        "{:>4}  {:<28}  {:<9}  {}\n",
        "ID", "ADDRESS", "STATE", "LABELS"
    );
    for server in servers {
        let state = match (server.enabled, server.busy_with) {
            (_, Some(execution)) => format!("busy {execution}"),
            (true, None) => "free".to_owned(),
            (false, None) => "disabled".to_owned(),
        };
        let address = format!("{}:{}", server.host, server.port);
        let _ = writeln!(
            text,
            "{:>4}  {address:<28}  {state:<9}  {}",
            server.id, server.labels
        );
    }
    text
}
