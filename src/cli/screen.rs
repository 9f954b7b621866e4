//! The only writer of stdout and stderr: data to the one, people's lines to the other.
//!
//! A reader who left (`2>&1 | head`) ends no run: lines that nobody takes are dropped. Data that could not be written
//! for another reason is remembered, and told by the exit code. Whatever goes out here is no order to a CI that reads
//! along, except through [`Screen::raw`].

use std::{
    fmt,
    io::{self, ErrorKind, IsTerminal as _, Write as _},
    sync::OnceLock,
};

use anstream::ColorChoice as Stream;

use super::args::{ColorChoice, Format, Voice};
use crate::{
    ci::workflow::{Annotation, Level},
    config::{
        environment::Environment,
        terminal::{Colour, animated, coloured},
    },
    exit_code::Conclusion,
    failure::Failure,
    listing::listed_template::ListedTemplate,
    publication::{outputs::StepOutput, step_files::StepFiles},
    report::{
        PlanReport,
        console::{Paint, conclusion_line, final_block, worker_conclusion_line},
        sanitise::{console_json, console_text},
    },
};

/// What the user sees, and how.
#[derive(Debug)]
pub struct Screen {
    paint: Paint,
    data_paint: Paint,
    quiet: bool,
    bar: bool,
    step: StepFiles,
    lost: OnceLock<Failure>,
}

impl Screen {
    /// Decides about colour and bars by `--color`, the environment and the terminal.
    pub fn new(voice: Voice, environment: &Environment, step: StepFiles) -> Self {
        let terminal = io::stderr().is_terminal();
        let flag = match voice.color {
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
        let on_stdout = coloured(flag, environment, io::stdout().is_terminal());
        Self {
            paint: paint(colour),
            data_paint: paint(on_stdout),
            quiet: voice.quiet,
            bar: animated(environment, terminal) && !voice.quiet,
            step,
            lost: OnceLock::new(),
        }
    }

    /// Whether people's lines are coloured.
    pub(crate) fn is_coloured(&self) -> bool {
        self.paint == Paint::Colour
    }

    /// How console lines are painted.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// How data for people is painted.
    pub(crate) fn data_paint(&self) -> Paint {
        self.data_paint
    }

    /// Whether a progress bar may be drawn.
    pub(crate) fn may_draw(&self) -> bool {
        self.bar
    }

    /// Sends what the program logs to stderr: warnings, and with `--verbose` the conversation with the service.
    pub(crate) fn start_log(&self, voice: Voice) {
        let level = match (voice.quiet, voice.verbose) {
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
            // It would tell of a closed stderr on stderr, and break.
            .log_internal_errors(false)
            .try_init();
        debug_assert!(started.is_ok(), "the log is started once");
    }

    /// Whether people asked for quiet.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Prints a line on stderr, unless `--quiet` is set.
    pub(crate) fn info(&self, line: impl fmt::Display) {
        if !self.quiet {
            to_stderr(line);
        }
    }

    /// Prints a line on stderr, with `--quiet` too.
    pub(crate) fn always(&self, line: impl fmt::Display) {
        to_stderr(line);
    }

    /// Prints a warning on stderr, with `--quiet` too.
    pub(crate) fn warn(&self, warning: impl fmt::Display) {
        to_stderr(format_args!("warning: {warning}"));
    }

    /// Prints what failed and what to do, then what the exit code means. After a signal only the latter.
    pub(crate) fn failure(&self, failure: &Failure) {
        if !failure.is_interrupt() {
            to_stderr(failure);
            if self.step.is_action() {
                self.annotate(&[broken(&failure.plain())]);
            }
        }
        self.conclude(failure.conclusion);
    }

    /// The step of GitHub Actions that this is, if it is one.
    pub(crate) fn step(&self) -> &StepFiles {
        &self.step
    }

    /// Sets an output of the action; nothing happens outside of it.
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

    /// Marks something in GitHub's pages. The lines are orders to the runner, which reads along.
    pub(crate) fn annotate(&self, annotations: &[Annotation]) {
        let lines: String = annotations
            .iter()
            .map(|annotation| annotation.command() + "\n")
            .collect();
        // stdout is for data; the runner reads both.
        let _ = io::stderr().lock().write_all(lines.as_bytes());
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

    /// The last words on a plan, unless all is well and people asked for quiet.
    pub(crate) fn report(&self, report: &PlanReport) {
        if report.conclusion() != Conclusion::Passed || !self.quiet {
            to_stderr(final_block(report, self.paint).trim_end());
        }
    }

    /// The last line: the conclusion in words.
    pub(crate) fn conclude(&self, conclusion: Conclusion) {
        if conclusion != Conclusion::Passed || !self.quiet {
            to_stderr(conclusion_line(conclusion, self.paint));
        }
    }

    /// The last line of the workers of one process. `idle`: they ran no test.
    pub(crate) fn conclude_work(&self, conclusion: Conclusion, idle: bool) {
        if conclusion != Conclusion::Passed || !self.quiet {
            to_stderr(worker_conclusion_line(conclusion, idle, self.paint));
        }
    }

    /// Data, as text or as one JSON document.
    pub(crate) fn data(
        &self,
        format: Format,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> serde_json::Value,
    ) {
        let mut out = match format {
            Format::Text => console_text(&text()),
            Format::Json => console_json(&json().to_string()),
        };
        if !out.ends_with('\n') {
            out.push('\n');
        }
        self.raw(out.as_bytes());
    }

    /// Bytes to stdout as they are. A closed pipe is the reader's wish, not an error.
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

    /// The first trouble is the one to tell.
    fn lose(&self, why: impl FnOnce() -> Failure) {
        self.lost.get_or_init(why);
    }

    /// Why data did not reach its reader, if it did not.
    pub(crate) fn lost(&self) -> Option<&Failure> {
        self.lost.get()
    }
}

/// The annotation of a command that could not do its work.
pub(super) fn broken(message: &str) -> Annotation {
    Annotation {
        level: Level::Error,
        title: "testplan".to_owned(),
        message: message.to_owned(),
        file: None,
        line: None,
    }
}

/// Unlike `eprintln!`, which breaks the process when nobody reads. Nothing in the text is a command of a CI.
pub(super) fn to_stderr(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{}", console_text(&text.to_string()));
}

/// Where the log goes: whole events at a time, each cleaned as every other line is.
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
