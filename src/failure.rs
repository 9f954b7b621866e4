//! A command that could not do its work: what failed, the exit code that says so, and one thing to do.

use std::fmt;

use crate::{
    client::{ClientError, SetupError},
    config::problem::ConfigError,
    exit_code::Conclusion,
    signal::SignalKind,
};

/// How a command ends that ran to its end.
pub type Ended = Result<Conclusion, Failure>;

/// Why a command could not run to its end.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub conclusion: Conclusion,
    /// What failed, where, and why likely; the chain is printed.
    pub error: anyhow::Error,
    /// The same drawn with the place in a file; printed in its stead.
    marked: Option<String>,
    /// One thing to do.
    pub help: Option<String>,
}

impl Failure {
    /// A mistake in a flag, an input or a file.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self {
            conclusion: Conclusion::Usage,
            error: error.into(),
            marked: None,
            help: None,
        }
    }

    /// The same, from a message.
    pub fn usage_text(message: impl fmt::Display) -> Self {
        Self::usage(anyhow::anyhow!("{message}"))
    }

    /// Something outside failed: a disk, a port, a service.
    pub fn infrastructure(error: impl Into<anyhow::Error>) -> Self {
        Self {
            conclusion: Conclusion::Infrastructure,
            error: error.into(),
            marked: None,
            help: None,
        }
    }

    /// The same, from a message.
    pub fn infrastructure_text(message: impl fmt::Display) -> Self {
        Self::infrastructure(anyhow::anyhow!("{message}"))
    }

    /// There is nothing to do.
    pub fn nothing_to_run(message: impl fmt::Display) -> Self {
        Self {
            conclusion: Conclusion::NothingToRun,
            error: anyhow::anyhow!("{message}"),
            marked: None,
            help: None,
        }
    }

    /// Mistakes in a file, marked as [`ConfigError`] marks them.
    pub fn marked(error: ConfigError, coloured: bool) -> Self {
        Self {
            conclusion: Conclusion::Usage,
            marked: Some(error.render(coloured)),
            error: error.into(),
            help: None,
        }
    }

    /// Says before the error what it is about.
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

    /// The same without a drawing and without the word error, for places that have their own.
    pub fn plain(&self) -> String {
        let mut said = self.error.to_string();
        let mut text = said.clone();
        for cause in self.error.chain().skip(1) {
            let cause = cause.to_string();
            // Many errors already end with their cause's words.
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
            conclusion: error.conclusion(),
            error: error.into(),
            marked: None,
            help: (!help.is_empty()).then_some(help),
        }
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

/// What a signal makes of a command.
pub fn cancelled(kind: SignalKind) -> Conclusion {
    match kind {
        SignalKind::Interrupt => Conclusion::Interrupted,
        SignalKind::Terminate => Conclusion::Terminated,
    }
}
