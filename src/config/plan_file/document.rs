//! The keys of `testplan.yml` and the shapes of their values. The JSON Schema is made of these types.

use schemars::{JsonSchema, Schema};
use serde::Deserialize;

use super::{
    codes::Codes,
    discover_key::Discover,
    marked::{Marked, Pairs, Plain},
    runner_key::{FreshSection, ModeKey, PresetKey, RunnerKey},
    verdict_keys::{FlakyKey, QuarantineKey},
};

/// How a test is run and, where testplan is the service too, what there is to run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "testplan.yml")]
pub(super) struct Document {
    /// The project that the templates belong to, and the default of `--project`.
    pub(super) project: Option<Marked<String>>,
    /// How every test is run.
    pub(super) runner: Option<Marked<RunnerKey<RunnerSection>>>,
    /// What there is to run, for testplan's own service.
    pub(super) templates: Option<Vec<TemplateSection>>,
    /// Squish servers that testplan's own service hands out.
    pub(super) servers: Option<Vec<Marked<ServerSection>>>,
    /// How long a plan should take, as 5m: `execute` plans as many workers as earlier durations ask for, up to
    /// `--max-workers`. The default of `--target-time`.
    #[schemars(extend("examples" = ["5m"]))]
    pub(super) target_time: Option<Marked<String>>,
    /// What a test counts as that failed and then passed: pass (the default), or fail.
    pub(super) flaky: Option<FlakyKey>,
    /// The file that lists tests whose failures are reported and do not decide the conclusion.
    pub(super) quarantine: Option<Marked<QuarantineKey>>,
}

/// How every test is run: by a command, or by squishrunner.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(transform = one_tool)]
pub(super) struct RunnerSection {
    /// The program and its arguments; no shell in between. Placeholders: {suite}, {testcase}, {results},
    /// {execution.id}, {plan.id}, {project}, {batch}, {server.host}, {server.port}, {capability.KEY}; {{ and }} stand for
    /// braces. For many tests in one call: {tests}, an argument of its own that becomes one for each test, or {tests.file},
    /// the path of a file with one test a line.
    #[schemars(length(min = 1))]
    pub(super) command: Option<Marked<Vec<Plain>>>,
    /// With {tests} or {tests.file}: what the command calls a test, as `{suite}::{testcase}`.
    #[schemars(extend("examples" = ["{suite}::{testcase}"]))]
    pub(super) test: Option<Marked<String>>,
    /// With {tests} or {tests.file}: what the result file calls a test, of {classname}, {name}, {file} and {line}; names are
    /// compared word by word by default.
    #[schemars(extend("examples" = ["{classname}.{name}"]))]
    pub(super) case: Option<Marked<String>>,
    /// With {tests}, {tests.file} or a preset: how many tests one call gets.
    pub(super) batch: Option<BatchSection>,
    /// The tool: one process per worker runs all its tests, one after the other. In place of command, results and
    /// exit-codes.
    pub(super) preset: Option<Marked<PresetKey>>,
    /// How the preset's tool is started, as [uv, run, pytest]; by its name by default.
    #[schemars(length(min = 1))]
    pub(super) program: Option<Marked<Vec<Plain>>>,
    /// Options of the preset's tool, as they stand, for each of its calls.
    pub(super) args: Option<Marked<Vec<Plain>>>,
    /// Files and folders whose tests are listed and run; by default what the tool's own settings say.
    #[schemars(length(min = 1))]
    pub(super) paths: Option<Marked<Vec<Plain>>>,
    /// How many tests of a preset share a process; auto by default.
    pub(super) mode: Option<Marked<ModeKey>>,
    /// When the process of a preset is replaced by a fresh one; never by default.
    pub(super) fresh: Option<Marked<FreshSection>>,
    /// Tests are Squish test cases, run by squishrunner. In place of command, results and exit-codes.
    pub(super) squish: Option<SquishSection>,
    /// Where the results come from; the exit code by default.
    pub(super) results: Option<Marked<ResultsSection>>,
    /// What exit codes mean; any other code says that the test could not run.
    pub(super) exit_codes: Option<Marked<ExitCodesSection>>,
    /// How long one execution may take, as 10m or 1h 30m; without limit by default.
    #[schemars(extend("examples" = ["10m", "1h 30m"]))]
    pub(super) timeout: Option<Marked<String>>,
    /// Variables added to the command's environment, with the same placeholders. Not a place for secrets.
    pub(super) environment: Option<Pairs>,
    /// Where the command starts; where testplan was started by default.
    pub(super) working_directory: Option<Marked<String>>,
}

