//! Suites on disk: folders `suite_*` with a `suite.conf` and test cases `tst_*`.
//!
//! The suites become a plan, so nothing is left out silently: what `suite.conf` lists must exist, and a note names what it
//! does not list. Only folders directly below those named are read; links may not lead out of them.

mod suite_conf;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use self::suite_conf::SuiteConf;
use crate::model::Test;

/// Name of the file that makes a folder a suite.
const CONF: &str = "suite.conf";
/// Largest `suite.conf`, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// Most entries of one folder that are looked at.
const MOST_ENTRIES: usize = 10_000;
/// Most test cases of all suites together.
const MOST_TESTS: usize = 100_000;
/// Extensions of the script languages, with what `LANGUAGE` calls them.
const LANGUAGES: [(&str, &str); 5] = [
    ("python", "py"),
    ("javascript", "js"),
    ("ruby", "rb"),
    ("perl", "pl"),
    ("tcl", "tcl"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    pub name: String,
    pub folder: PathBuf,
    /// Its test cases, in the order of `suite.conf`.
    pub testcases: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundSuites {
    /// In the order of the folders named, by name in each. At least one test case among them.
    pub suites: Vec<Suite>,
    /// Test cases that were left out, and why.
    pub notes: Vec<String>,
}

impl FoundSuites {
    /// The tests, in order.
    pub(crate) fn tests(&self) -> Vec<Test> {
        let tests = self.suites.iter().flat_map(|suite| {
            suite.testcases.iter().map(|testcase| Test {
                suite: suite.name.clone(),
                testcase: testcase.clone(),
            })
        });
        tests.collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct SuiteError(String);

/// Reads all suites in `folders`, which are relative to `base`. A folder may be a suite itself.
pub(crate) fn discover(base: &Path, folders: &[PathBuf]) -> Result<FoundSuites, SuiteError> {
    let mut found = FoundSuites::default();
    let mut places: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut tests = 0;
    for folder in folders {
        let folder = base.join(folder);
        for path in suites_in(&folder, &mut found.notes)? {
            let name = file_name(&path).unwrap_or_default();
            if places.get(&name).is_some_and(|other| is_same(other, &path)) {
                continue;
            }
            let suite = read(&folder, &path, &mut found.notes)?;
            if let Some(other) = places.insert(name, path.clone()) {
                return Err(SuiteError(format!(
                    "{} is in two folders, {} and {}: a plan tells suites apart by name alone, so rename one",
                    suite.name,
                    other.display(),
                    path.display()
                )));
            }
            tests += suite.testcases.len();
            if tests > MOST_TESTS {
                return Err(SuiteError(format!(
                    "the suites have more than {MOST_TESTS} test cases"
                )));
            }
            found.suites.push(suite);
        }
    }
    if tests > 0 {
        return Ok(found);
    }
    let looked: Vec<String> = folders
        .iter()
        .map(|folder| base.join(folder).display().to_string())
        .collect();
    let mut message = format!("no Squish test case was found in {}", looked.join(" or "));
    for note in &found.notes {
        message = format!("{message}; {note}");
    }
    let deeper = folders.iter().find_map(|folder| deeper(base, folder));
    if let Some(deeper) = deeper {
        message = format!(
            "{message}; suites are looked for directly in the folders named, and {0} has some: name {0}",
            deeper.display()
        );
    }
    Err(SuiteError(message))
}

/// The folder of a test's suite, which has its test case, in `folders` relative to `base`; or why it cannot be run.
pub(crate) fn locate(base: &Path, folders: &[PathBuf], test: &Test) -> Result<PathBuf, SuiteError> {
    let mut places: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let folder = base.join(folder);
        let is_itself = file_name(&folder).is_some_and(|name| name == test.suite);
        let below = folder.join(&test.suite);
        let place = if is_itself && folder.join(CONF).is_file() {
            folder
        } else if below.is_dir() {
            inside(&folder, &below)?;
            below
        } else {
            continue;
        };
        if !places.iter().any(|other| is_same(other, &place)) {
            places.push(place);
        }
    }
    let suite = match &places[..] {
        [suite] => suite,
        [first, second, ..] => {
            return Err(SuiteError(format!(
                "the suite {:?} is in two folders, {} and {}: name only one of them in runner.squish.suites",
                test.suite,
                first.display(),
                second.display()
            )));
        }
        [] => return Err(no_suite(base, folders, &test.suite)),
    };
    if !suite.join(CONF).is_file() {
        return Err(SuiteError(format!(
            "{} is no Squish suite: it has no {CONF}",
            suite.display()
        )));
    }
    if leads_out(&test.testcase) {
        return Err(SuiteError(format!(
            "the test case {:?} leads out of its suite: it must be a folder in {}",
            test.testcase,
            suite.display()
        )));
    }
    let case = suite.join(&test.testcase);
    if !case.is_dir() {
        let near = near(&test.testcase, names_in(suite, "tst_"));
        return Err(SuiteError(format!(
            "{} has no test case {:?}{}",
            suite.display(),
            test.testcase,
            did_you_mean(near)
        )));
    }
    inside(suite, &case)?;
    Ok(suite.clone())
}

fn no_suite(base: &Path, folders: &[PathBuf], suite: &str) -> SuiteError {
    let looked: Vec<String> = folders
        .iter()
        .map(|folder| base.join(folder).display().to_string())
        .collect();
    let names = folders
        .iter()
        .flat_map(|folder| names_in(&base.join(folder), "suite_"));
    SuiteError(format!(
        "there is no suite {suite:?} in {}{}: the checkout lacks it, or runner.squish.suites does not name its folder",
        looked.join(" or "),
        did_you_mean(near(suite, names))
    ))
}

fn did_you_mean(near: Option<String>) -> String {
    near.map_or_else(String::new, |near| format!(" (did you mean {near:?}?)"))
}

fn near(wanted: &str, names: impl IntoIterator<Item = String>) -> Option<String> {
    let likeness = |name: String| (strsim::jaro_winkler(&name, wanted), name);
    let near = names.into_iter().map(likeness).filter(|it| it.0 > 0.85);
    near.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// The suites in a folder, by name; it may be one itself.
fn suites_in(folder: &Path, notes: &mut Vec<String>) -> Result<Vec<PathBuf>, SuiteError> {
    if folder.join(CONF).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut suites = Vec::new();
    for (name, path) in entries(folder)? {
        if !name.starts_with("suite_") || path.is_file() {
            continue;
        }
        inside(folder, &path)?;
        if path.join(CONF).is_file() {
            suites.push(path);
        } else {
            notes.push(format!("{} has no {CONF} and is left out", path.display()));
        }
    }
    Ok(suites)
}

fn read(folder: &Path, path: &Path, notes: &mut Vec<String>) -> Result<Suite, SuiteError> {
    let file = path.join(CONF);
    let wrong = |why: String| SuiteError(format!("{} {why}", file.display()));
    let bytes = bounded(&file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let conf = suite_conf::parse(&bytes).map_err(wrong)?;
    for testcase in &conf.testcases {
        check(path, testcase, &conf).map_err(wrong)?;
        inside(folder, &path.join(testcase))?;
    }
    if conf.testcases.is_empty() {
        notes.push(format!(
            "{} lists no TEST_CASES, so nothing of it is run",
            file.display()
        ));
    }
    let unlisted: Vec<String> = names_in(path, "tst_")
        .into_iter()
        .filter(|name| !conf.testcases.contains(name))
        .collect();
    if !unlisted.is_empty() {
        notes.push(format!(
            "{} does not list {} in TEST_CASES, so {} left out",
            file.display(),
            unlisted.join(", "),
            if unlisted.len() == 1 {
                "it is"
            } else {
                "they are"
            }
        ));
    }
    Ok(Suite {
        name: name_of(path).map_err(wrong)?,
        folder: path.to_owned(),
        testcases: conf.testcases,
    })
}

/// Checks that a listed test case exists and has a script.
fn check(suite: &Path, testcase: &str, conf: &SuiteConf) -> Result<(), String> {
    if leads_out(testcase) || testcase.starts_with('-') {
        return Err(format!(
            "lists {testcase:?}, which is no name of a test case"
        ));
    }
    let case = suite.join(testcase);
    if !case.is_dir() {
        return Err(format!(
            "lists {testcase:?}, but there is no such folder{}: take it out of TEST_CASES, or restore it",
            did_you_mean(near(testcase, names_in(suite, "tst_")))
        ));
    }
    let own = LANGUAGES
        .iter()
        .find(|(name, _)| conf.language.eq_ignore_ascii_case(name));
    let scripts: Vec<String> = match own {
        Some((_, extension)) => vec![format!("test.{extension}")],
        None => LANGUAGES
            .iter()
            .map(|(_, it)| format!("test.{it}"))
            .collect(),
    };
    let is_there = |name: &str| case.join(name).is_file();
    if scripts.iter().any(|script| is_there(script)) || is_there("test.feature") {
        return Ok(());
    }
    Err(format!(
        "lists {testcase:?}, but that folder has no {}",
        scripts.join(" or ")
    ))
}

/// Whether a name, used as a path, would leave the folder it is meant in.
fn leads_out(name: &str) -> bool {
    name.split(['/', '\\']).any(|part| part == "..")
        || name.starts_with(['/', '\\'])
        || name.contains(':')
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Checks that a path, its links followed, is below a folder.
fn inside(folder: &Path, path: &Path) -> Result<(), SuiteError> {
    let real = |path: &Path| {
        fs::canonicalize(path)
            .map_err(|error| SuiteError(format!("{} cannot be read: {error}", path.display())))
    };
    let (folder, real) = (real(folder)?, real(path)?);
    if real.starts_with(&folder) {
        return Ok(());
    }
    Err(SuiteError(format!(
        "{} is a link to {}, which is outside of {}: name the folder it is in",
        path.display(),
        real.display(),
        folder.display()
    )))
}

/// Names and paths in a folder, by name. Names that are not Unicode cannot be in a plan and are left out.
fn entries(folder: &Path) -> Result<BTreeMap<String, PathBuf>, SuiteError> {
    let failed = |error: io::Error| {
        SuiteError(format!(
            "the folder {} cannot be read: {error}",
            folder.display()
        ))
    };
    let mut found = BTreeMap::new();
    for (index, entry) in fs::read_dir(folder).map_err(failed)?.enumerate() {
        if index == MOST_ENTRIES {
            return Err(SuiteError(format!(
                "the folder {} holds more than {MOST_ENTRIES} files and folders",
                folder.display()
            )));
        }
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string() {
            found.insert(name, entry.path());
        }
    }
    Ok(found)
}

/// Names of folders that begin so; none if it cannot be read.
fn names_in(folder: &Path, begin: &str) -> Vec<String> {
    let entries = entries(folder).unwrap_or_default().into_iter();
    entries
        .filter(|(name, path)| name.starts_with(begin) && path.is_dir())
        .map(|(name, _)| name)
        .collect()
}

/// A folder, one level down, that has suites; as it would be named.
fn deeper(base: &Path, folder: &Path) -> Option<PathBuf> {
    let entries = entries(&base.join(folder)).ok()?;
    let mut names = entries.into_iter().filter(|(_, path)| path.is_dir());
    let (name, _) = names.find(|(_, path)| {
        let suites = names_in(path, "suite_");
        suites
            .iter()
            .any(|name| path.join(name).join(CONF).is_file())
    })?;
    Some(if folder == Path::new(".") {
        name.into()
    } else {
        folder.join(name)
    })
}

fn name_of(path: &Path) -> Result<String, String> {
    file_name(path).ok_or_else(|| "is in a folder without a usable name".to_owned())
}

/// The last part of a path, also where it ends in `.`.
fn file_name(path: &Path) -> Option<String> {
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    match path.components().next_back()? {
        std::path::Component::Normal(_) => name(path),
        _ => name(&fs::canonicalize(path).ok()?),
    }
}

fn bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!(
            "it is larger than {LARGEST} bytes"
        )));
    }
    Ok(bytes)
}
