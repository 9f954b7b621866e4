//! The options of squishrunner, as strict as it is: global ones before the mode, the others after it.

use std::path::PathBuf;

use crate::wire;

/// What it is to do.
pub(crate) enum Mode {
    Suite(PathBuf),
    Info,
    Version,
}

/// What it was asked for.
pub(crate) struct Options {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) local: bool,
    pub(crate) mode: Mode,
    pub(crate) testcases: Vec<String>,
    pub(crate) skipped: Vec<String>,
    pub(crate) tags: Vec<String>,
    /// Generators and their targets.
    pub(crate) reports: Vec<(String, String)>,
    pub(crate) result_dir: Option<PathBuf>,
    pub(crate) exit_code_on_fail: i32,
}

impl Options {
    pub(crate) fn read(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            host: "127.0.0.1".to_owned(),
            port: wire::DEFAULT_PORT,
            local: false,
            mode: Mode::Version,
            testcases: Vec::new(),
            skipped: Vec::new(),
            tags: Vec::new(),
            reports: Vec::new(),
            result_dir: None,
            exit_code_on_fail: 0,
        };
        let mut arguments = arguments.iter().map(String::as_str);
        let mut mode = None;
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value
                    .map(str::to_owned)
                    .ok_or(format!("{argument} needs a value"))
            };
            match (mode.is_some(), argument) {
                (false, "--host") => options.host = value()?,
                (false, "--port") => options.port = number(&value()?)?,
                (false, "--debugLog") | (true, "--aut" | "--envvar") => drop(value()?),
                (false, "--version") => mode = Some(Mode::Version),
                (false, "--info") => {
                    value()?;
                    mode = Some(Mode::Info);
                }
                (false, "--testsuite") => mode = Some(Mode::Suite(value()?.into())),
                (true, "--local") => options.local = true,
                (true, "--testcase") => options.testcases.push(name(&value()?)),
                (true, "--skip-testcase") => options.skipped.push(name(&value()?)),
                (true, "--tags") => options.tags.push(value()?),
                (true, "--reportgen") => {
                    let value = value()?;
                    let (generator, target) = value.split_once(',').unwrap_or((&value, ""));
                    options
                        .reports
                        .push((generator.to_owned(), target.to_owned()));
                }
                (true, "--resultdir") => options.result_dir = Some(value()?.into()),
                (true, "--exitCodeOnFail") => options.exit_code_on_fail = number(&value()?)?,
                (true, "--random" | "--snoozeFactor") => drop(number::<u32>(&value()?)?),
                (true, "--abortOnFail") => {}
                (false, _) => return Err(format!("{argument} is no option before a mode")),
                (true, _) => return Err(format!("{argument} is no option after a mode")),
            }
        }
        options.mode = mode.ok_or("no mode: --testsuite, --info or --version")?;
        Ok(options)
    }
}

/// A test case may be given as a name or a path.
fn name(text: &str) -> String {
    let text = text.trim_end_matches(['/', '\\']);
    text.rsplit(['/', '\\']).next().unwrap_or(text).to_owned()
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
