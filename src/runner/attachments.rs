//! Attachments that a result file names become paths below the results folder, or are left out: never what is outside.

use std::{
    ffi::OsStr,
    fs, iter,
    path::{Path, PathBuf},
};

use crate::model::CaseResult;

/// Most attachments looked at for one execution.
const MAX: usize = 10_000;

/// Looks for the attachments of an execution.
#[derive(Debug)]
pub(super) struct Attachments {
    /// The results folder, without links; `None` where there is none.
    folder: Option<PathBuf>,
    /// How many more are looked at.
    left: usize,
}

impl Attachments {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: fs::canonicalize(folder).ok(),
            left: MAX,
        }
    }

    /// Makes the attachments of a case of this result file relative to the results folder, with `/`. Leaves out, with a
    /// line in the case's output, what is no file or outside of the folder, also through a link.
    pub(super) fn settle(&mut self, case: &mut CaseResult, result_file: &Path) {
        let mut left_out = Vec::new();
        let named = std::mem::take(&mut case.attachments);
        for name in named {
            match self.find(&name, result_file) {
                Ok(path) if case.attachments.contains(&path) => {}
                Ok(path) => case.attachments.push(path),
                Err(why) => left_out.push(format!("{name} {why}")),
            }
        }
        let Some(first) = left_out.first() else {
            return;
        };
        if !case.output.is_empty() {
            case.output.push('\n');
        }
        case.output
            .extend(["testplan: an attachment is left out: ", first]);
        if left_out.len() > 1 {
            let more = format!(" (and {} more)", left_out.len() - 1);
            case.output.push_str(&more);
        }
    }

    fn find(&mut self, name: &str, result_file: &Path) -> Result<String, &'static str> {
        self.left = self.left.checked_sub(1).ok_or("is one too many")?;
        let missing = "is no file in the results folder";
        let folder = self.folder.as_ref().ok_or(missing)?;
        // Relative names begin at their result file, or else at the results folder; absolute ones replace both.
        let found = result_file
            .parent()
            .into_iter()
            .chain(iter::once(folder.as_path()))
            .find_map(|base| fs::canonicalize(base.join(name)).ok())
            .ok_or(missing)?;
        let found = if found.starts_with(folder) {
            found
        } else {
            copy_of(&found, folder).ok_or("leads out of the results folder")?
        };
        let inside = found.strip_prefix(folder).map_err(|_| missing)?;
        if !found.is_file() {
            return Err(missing);
        }
        let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
        parts
            .map(|parts| parts.join("/"))
            .filter(|path| !path.contains(char::is_control))
            .ok_or("has a name that is not text")
    }
}

/// The copy in the results folder of a file in a test case's own `attachments` folder: of the same name from there on.
fn copy_of(original: &Path, folder: &Path) -> Option<PathBuf> {
    let parts: Vec<&OsStr> = original.iter().collect();
    let own = parts.iter().rposition(|part| *part == "attachments")?;
    let copy = fs::canonicalize(folder.join(parts[own..].iter().collect::<PathBuf>())).ok()?;
    copy.starts_with(folder).then_some(copy)
}
