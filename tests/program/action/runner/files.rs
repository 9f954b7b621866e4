//! The files of a step, empty before it, read after it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::file_commands::{LONGEST_SUMMARY, pairs};

/// Variable and file.
const FILES: [(&str, &str); 5] = [
    ("GITHUB_ENV", "set_env"),
    ("GITHUB_OUTPUT", "set_output"),
    ("GITHUB_PATH", "add_path"),
    ("GITHUB_STATE", "save_state"),
    ("GITHUB_STEP_SUMMARY", "step_summary"),
];

/// Where they are.
pub(super) struct Files(PathBuf);

/// What was in them, the last of several entries of a name.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) env: BTreeMap<String, String>,
    pub(super) outputs: BTreeMap<String, String>,
    pub(super) path: Vec<String>,
    pub(super) state: BTreeMap<String, String>,
    pub(super) summary: String,
    /// What the runner says against them; the step fails unless it is the summary alone.
    pub(super) errors: Vec<String>,
    pub(super) failed: bool,
}

impl Files {
    pub(super) fn create(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        for (_, name) in FILES {
            fs::write(folder.join(name), "").unwrap();
        }
        Self(folder.to_owned())
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        FILES.iter().map(|(variable, name)| {
            let path = self.0.join(name);
            ((*variable).to_owned(), path.to_str().unwrap().to_owned())
        })
    }

    /// Who deletes a file has written nothing.
    pub(super) fn read(&self) -> Written {
        let mut written = Written::default();
        let text = |name: &str| {
            let bytes = fs::read(self.0.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let mut keep = |name: &str| {
            let (found, wrong) = pairs(&text(name));
            if let Some(why) = wrong {
                let error = format!("Unable to process file command '{name}' successfully. {why}");
                written.errors.push(error);
                written.failed = true;
            }
            found.into_iter().collect()
        };
        let mut env: BTreeMap<String, String> = keep("set_env");
        let outputs = keep("set_output");
        let state = keep("save_state");
        if env.remove("NODE_OPTIONS").is_some() {
            let error = "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.";
            written.errors.push(error.to_owned());
        }
        (written.env, written.outputs, written.state) = (env, outputs, state);
        let path = text("add_path");
        let lines = path.lines().filter(|line| !line.is_empty());
        written.path = lines.map(str::to_owned).collect();
        written.summary = text("step_summary");
        if written.summary.len() > LONGEST_SUMMARY {
            written.summary.clear();
            let error =
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k";
            written.errors.push(error.to_owned());
        }
        written
    }
}
