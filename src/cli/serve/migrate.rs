//! `testplan serve migrate`: moves the state of a service from SQLite to PostgreSQL.

use std::{
    path::{self, Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;

use super::postgres;
use crate::{
    cli::context::Context,
    clock,
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    local_service::DATABASE,
    store::transfer::{MoveError, MoveOptions, Moved, Progress, move_to_postgres},
};

/// How often a long move reports how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// Moves the state of a service that is stopped.
#[derive(Args, Debug)]
pub(crate) struct MigrateArgs {
    /// Move the state in this folder, as `serve --data` names it, or in this file: `sqlite:DIR` or `sqlite:FILE`. It stays as
    /// it is.
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    from: PathBuf,
    /// Move it to this PostgreSQL database, named as for `serve --database`. It must be empty; tables are created.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Leave out plans that workers hold leases of, instead of refusing.
    #[arg(long)]
    leave_running: bool,
}

/// The path of a database that `sqlite:PATH` names.
fn source(text: &str) -> Result<PathBuf, String> {
    let named = text.strip_prefix("sqlite:").unwrap_or_default();
    // As in URLs of other programs.
    let named = named.strip_prefix("//").unwrap_or(named);
    if named.is_empty() {
        return Err("write sqlite: and the data folder, such as sqlite:testplan-data".to_owned());
    }
    Ok(PathBuf::from(named))
}

/// The database file of a source.
fn file_of(source: &Path) -> Result<PathBuf, Failure> {
    let file = if source.is_dir() {
        source.join(DATABASE)
    } else {
        source.to_owned()
    };
    if !file.exists() {
        return Err(
            Failure::usage_text(format_args!("{} does not exist", file.display()))
                .help("name the data folder of `testplan serve` with --from sqlite:DIR"),
        );
    }
    Ok(file)
}

/// `testplan serve migrate`.
pub(super) async fn run(command: MigrateArgs, context: &Context) -> CommandResult {
    let file = file_of(&command.from)?;
    let target = postgres(&command.to, context)?;
    let options = MoveOptions {
        leave_running: command.leave_running,
        now: clock::wall(),
    };
    let screen = &context.screen;
    screen.info(format_args!("moving {} to {target}", file.display()));
    let (send, mut progress) = tokio::sync::mpsc::unbounded_channel();
    let from = file.clone();
    let moving = tokio::task::spawn_blocking(move || {
        let mut pace = Pace::new(clock::monotonic());
        move_to_postgres(&from, &target, options, &mut |progress| {
            if pace.is_due(clock::monotonic()) {
                // Only a process that ends no longer reads it.
                _ = send.send(progress);
            }
        })
    });
    while let Some(progress) = progress.recv().await {
        screen.info(progress_line(progress));
    }
    let moved = moving.await.map_err(Failure::infrastructure)?;
    let moved = moved.map_err(failure)?;
    for line in summary(&moved, &file) {
        screen.always(line);
    }
    Ok(Conclusion::Passed)
}

fn failure(error: MoveError) -> Failure {
    let advice = error.advice();
    let failure = Failure::infrastructure(error);
    match advice {
        Some(advice) => failure.help(advice),
        None => failure,
    }
}

/// Lets a report through now and then.
struct Pace(Instant);

impl Pace {
    fn new(now: Instant) -> Self {
        Self(now)
    }

    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now.saturating_duration_since(self.0) >= REPORT_EVERY;
        if is_due {
            self.0 = now;
        }
        is_due
    }
}

fn progress_line(progress: Progress) -> String {
    match progress {
        Progress::Copied(kind, rows, all) => format!("copied {rows} of {all}: {kind}"),
        Progress::Compared(plans, all) => format!("compared {plans} of {all} plans"),
    }
}

/// What was moved, a line for each kind, and what is left to do.
fn summary(moved: &Moved, file: &Path) -> Vec<String> {
    let width = moved.kinds.iter().map(|(kind, _)| kind.len()).max();
    let width = width.unwrap_or_default();
    let mut lines: Vec<String> = moved
        .kinds
        .iter()
        .map(|(kind, count)| format!("moved {kind:width$} {count:>10}"))
        .collect();
    lines.push(
        "checked the number of rows of every table, and executions, events, counts and verdicts of every plan".to_owned(),
    );
    for plan in &moved.left_out {
        lines.push(format!(
            "left out plan {} {:?}: workers hold leases of {} of its executions",
            plan.id, plan.title, plan.reserved
        ));
    }
    let folder = file.with_file_name("imports");
    let folder = path::absolute(&folder).unwrap_or(folder);
    if moved.count("imports") > 0 {
        lines.push(format!(
            "the files of the imports were not moved: serve with --files {}, or with a copy of that folder that all replicas \
             reach (if the service had --files, that folder)",
            folder.display()
        ));
    }
    lines.push(format!(
        "{} is unchanged; serve it no more, or results go to two places",
        file.display()
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_paths_behind_a_scheme() {
        for (text, path) in [
            ("sqlite:data", "data"),
            ("sqlite:/var/lib/testplan", "/var/lib/testplan"),
            ("sqlite:///var/lib/testplan", "/var/lib/testplan"),
            ("sqlite:data/testplan.sqlite", "data/testplan.sqlite"),
        ] {
            assert_eq!(source(text), Ok(PathBuf::from(path)));
        }
        for text in ["data", "sqlite:", "postgres://db/testplan", ""] {
            let refused = source(text).unwrap_err();
            assert!(refused.contains("sqlite:testplan-data"), "{refused}");
        }
    }

    #[test]
    fn summary_names_the_folder_of_uploads_only_if_there_are_any() {
        let moved = |imports| Moved {
            kinds: vec![("plans", 3), ("imports", imports)],
            left_out: Vec::new(),
        };
        let of = |imports| summary(&moved(imports), Path::new("/data/testplan.sqlite")).join("\n");
        assert!(of(2).contains("--files /data/imports"), "{}", of(2));
        assert!(!of(0).contains("--files"), "{}", of(0));
        assert!(of(0).starts_with("moved plans            3\n"), "{}", of(0));
    }
}
