//! Why a command could not do its work: what failed, the exit code that says so, and one thing to do.

use std::fmt;

use crate::{
    client::{ClientError, SetupError},
    config::config_problem::ConfigError,
    exit_code::Conclusion,
    signal::{Interrupted, SignalKind},
};

/// How a command ends.
pub type CommandResult = Result<Conclusion, Failure>;

/// Why a command could not run to its end.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub conclusion: Conclusion,
    /// What failed, where, and the likely cause. Printed with its chain.
    pub error: anyhow::Error,
    /// Printed instead of `error`: the mistakes with their places in a file.
    marked: Option<String>,
    /// One thing to do.
    pub help: Option<String>,
}

impl Failure {
    fn new(conclusion: Conclusion, error: impl Into<anyhow::Error>) -> Self {
        Self {
            conclusion,
            error: error.into(),
            marked: None,
            help: None,
        }
    }

    /// A mistake in a flag, an input or a file.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Conclusion::Usage, error)
    }

    /// A mistake in a flag, an input or a file, as a message.
    pub fn usage_text(message: impl fmt::Display) -> Self {
        Self::usage(anyhow::anyhow!("{message}"))
    }

    /// Something outside testplan failed: a disk, a port, a service.
    pub fn infrastructure(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Conclusion::Infrastructure, error)
    }

    /// Something outside testplan failed, as a message.
    pub fn infrastructure_text(message: impl fmt::Display) -> Self {
        Self::infrastructure(anyhow::anyhow!("{message}"))
    }

    /// There is nothing to do.
    pub fn nothing_to_run(message: impl fmt::Display) -> Self {
        Self::new(Conclusion::NothingToRun, anyhow::anyhow!("{message}"))
    }

    /// Mistakes in a file, marked as [`ConfigError`] marks them.
    pub fn marked(error: ConfigError, coloured: bool) -> Self {
        Self {
            marked: Some(error.render(coloured)),
            ..Self::usage(error)
        }
    }

    /// Adds in front of the error what it is about.
    pub fn context(self, about: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self {
            error: self.error.context(about),
            ..self
        }
    }

    /// Adds what the user can do.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }

    /// Whether a signal stopped the command: there is no error to print.
    pub fn is_interrupt(&self) -> bool {
        self.error.is::<Interrupted>()
    }

    /// The text without the marked file and without the word `error`.
    pub fn plain(&self) -> String {
        let mut said = self.error.to_string();
        let mut text = said.clone();
        for cause in self.error.chain().skip(1) {
            let cause = cause.to_string();
            // Many errors already end with the text of their cause.
            if !said.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
            said = cause;
        }
        if let Some(help) = &self.help {
            text.push_str("\nhelp: ");
            text.push_str(help);
        }
        text
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        let help = error.help();
        Self::usage(error).help(help)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let help = error.help();
        Self {
            help: (!help.is_empty()).then_some(help),
            ..Self::new(error.conclusion(), error)
        }
    }
}

impl From<Interrupted> for Failure {
    fn from(interrupted: Interrupted) -> Self {
        Self::new(conclusion_of(interrupted.0), interrupted)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.marked {
            Some(marked) => f.write_str(marked),
            None => write!(f, "error: {}", self.plain()),
        }
    }
}

/// The exit code of a command.
pub fn command_conclusion(result: &CommandResult) -> Conclusion {
    match result {
        Ok(conclusion) | Err(Failure { conclusion, .. }) => *conclusion,
    }
}

/// The exit code of a command that a signal stopped.
pub fn conclusion_of(signal: SignalKind) -> Conclusion {
    match signal {
        SignalKind::Interrupt => Conclusion::Interrupted,
        SignalKind::Terminate | SignalKind::Hangup => Conclusion::Terminated,
    }
}