/// How many tests one call gets.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BatchSection {
    /// How much work one call gets according to earlier runs, as 20s; `auto` (the default) follows from the work that is
    /// left and from what a start of the tool costs.
    #[schemars(extend("examples" = ["auto", "20s"]))]
    pub(super) target: Option<Marked<String>>,
    /// Most tests of one call, 1 to 1000. By default 200, and 1000 for tools that report each test while it runs.
    #[schemars(with = "MostSchema")]
    pub(super) most: Option<Plain>,
}

/// A number of tests in the schema.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes the schema; read as text")]
struct MostSchema(#[schemars(range(min = 1, max = 1000))] u16);

/// How squishrunner is started. Everything may be left out: `squish: {}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SquishSection {
    /// Where squishrunner is; below `SQUISH_PREFIX` or in `PATH` by default.
    pub(super) squishrunner: Option<Marked<String>>,
    /// Folders that the suites are in; the working directory by default.
    #[schemars(length(min = 1))]
    pub(super) suites: Option<Marked<Vec<Plain>>>,
    /// Which Squish server runs the application: `allocated`, the one that comes with each reservation (the default);
    /// `local`, one of squishrunner's own for each test; or `HOST:PORT`.
    #[schemars(extend("examples" = ["allocated", "local", "127.0.0.1:4322"]))]
    pub(super) server: Option<Marked<String>>,
    /// What squishrunner writes; xml3.4 by default.
    pub(super) report: Option<Marked<ReportKey>>,
    /// What is a case of a behaviour-driven test; each by default. Report junit leaves no choice.
    pub(super) scenarios: Option<Marked<ScenariosKey>>,
    /// Expressions over tags: which BDD scenarios are run.
    pub(super) tags: Option<Vec<Plain>>,
    /// More arguments of squishrunner, as they stand.
    pub(super) options: Option<Vec<Plain>>,
    /// How long a licence is waited for when none can be had, as 30m (the default); 0s is not at all.
    #[schemars(extend("examples" = ["30m", "0s"]))]
    pub(super) licence_patience: Option<Marked<String>>,
}

/// What squishrunner writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum ReportKey {
    /// Squish XML 3.4, with screenshots.
    #[serde(rename = "xml3.4")]
    Xml34,
    /// Squish XML 3.5, with screenshots.
    #[serde(rename = "xml3.5")]
    Xml35,
    /// JUnit, without screenshots.
    #[serde(rename = "junit")]
    Junit,
}

/// Where the results of a test come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ResultsSection {
    /// The kind of results.
    pub(super) format: Marked<ResultsKind>,
    /// With formats junit and squish: which files below {results} are read; *.xml by default for junit,
    /// **/results.xml for squish. A file of the other format is read as what it is.
    pub(super) files: Option<Marked<String>>,
    /// With format squish: what is a case of a behaviour-driven test; each by default.
    pub(super) scenarios: Option<Marked<ScenariosKey>>,
    /// With format junit: what several cases of one name are. Without it the worst of them counts.
    pub(super) repeats: Option<Marked<RepeatsKey>>,
    /// With format junit: how the tool names its cases; same by default.
    pub(super) names: Option<Marked<NamesKey>>,
}

/// How a tool names its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NamesKey {
    /// With the words that the test is called by: no other case speaks for the test.
    Same,
    /// In any way: whatever ran speaks for the test.
    Any,
}

