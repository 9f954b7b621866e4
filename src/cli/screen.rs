//! The only writer of stdout and stderr: data on stdout, lines for people on stderr.
//!
//! A closed pipe (`2>&1 | head`) does not end a run: the lines are dropped. Data that could not be written for another
//! reason changes the exit code. No output is a workflow command for GitHub's runner, except through [`Screen::raw`] and
//! [`Screen::annotate`].

use std::{
    fmt,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    sync::OnceLock,
};

use anstream::ColorChoice as Stream;

use super::{
    args::{ColorChoice, OutputFormat, VerbosityArgs},
    progress::{Shown, shows_progress},
    service_log::{self, LogFormat},
};
use crate::{
    ci::workflow::command::annotation_line,
    config::{
        environment::Environment,
        terminal::{Colour, animated, coloured},
    },
    exit_code::Conclusion,
    failure::Failure,
    listing::listed_template::ListedTemplate,
    model::{Annotation, AnnotationLevel, PlanId},
    publication::{step_files::StepFiles, step_outputs::StepOutput},
    report::{
        PlanReport,
        console::{Paint, WorkDone, conclusion_line, final_block, worker_conclusion_line},
        sanitise::{console_json, console_text},
    },
};

/// Where output goes, and how.
#[derive(Debug)]
pub struct Screen {
    paint: Paint,
    data_paint: Paint,
    quiet: bool,
    bar: bool,
    /// Whether the terminal shows progress in its tab or task bar.
    taskbar: bool,
    step: StepFiles,
    lost: OnceLock<Failure>,
    /// Lines for people are events of this log, with time and level.
    log: Option<LogFormat>,
}

#[expect(
    clippy::unused_self,
    reason = "printing goes through the screen, whether it needs its settings or not"
)]
impl Screen {
    /// Chooses colour and progress bars from `--color`, the environment and the terminal.
    pub fn new(verbosity: VerbosityArgs, environment: &Environment, step: StepFiles) -> Self {
        let terminal = io::stderr().is_terminal();
        let flag = match verbosity.color {
            ColorChoice::Auto => Colour::Auto,
            ColorChoice::Always => Colour::Always,
            ColorChoice::Never => Colour::Never,
        };
        let colour = coloured(flag, environment, terminal);
        anstream::ColorChoice::write_global(if colour {
            Stream::Always
        } else {
            Stream::Never
        });
        let paint = |colour| if colour { Paint::Colour } else { Paint::Plain };
        let bar = animated(environment, terminal) && !verbosity.quiet;
        let on_stdout = coloured(flag, environment, io::stdout().is_terminal());
        Self {
            paint: paint(colour),
            data_paint: paint(on_stdout),
            quiet: verbosity.quiet,
            bar,
            taskbar: bar && shows_progress(environment),
            step,
            lost: OnceLock::new(),
            log: None,
        }
    }

    /// Whether lines on stderr are coloured.
    pub(crate) fn is_coloured(&self) -> bool {
        self.paint == Paint::Colour
    }

    /// The colours of lines on stderr.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// The colours of text on stdout.
    pub(crate) fn data_paint(&self) -> Paint {
        self.data_paint
    }

    /// Whether a progress bar may be drawn.
    pub(crate) fn may_draw(&self) -> bool {
        self.bar
    }

    /// Has the terminal show progress in its tab or task bar, if it can.
    pub(crate) fn taskbar(&self, shown: Shown) {
        if self.taskbar {
            // A terminal that is gone shows nothing.
            let _ = io::stderr().lock().write_all(shown.sequence().as_bytes());
        }
    }

    /// Sends the log to stderr: warnings, and with `--verbose` requests and responses.
    pub(crate) fn start_log(&self, verbosity: VerbosityArgs) {
        let level = match (verbosity.quiet, verbosity.verbose) {
            (true, _) => "error",
            (false, 0) => "testplan=warn",
            (false, 1) => "testplan=info",
            (false, _) => "testplan=debug",
        };
        let started = tracing_subscriber::fmt()
            .with_writer(|| LogLines)
            .with_env_filter(tracing_subscriber::EnvFilter::new(level))
            .with_ansi(self.paint == Paint::Colour)
            .without_time()
            .with_target(false)
            // It would report a closed stderr on stderr, and panic.
            .log_internal_errors(false)
            .try_init();
        debug_assert!(started.is_ok(), "the log is started once");
    }

    /// The screen of a service: its log begins, and takes the lines for people too.
    pub(crate) fn of_service(self, verbosity: VerbosityArgs, format: LogFormat) -> Self {
        let level = match (verbosity.quiet, verbosity.verbose) {
            (true, _) => "testplan=warn",
            (false, 0) => "testplan=info",
            (false, _) => "testplan=debug",
        };
        service_log::start(format, level, self.is_coloured());
        Self {
            log: Some(format),
            ..self
        }
    }

    /// Whether `--quiet` is set.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a line on stderr, unless `--quiet` is set.
    pub(crate) fn info(&self, line: impl fmt::Display) {
        if self.log.is_some() {
            tracing::info!("{line}");
        } else if !self.quiet {
            to_stderr(line);
        }
    }

