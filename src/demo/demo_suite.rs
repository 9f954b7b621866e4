//! The demo's tests: their testplan.yml, and the processes that behave as them.

use std::{fmt::Write as _, path::Path, time::Duration};

use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    fs,
};

/// The demo's project.
pub(crate) const PROJECT: &str = "demo";
/// The demo's template.
pub(crate) const TITLE: &str = "Nightly regression";
/// How many executions it has: every test on two systems.
pub(crate) const EXECUTIONS: u64 = 40;

/// How a test of the demo behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Pass(u64),
    Fail(&'static str),
    Skip(&'static str),
    Crash,
    Hang,
}

/// The suites, in the order of their reservation while no durations are known.
const SUITES: &[(&str, &[(&str, Behaviour)])] = &[
    (
        "suite_documents",
        &[
            ("tst_large_document", Behaviour::Pass(1200)),
            ("tst_open", Behaviour::Pass(120)),
            ("tst_save_as", Behaviour::Pass(160)),
            ("tst_recover_after_crash", Behaviour::Crash),
            ("tst_undo", Behaviour::Pass(90)),
            ("tst_redo", Behaviour::Pass(70)),
        ],
    ),
    (
        "suite_export",
        &[
            ("tst_pdf", Behaviour::Pass(240)),
            ("tst_png", Behaviour::Fail("expected 300 dpi, got 72")),
            ("tst_printer_dialog", Behaviour::Hang),
            ("tst_svg", Behaviour::Pass(110)),
            ("tst_csv", Behaviour::Pass(60)),
        ],
    ),
    (
        "suite_login",
        &[
            ("tst_password", Behaviour::Pass(130)),
            (
                "tst_single_sign_on",
                Behaviour::Skip("no identity provider on this machine"),
            ),
            (
                "tst_wrong_password",
                Behaviour::Fail("no message below the field 'password'"),
            ),
            ("tst_logout", Behaviour::Pass(80)),
        ],
    ),
    (
        "suite_settings",
        &[
            ("tst_language", Behaviour::Pass(100)),
            ("tst_theme", Behaviour::Pass(140)),
            ("tst_shortcuts", Behaviour::Pass(150)),
            ("tst_proxy", Behaviour::Pass(90)),
            ("tst_reset_all", Behaviour::Pass(60)),
        ],
    ),
];

/// The demo's testplan.yml. `binary` is both the test tool and this program.
pub(crate) fn plan_file(binary: &Path) -> String {
    let binary = serde_json::Value::from(binary.to_string_lossy()).to_string();
    let mut text = format!(
        "# Written by `testplan demo`; a real one names your test tool instead.\n\
         project: {PROJECT}\n\
         runner:\n  command: [{binary}, demo-test, \"{{suite}}\", \"{{testcase}}\"]\n\
         \x20 results: {{ format: junit, files: \"*.xml\" }}\n  exit-codes: {{ passed: [0], failed: [1] }}\n\
         \x20 timeout: 3s\n\
         servers:\n  - {{ host: 127.0.0.1, port: \"4322\", labels: {{ OS: Linux }} }}\n\
         \x20 - {{ host: 127.0.0.1, port: \"4323\", labels: {{ OS: Windows }} }}\n\
         templates:\n  - title: {TITLE}\n    configurations: [{{ OS: Linux }}, {{ OS: Windows }}]\n    tests:\n"
    );
    for (suite, tests) in SUITES {
        let names: Vec<&str> = tests.iter().map(|(name, _)| *name).collect();
        let _ = writeln!(
            text,
            "      - {{ suite: {suite}, testcases: [{}] }}",
            names.join(", ")
        );
    }
    text
}

/// Behaves as the named test, and writes JUnit to `results` as a test tool does.
pub(crate) async fn run(
    suite: &str,
    testcase: &str,
    results: Option<&str>,
    print: &dyn Fn(&str),
) -> CommandResult {
    let behaviour = SUITES
        .iter()
        .filter(|(name, _)| *name == suite)
        .flat_map(|(_, tests)| *tests)
        .find(|(name, _)| *name == testcase)
        .map(|(_, behaviour)| *behaviour)
        .ok_or_else(|| {
            Failure::usage_text(format_args!("the demo has no test {suite} / {testcase}"))
        })?;
    print(&format!("running {suite} / {testcase}\n"));
    let (body, conclusion) = match behaviour {
        Behaviour::Pass(span) => {
            tokio::time::sleep(Duration::from_millis(span)).await;
            (String::new(), Conclusion::Passed)
        }
        Behaviour::Fail(message) => {
            tokio::time::sleep(Duration::from_millis(90)).await;
            print(&format!("{testcase}: {message}\n"));
            let message = message.replace('\'', "&apos;");
            (
                format!("<failure message='{message}' type='verification'>{message}</failure>"),
                Conclusion::Failed,
            )
        }
        Behaviour::Skip(message) => (
            format!("<skipped message='{message}'/>"),
            Conclusion::Passed,
        ),
        Behaviour::Crash => {
            print("restoring the last session ...\n");
            std::process::abort()
        }
        Behaviour::Hang => {
            print("waiting for a printer ...\n");
            std::future::pending::<()>().await;
            (String::new(), Conclusion::Passed)
        }
    };
    if let Some(folder) = results {
        let case = format!(
            "<testcase classname='{suite}' name='{testcase}' file='{suite}/{testcase}/test.py' line='12'>"
        );
        let xml = format!("<testsuite name='{suite}'>{case}{body}</testcase></testsuite>\n");
        fs::write_atomic(&Path::new(folder).join("junit.xml"), xml.as_bytes())
            .map_err(Failure::infrastructure)?;
    }
    Ok(conclusion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_has_two_executions_per_test() {
        let tests: usize = SUITES.iter().map(|(_, tests)| tests.len()).sum();
        assert_eq!(u64::try_from(tests * 2).unwrap(), EXECUTIONS);
    }
}