/// What several cases of one name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RepeatsKey {
    /// Tries of one test, in order: the last counts, and a pass after other tries is flaky.
    Attempts,
    /// Tests that share a name: each counts.
    Duplicates,
}

/// The kind of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResultsKind {
    /// JUnit XML files in {results}.
    Junit,
    /// Squish's own XML reports in {results}, as squishrunner writes with --reportgen xml3.4,{results}.
    Squish,
    /// The exit code alone.
    ExitCode,
}

/// What is a case of a behaviour-driven test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScenariosKey {
    /// Each scenario, and each row of an outline.
    Each,
    /// The test case that holds them.
    Together,
}

/// What exit codes mean: each entry is a code, a range as 101-199, or `count`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ExitCodesSection {
    /// The test passed; `[0]` by default.
    pub(super) passed: Option<Marked<Codes<false>>>,
    /// The test ran and failed; `[1]` by default. `count` says that the code is the number of failures (1-255).
    pub(super) failed: Option<Marked<Codes<true>>>,
}

/// A test plan that can be started.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct TemplateSection {
    /// What it is looked up by; unique in the file.
    #[schemars(length(min = 1, max = 256))]
    pub(super) title: Marked<String>,
    /// Free text.
    pub(super) description: Option<Marked<String>>,
    /// Free words.
    pub(super) tags: Option<Vec<Plain>>,
    /// Every test runs once per entry, on a worker that offers these capabilities; once on any worker by default.
    #[schemars(length(min = 1))]
    pub(super) configurations: Option<Marked<Vec<Marked<Pairs>>>>,
    /// How the tests of this template are run, in place of the file's `runner`.
    pub(super) runner: Option<Marked<RunnerKey<RunnerSection>>>,
    /// The tests, listed or discovered. With a preset: all that its tool lists, by default.
    #[schemars(length(min = 1))]
    pub(super) tests: Option<Marked<Vec<Marked<TestsSection>>>>,
    /// What flaky tests of this template count as, in place of the file's `flaky`.
    pub(super) flaky: Option<FlakyKey>,
}

/// Tests by name, or how they are found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(transform = listed_or_discovered)]
pub(super) struct TestsSection {
    /// The suite that the test cases are in.
    pub(super) suite: Option<Plain>,
    /// Test cases of the suite.
    pub(super) testcases: Option<Marked<Vec<Plain>>>,
    /// How the tests are found: by a command that lists them; `squish`: all test cases of all suites; or `pytest`: all
    /// tests of the preset.
    pub(super) discover: Option<Discover>,
}

/// A Squish server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ServerSection {
    /// Host name or address.
    pub(super) host: Marked<String>,
    /// Port, 1 to 65535.
    #[schemars(with = "PortSchema")]
    pub(super) port: Plain,
    /// What it offers.
    pub(super) labels: Option<Pairs>,
    /// Whether it is handed out; true by default.
    pub(super) enabled: Option<bool>,
}

/// A port in the schema: a number, or the same as text.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the schema; read as text")]
enum PortSchema {
    Number(#[schemars(range(min = 1, max = 65535))] u16),
    Text(#[schemars(regex(pattern = "^[0-9]{1,5}$"))] String),
}

fn one_tool(schema: &mut Schema) {
    schema.insert(
        "oneOf".to_owned(),
        serde_json::json!([
            { "required": ["command"] },
            { "required": ["preset"], "not": { "anyOf": [{ "required": ["results"] }, { "required": ["exit-codes"] }] } },
            { "required": ["squish"], "not": { "anyOf": [{ "required": ["results"] }, { "required": ["exit-codes"] }] } },
        ]),
    );
}

fn listed_or_discovered(schema: &mut Schema) {
    schema.insert(
        "oneOf".to_owned(),
        serde_json::json!([{ "required": ["suite", "testcases"] }, { "required": ["discover"] }]),
    );
}