    /// Prints a line on stderr, with `--quiet` too.
    pub(crate) fn always(&self, line: impl fmt::Display) {
        if self.log.is_some() {
            tracing::warn!("{line}");
        } else {
            to_stderr(line);
        }
    }

    /// Prints a warning on stderr, with `--quiet` too.
    pub(crate) fn warn(&self, warning: impl fmt::Display) {
        if self.log.is_some() {
            tracing::warn!("{warning}");
        } else {
            to_stderr(format_args!("warning: {warning}"));
        }
    }

    /// Prints what failed and what to do, then what the exit code means. After a signal only the latter.
    pub(crate) fn failure(&self, failure: &Failure) {
        if !failure.is_interrupt() {
            if self.is_json_log() {
                tracing::error!("{}", failure.plain());
            } else {
                to_stderr(failure);
            }
            if self.step.is_action() {
                self.annotate(&[broken(&failure.plain())]);
            }
        }
        self.conclude(failure.conclusion);
    }

    /// The files of the GitHub Actions step.
    pub(crate) fn step(&self) -> &StepFiles {
        &self.step
    }

    /// Sets an output of the action. Does nothing outside of the action.
    pub(crate) fn output(&self, output: StepOutput, value: impl fmt::Display) {
        if let Err(error) = self.step.output(output, &value.to_string()) {
            let name = output.name();
            self.lose(|| {
                Failure::infrastructure(anyhow::anyhow!(
                    "the output {name} could not be set: {error}"
                ))
                .help("is the disk full?")
            });
        }
    }

    /// Adds annotations to GitHub's pages. The lines are workflow commands for the runner, which reads stderr.
    pub(crate) fn annotate(&self, annotations: &[Annotation]) {
        let lines: String = annotations
            .iter()
            .map(|annotation| annotation_line(annotation) + "\n")
            .collect();
        let _ = io::stderr().lock().write_all(lines.as_bytes());
    }

    /// Says where a plan can be watched; on GitHub's page of the run too, where the log is hard to read while it runs.
    pub(crate) fn plan_page(&self, plan: PlanId, url: &str) {
        let line = format!("plan {plan}: {url}");
        if self.step().is_action() {
            let title = "Live page of the plan";
            self.annotate(&[Annotation::without_file(
                AnnotationLevel::Notice,
                title,
                line,
            )]);
        } else {
            self.info(line);
        }
    }

    /// Prints what a listing left out.
    pub(crate) fn listed(&self, template: &ListedTemplate) {
        if let Some(summary) = template.summary() {
            self.info(summary);
        }
        for line in template.warnings() {
            self.always(line);
        }
    }

    /// Prints the end of a report, unless it passed and `--quiet` is set.
    pub(crate) fn report(&self, report: &PlanReport) {
        if report.conclusion() != Conclusion::Passed || !self.quiet {
            to_stderr(final_block(report, self.paint).trim_end());
        }
    }

    /// Prints the last line: the conclusion.
    pub(crate) fn conclude(&self, conclusion: Conclusion) {
        if self.is_json_log() {
            tracing::info!("{}", conclusion_line(conclusion, Paint::Plain));
        } else if conclusion != Conclusion::Passed || !self.quiet {
            to_stderr(conclusion_line(conclusion, self.paint));
        }
    }

    /// Whether every line on stderr must be JSON.
    fn is_json_log(&self) -> bool {
        self.log == Some(LogFormat::Json)
    }

    /// Prints the last line of the workers of one process. `idle`: they ran no test.
    pub(crate) fn conclude_work(&self, conclusion: Conclusion, done: WorkDone) {
        if conclusion != Conclusion::Passed || !self.quiet {
            to_stderr(worker_conclusion_line(conclusion, done, self.paint));
        }
    }

    /// Prints data, as text or as one JSON document.
    pub(crate) fn data(
        &self,
        format: OutputFormat,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> serde_json::Value,
    ) {
        let mut out = match format {
            OutputFormat::Text => console_text(&text()),
            OutputFormat::Json => console_json(&json().to_string()),
        };
        if !out.ends_with('\n') {
            out.push('\n');
        }
        self.raw(out.as_bytes());
    }

    /// Writes bytes to stdout as they are. A closed pipe is not an error.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => self.lose(|| {
                Failure::infrastructure(anyhow::anyhow!("stdout could not be written: {error}"))
                    .help("look at where the output goes: is the disk full?")
            }),
            Ok(()) | Err(_) => {}
        }
    }

    /// Keeps the first error.
    fn lose(&self, why: impl FnOnce() -> Failure) {
        self.lost.get_or_init(why);
    }

    /// Why data could not be written, if so.
    pub(crate) fn lost(&self) -> Option<&Failure> {
        self.lost.get()
    }
}

/// The annotation of a command that failed.
pub(super) fn broken(message: &str) -> Annotation {
    Annotation::without_file(AnnotationLevel::Error, "testplan", message.to_owned())
}

/// Unlike `eprintln!`, it does not panic on a closed pipe. It removes workflow commands from the text.
pub(super) fn to_stderr(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{}", console_text(&text.to_string()));
}

/// Writes the log, one event at a time, sanitised like every other line.
struct LogLines;

impl io::Write for LogLines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        io::stderr()
            .lock()
            .write_all(console_text(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
