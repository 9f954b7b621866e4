//! Checks this machine: the program of the runner, for Squish its licence and suites, and the folder for results.

use super::{
    finding::{Finding, not_checked, of_failure, ok, problem, warning},
    observe::{
        Observations, RunnerProgram,
        out_folder::OutFolder,
        program_search::{ProgramLocation, ProgramSearch},
        squish_tools::SquishTools,
    },
};
use crate::text::counted;

/// Fewer free bytes are warned of: the output of one execution may take a quarter of it.
const LITTLE: u64 = 256 * 1024 * 1024;

/// Checks whether the program of the runner would start.
pub(super) fn program(observations: &Observations<'_>) -> Option<Finding> {
    Some(match &observations.program {
        Some(RunnerProgram::Command(search)) => command(search),
        Some(RunnerProgram::Squish(tools)) => match &tools.program {
            Ok(program) => ok(format!(
                "squishrunner is {}, by {}",
                program.display(),
                tools.source
            )),
            Err(failure) => of_failure(failure, "install Squish on this machine"),
        },
        None => match &observations.runner {
            Some(Err(failure)) => warning(
                format!("{}, which `run` and `work` need", failure.error),
                failure.help.as_deref().unwrap_or("add a runner to it"),
            ),
            _ => not_checked("there is no testplan.yml that says how to run a test"),
        },
    })
}

fn command(search: &ProgramSearch) -> Finding {
    let (name, folder) = (&search.name, search.folder.display());
    match &search.location {
        ProgramLocation::At(file) => ok(format!("{name} is {}", file.display())),
        ProgramLocation::NotInPath { in_folder: false } => problem(
            format!("{name} is in no folder of PATH"),
            "install it, or correct `command` in testplan.yml",
        ),
        ProgramLocation::NotInPath { in_folder: true } => problem(
            format!("{name} is in no folder of PATH, but in {folder}"),
            format!("write ./{name} in `command`"),
        ),
        ProgramLocation::Missing(file) => problem(
            format!("{} does not exist", file.display()),
            "correct `command` in testplan.yml; it is relative to the folder it runs in",
        ),
        ProgramLocation::NotExecutable(file) => problem(
            format!("{} may not be executed", file.display()),
            "make it executable (chmod +x), or name its interpreter first",
        ),
        ProgramLocation::DependsOnExecution => {
            not_checked(format!("the program {name} depends on the execution"))
        }
        ProgramLocation::NoFolder => problem(
            format!("the working directory of tests, {folder}, is not a folder"),
            "create it, or correct `working-directory` in testplan.yml",
        ),
    }
}

fn squish<'a>(observations: &'a Observations<'_>) -> Option<&'a SquishTools> {
    match observations.program.as_ref()? {
        RunnerProgram::Squish(tools) => Some(tools),
        RunnerProgram::Command(_) => None,
    }
}

pub(super) fn version(observations: &Observations<'_>) -> Option<Finding> {
    Some(match &squish(observations)?.version {
        None => not_checked("there is no squishrunner to ask"),
        Some(Ok(version)) => ok(version.as_str()),
        Some(Err(why)) => warning(
            format!("`squishrunner --version` fails: {why}"),
            "run it by hand on this machine: tests would probably fail as well",
        ),
    })
}

pub(super) fn licence(observations: &Observations<'_>) -> Option<Finding> {
    let licence = &squish(observations)?.licence;
    let cure =
        "set SQUISH_LICENSEKEY_DIR to the folder of the licence, or put it into the home folder";
    Some(match (&licence.folder, &licence.files[..]) {
        (Some((folder, false)), _) => {
            let folder = folder.display();
            let text = format!("SQUISH_LICENSEKEY_DIR is {folder}, which is no folder");
            warning(text, cure)
        }
        (_, [first, ..]) => ok(format!("found {}", first.display())),
        (Some((folder, true)), []) => ok(format!("SQUISH_LICENSEKEY_DIR is {}", folder.display())),
        (None, []) => warning(
            "none was found: SQUISH_LICENSEKEY_DIR is not set, and no .squish-license is at home",
            cure,
        ),
    })
}

pub(super) fn suites(observations: &Observations<'_>) -> Option<Finding> {
    let found = match &squish(observations)?.suites {
        Ok(found) => found,
        Err(failure) => return Some(of_failure(failure, "correct the suites")),
    };
    let testcases: usize = found.suites.iter().map(|suite| suite.testcases.len()).sum();
    let text = format!(
        "{} with {}",
        counted(found.suites.len(), "suite"),
        counted(testcases, "test case")
    );
    let Some((first, rest)) = found.notes.split_first() else {
        return Some(ok(text));
    };
    let more = match rest.len() {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(warning(
        format!("{text}; left out: {first}{more}"),
        "list it in suite.conf, or remove it",
    ))
}

pub(super) fn out_folder(observations: &Observations<'_>) -> Option<Finding> {
    observations.out.as_ref().map(writable)
}

fn writable(folder: &OutFolder) -> Finding {
    let path = folder.path.display();
    if let Err(error) = &folder.writable {
        let text = format!("nothing can be written to {path}: {error}");
        let cure = "name another folder with --out, or make it writable";
        return problem(text, cure);
    }
    let is_there = if folder.exists {
        "is"
    } else {
        "can be made and is"
    };
    let Some(free) = folder.free else {
        return ok(format!("{path} {is_there} writable"));
    };
    let text = format!("{path} {is_there} writable, with {} free", size(free));
    if free < LITTLE {
        let cure = "free some space, or name a folder on a larger disk with --out";
        return warning(text, cure);
    }
    ok(text)
}

fn size(bytes: u64) -> String {
    let mebibytes = bytes / (1024 * 1024);
    match mebibytes {
        0..10_240 => format!("{mebibytes} MiB"),
        _ => format!("{} GiB", mebibytes / 1024),
    }
}

#[cfg(test)]
mod tests {
    use std::{io, path::PathBuf};

    use super::{super::finding::FindingSeverity, *};

    #[test]
    fn little_free_space_is_a_warning() {
        let observed = |writable, free| OutFolder {
            path: PathBuf::from("out"),
            exists: false,
            writable,
            free,
        };
        let refused = || Err(io::Error::from(io::ErrorKind::PermissionDenied));
        let table = [
            (
                observed(Ok(()), None),
                "ok",
                "out can be made and is writable",
            ),
            (observed(Ok(()), Some(LITTLE)), "ok", "with 256 MiB free"),
            (
                observed(Ok(()), Some(LITTLE - 1)),
                "warning",
                "with 255 MiB free",
            ),
            (observed(Ok(()), Some(40 << 30)), "ok", "with 40 GiB free"),
            (
                observed(refused(), Some(1 << 40)),
                "problem",
                "permission denied",
            ),
        ];
        for (observed, severity, says) in table {
            let finding = writable(&observed);
            assert_eq!(finding.severity.word(), severity, "{finding:?}");
            let is_ok = finding.severity == FindingSeverity::Ok;
            assert_eq!(finding.cure.is_none(), is_ok, "{finding:?}");
            assert!(finding.text.contains(says), "{finding:?}");
        }
    }
}
