//! The file that makes a CI system run the tests: one job on one machine, with the report kept.

use std::fmt::Write as _;

/// A CI system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CiFile {
    Github,
    Gitlab,
    Jenkins,
    Azure,
}

impl CiFile {
    /// What the systems are called on the command line.
    pub(crate) const NAMES: [&str; 4] = ["github", "gitlab", "jenkins", "azure"];

    /// The system of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [Self::Github, Self::Gitlab, Self::Jenkins, Self::Azure];
        let at = Self::NAMES.iter().position(|it| *it == name)?;
        all.get(at).copied()
    }

    /// Where the system reads it, relative to the project.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Github => ".github/workflows/testplan.yml",
            Self::Gitlab => ".gitlab-ci.yml",
            Self::Jenkins => "Jenkinsfile",
            Self::Azure => "azure-pipelines.yml",
        }
    }

    /// Its text. `setup` are commands before the tests; `titles` the templates, empty if there is only one.
    pub(crate) fn text(self, setup: &[String], titles: &[String]) -> String {
        match self {
            Self::Github => github(setup, titles),
            Self::Gitlab => gitlab(&commands(setup, titles)),
            Self::Jenkins => jenkins(&commands(setup, titles)),
            Self::Azure => azure(&commands(setup, titles)),
        }
    }
}

/// Commands of a shell: one run for each template, all of them, then the worst exit code.
fn commands(setup: &[String], titles: &[String]) -> Vec<String> {
    let mut lines = vec!["set -e".to_owned()];
    lines.extend_from_slice(setup);
    if titles.is_empty() {
        lines.push("testplan run --junit strict".to_owned());
        return lines;
    }
    lines.push("code=0".to_owned());
    for title in titles {
        let title = title.replace('\'', "'\\''");
        lines.push(format!(
            "testplan run --template '{title}' --out 'testplan-out/{title}' --junit strict || code=$?"
        ));
    }
    lines.push("exit $code".to_owned());
    lines
}

fn github(setup: &[String], titles: &[String]) -> String {
    let mut text = "\
# Written by `testplan init`. Replace OWNER with where the action is.
name: Tests

on:
  push:
    branches: [main]
  pull_request:

permissions: {}

concurrency:
  group: tests-${{ github.ref }}
  cancel-in-progress: true

jobs:
  tests:
    name: tests
    runs-on: ubuntu-latest
    timeout-minutes: 60
"
    .to_owned();
    if !titles.is_empty() {
        text.push_str("    strategy:\n      fail-fast: false\n      matrix:\n        template:\n");
        for title in titles {
            let _ = writeln!(
                text,
                "          - {}",
                serde_json::Value::from(title.as_str())
            );
        }
    }
    text.push_str(
        "    permissions:
      contents: read # the checkout
      statuses: write # the commit status; without it the step warns and continues
    steps:
      - name: Check out
        uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
",
    );
    if !setup.is_empty() {
        text.push_str("      - name: Set up\n        run: |\n");
        for line in setup {
            let _ = writeln!(text, "          {line}");
        }
    }
    text.push_str(
        "      - name: Run the tests of testplan.yml
        id: testplan
        uses: OWNER/testplan@v0
        with:
          deadline: 50m # less than timeout-minutes, so that a hanging test still leaves a report
",
    );
    let artifact = if titles.is_empty() {
        "testplan"
    } else {
        text.push_str(
            "          template: ${{ matrix.template }}\n          job-matrix: ${{ toJSON(matrix) }}\n",
        );
        "testplan ${{ strategy.job-index }}"
    };
    let _ = write!(
        text,
        "      - name: Keep the report
        if: ${{{{ !cancelled() && steps.testplan.outputs.junit-path != '' }}}}
        uses: actions/upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1
        with:
          name: {artifact}
          path: |
            ${{{{ steps.testplan.outputs.junit-path }}}}
            ${{{{ steps.testplan.outputs.report-path }}}}
"
    );
    text
}

const NOTE: &str = "Written by `testplan init`. The image or agent needs testplan on its PATH.";

fn gitlab(commands: &[String]) -> String {
    let mut text = format!("# {NOTE}\ntests:\n  script:\n");
    text.push_str("    - |\n");
    for line in commands {
        let _ = writeln!(text, "      {line}");
    }
    text.push_str(
        "  artifacts:
    when: always
    paths: [testplan-out/]
    reports: { junit: \"testplan-out/**/junit.xml\" }
",
    );
    text
}

fn jenkins(commands: &[String]) -> String {
    let mut text = format!(
        "// {NOTE}\npipeline {{\n    agent any\n    options {{ timeout(time: 1, unit: 'HOURS') }}\n"
    );
    text.push_str(
        "    stages {\n        stage('Tests') {\n            steps {\n                sh '''\n",
    );
    for line in commands {
        let line = line.replace('\\', "\\\\").replace("'''", "\\'\\'\\'");
        let _ = writeln!(text, "                    {line}");
    }
    text.push_str(
        "                '''
            }
        }
    }
    post {
        always {
            junit testResults: 'testplan-out/**/junit.xml', allowEmptyResults: true
            archiveArtifacts artifacts: 'testplan-out/**', allowEmptyArchive: true
        }
    }
}
",
    );
    text
}

fn azure(commands: &[String]) -> String {
    let mut text = format!(
        "# {NOTE}\ntrigger: [main]\npool: {{ vmImage: ubuntu-24.04 }}\n\nsteps:\n  - bash: |\n"
    );
    for line in commands {
        let _ = writeln!(text, "      {line}");
    }
    text.push_str(
        "    displayName: Run the tests of testplan.yml
  - task: PublishTestResults@2
    displayName: Show the results
    condition: not(canceled())
    inputs:
      testResultsFormat: JUnit
      testResultsFiles: testplan-out/**/junit.xml
  - publish: testplan-out
    artifact: testplan
    displayName: Keep the report
    condition: not(canceled())
",
    );
    text
}
