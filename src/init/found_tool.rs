//! A test tool that a project seems to have.

use super::project_files::Folder;
use crate::preset::Preset;

/// What stands for squishrunner among the presets.
pub(crate) const SQUISH: &str = "squish";

/// A test tool that a project seems to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundTool {
    /// The name of its preset, or `squish`.
    pub(crate) tool: &'static str,
    /// Where it runs, relative to the project, with `/`; empty for the project itself.
    pub(crate) folder: String,
    /// How it is started, if not as the preset says.
    pub(crate) program: Vec<String>,
    /// Its options.
    pub(crate) args: Vec<String>,
    /// What is listed, if it has to be named.
    pub(crate) paths: Vec<String>,
    /// The mode, if the preferred one does not work here.
    pub(crate) mode: Option<&'static str>,
    /// What was seen of it, as `pytest.ini`.
    pub(crate) reason: String,
}

impl FoundTool {
    /// A tool that the user has named.
    pub(crate) fn named(preset: &'static Preset) -> Self {
        Self {
            tool: preset.name,
            folder: String::new(),
            program: Vec::new(),
            args: Vec::new(),
            paths: Vec::new(),
            mode: None,
            reason: "named by --preset".to_owned(),
        }
    }

    /// A tool of a folder, started as its preset says. `None` if there is no such preset.
    pub(super) fn of(
        tool: &'static str,
        folder: &Folder<'_>,
        reason: impl Into<String>,
    ) -> Option<Self> {
        let is_known = tool == SQUISH || Preset::named(tool).is_some();
        is_known.then(|| Self {
            tool,
            folder: folder.path.to_owned(),
            program: Vec::new(),
            args: Vec::new(),
            paths: Vec::new(),
            mode: None,
            reason: reason.into(),
        })
    }

    /// The same, started otherwise if there is a reason.
    pub(super) fn started_as(mut self, program: Option<Vec<String>>) -> Self {
        self.program = program.unwrap_or_default();
        self
    }
}
