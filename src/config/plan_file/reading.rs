//! A file of the user's as text, bounded, with errors that name it.

use std::{fs::File, io::Read as _, path::Path};

use super::LARGEST;
use crate::config::config_problem::{ConfigError, ConfigProblem};

/// The text of a `testplan.yml` of at most [`LARGEST`] bytes.
pub(super) fn text(path: &Path) -> Result<String, ConfigError> {
    text_named_by(path, "with --config")
}

/// The text of a file; `place` is where its name stands, as `with --config`.
pub(super) fn text_named_by(path: &Path, place: &str) -> Result<String, ConfigError> {
    let fail = |problem| Err(ConfigError::whole(path.display().to_string(), problem));
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(cause) = read {
        let problem = ConfigProblem::new("", format!("cannot be read: {cause}"));
        return fail(if cause.kind() == std::io::ErrorKind::NotFound {
            problem.help(format!("name another file {place}"))
        } else {
            problem.help(format!("name a file {place} that you may read"))
        });
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return fail(too_large());
    }
    let utf16 = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
    String::from_utf8(bytes).or_else(|cause| {
        let at = cause.utf8_error().valid_up_to();
        let problem = ConfigProblem::new("", format!("is not UTF-8 text (byte {})", at + 1));
        fail(if utf16 {
            problem.help("it looks like UTF-16: save it as UTF-8")
        } else {
            problem.help("save it as UTF-8")
        })
    })
}

pub(super) fn too_large() -> ConfigProblem {
    ConfigProblem::new(
        "",
        format!("is larger than {} MiB", LARGEST / (1024 * 1024)),
    )
    .help("list tests with `discover` instead of by name")
}
