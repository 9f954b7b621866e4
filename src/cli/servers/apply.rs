//! `testplan servers apply`: makes the service have the Squish servers that a file declares.

mod told;

use std::path::PathBuf;

use clap::Args;

use super::{
    super::{
        args::{Format, ServiceArgs},
        connect,
        failure::{Ended, Failure},
        screen::Screen,
    },
    difference::{Change, Difference},
};
use crate::{
    client::{Client, ClientError, ErrorKind, NewSquishServer, SquishServerChange},
    config::{environment::Environment, plan_file::SquishServerEntry},
    exit_code::Conclusion,
    model::SquishServer,
};

/// Makes the service have the Squish servers that a file declares.
#[derive(Args, Debug)]
pub struct Apply {
    #[command(flatten)]
    service: ServiceArgs,
    /// A testplan.yml, or a file with its section `servers:` alone. Host and port name a server.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show the difference and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Remove what is registered and not in the file; a lease on it runs on.
    #[arg(long)]
    prune: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// One change at the service.
#[derive(Debug)]
enum Action {
    Add(SquishServerEntry),
    Change(Change),
    Remove(SquishServer),
}

/// How far a change has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Progress {
    /// Nothing was tried, because nothing was to be done.
    Planned,
    Done,
    Failed(String),
    /// The service was gone by then.
    NotTried,
}

/// A change, and how far it has come.
#[derive(Debug)]
struct Step {
    action: Action,
    progress: Progress,
}

/// Everything that there is to tell.
#[derive(Debug)]
struct Applied {
    steps: Vec<Step>,
    unchanged: Vec<SquishServer>,
    /// Not in the file, and left as they are.
    undeclared: Vec<SquishServer>,
    /// Registered twice, and left so; with the one that counts.
    twice: Vec<(SquishServer, SquishServer)>,
}

/// `testplan servers apply FILE`.
pub(super) async fn run(command: Apply, environment: &Environment, screen: &Screen) -> Ended {
    let loaded = connect::load(&command.file, screen)?;
    if loaded.file.servers.is_empty() {
        return Err(Failure::usage_text(format_args!(
            "{} declares no Squish servers",
            command.file.display()
        ))
        .help("list them below `servers:`, each with host and port; `servers remove` takes single ones away"));
    }
    let client = connect::client(&command.service, environment, screen)?;
    let registered = client.squish_servers().await?;
    let difference = Difference::between(&loaded.file.servers, registered);
    let mut applied = Applied::plan(difference, command.prune);
    let failed = if command.dry_run {
        None
    } else {
        applied.perform(&client).await
    };
    screen.data(
        command.format,
        || applied.text(command.dry_run),
        || applied.json(&command.file, command.dry_run, command.prune),
    );
    match failed {
        None => Ok(Conclusion::Passed),
        Some(error) => {
            let done = applied.count(|step| step.progress == Progress::Done);
            let help = error.help();
            let failure = Failure::infrastructure(error).context(format!(
                "{} of {} changes are not made, {done} are",
                applied.steps.len() - done,
                applied.steps.len()
            ));
            Err(failure.help(if help.is_empty() {
                "mend it and apply again: what is done stays done".to_owned()
            } else {
                help
            }))
        }
    }
}

impl Applied {
    /// Changes first, then new ones, and removals last, so that the fleet is never smaller than it has to be.
    fn plan(difference: Difference, prune: bool) -> Self {
        let Difference {
            add,
            change,
            unchanged,
            undeclared,
            twice,
        } = difference;
        let mut actions: Vec<Action> = change.into_iter().map(Action::Change).collect();
        actions.extend(add.into_iter().map(Action::Add));
        let (removed, undeclared, twice) = if prune {
            let doubles = twice.into_iter().map(|(double, _)| double);
            let removed: Vec<_> = undeclared.into_iter().chain(doubles).collect();
            (removed, Vec::new(), Vec::new())
        } else {
            (Vec::new(), undeclared, twice)
        };
        actions.extend(removed.into_iter().map(Action::Remove));
        let steps = actions.into_iter().map(|action| Step {
            action,
            progress: Progress::Planned,
        });
        Self {
            steps: steps.collect(),
            unchanged,
            undeclared,
            twice,
        }
    }

    /// Makes the changes, each by itself: what one is refused says nothing of the next. Ends where the service is gone.
    /// Returns the first error.
    async fn perform(&mut self, client: &Client) -> Option<ClientError> {
        let mut first = None;
        let mut gone = false;
        for step in &mut self.steps {
            if gone {
                step.progress = Progress::NotTried;
                continue;
            }
            step.progress = match step.action.perform(client).await {
                Ok(()) => Progress::Done,
                Err(error) => {
                    gone = !is_of_one_server(&error);
                    let failed = Progress::Failed(error.to_string());
                    first.get_or_insert(error);
                    failed
                }
            };
        }
        first
    }

    fn count(&self, which: impl Fn(&Step) -> bool) -> usize {
        self.steps.iter().filter(|step| which(step)).count()
    }
}

/// Whether an error speaks of one server alone, so that others may fare better.
fn is_of_one_server(error: &ClientError) -> bool {
    match error.kind {
        ErrorKind::Refused { .. }
        | ErrorKind::NotFound { .. }
        | ErrorKind::NotSendable { .. }
        | ErrorKind::Unclear { .. } => true,
        ErrorKind::Unreachable { .. }
        | ErrorKind::Redirected { .. }
        | ErrorKind::Unauthorized { .. }
        | ErrorKind::Failed { .. }
        | ErrorKind::NotUnderstood { .. }
        | ErrorKind::Unreadable { .. }
        | ErrorKind::TestsIgnored { .. }
        | ErrorKind::Unsupported { .. } => false,
    }
}

impl Action {
    async fn perform(&self, client: &Client) -> Result<(), ClientError> {
        match self {
            Self::Add(entry) => {
                let new = NewSquishServer {
                    host: Some(entry.host.clone()),
                    // Checked when the file was read.
                    port: entry.port.parse().unwrap_or_default(),
                    enabled: entry.enabled,
                    labels: entry.labels.clone(),
                };
                client.add_squish_server(&new).await.map(drop)
            }
            Self::Change(change) => {
                let patch = SquishServerChange {
                    enabled: change.enabled().then_some(change.wanted.enabled),
                    labels: change.labels().then(|| change.wanted.labels.clone()),
                    ..SquishServerChange::default()
                };
                let id = change.server.id;
                client.change_squish_server(id, &patch).await.map(drop)
            }
            Self::Remove(server) => client.remove_squish_server(server.id).await,
        }
    }
}
