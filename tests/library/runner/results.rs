//! Which files are results.

use std::{fs, path::Path};

use testplan::{
    model::CaseResult,
    runner::{
        results::{CollectError, Results, check_pattern, collect, gather},
        runner_settings::{NameMatching, Repeats, ResultsFormat, Scenarios},
    },
};

fn put(dir: &Path, name: &str, content: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn names(dir: &Path, pattern: &str) -> Vec<String> {
    let found = collect(dir, pattern).unwrap();
    found
        .iter()
        .map(|path| {
            path.strip_prefix(dir)
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/")
        })
        .collect()
}

fn junit(files: &str) -> ResultsFormat {
    ResultsFormat::JUnit {
        files: files.into(),
        repeats: Repeats::default(),
        names: NameMatching::default(),
    }
}

#[test]
fn finds_by_pattern_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["b.xml", "a.xml", "a.txt", "deep/c.xml", "deep/er/d.xml"] {
        put(dir.path(), name, "");
    }
    assert_eq!(names(dir.path(), "*.xml"), ["a.xml", "b.xml"]);
    assert_eq!(names(dir.path(), "./*.xml"), ["a.xml", "b.xml"]);
    assert_eq!(
        names(dir.path(), "**/*.xml"),
        ["a.xml", "b.xml", "deep/c.xml", "deep/er/d.xml"]
    );
    assert_eq!(names(dir.path(), "deep/*.xml"), ["deep/c.xml"]);
}

#[cfg(unix)]
#[test]
fn follows_no_links() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "secret.xml", "<testsuite/>");
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(
        outside.path().join("secret.xml"),
        dir.path().join("link.xml"),
    )
    .unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
    assert_eq!(names(dir.path(), "**/*.xml"), [""; 0]);
}

#[test]
fn a_bad_pattern_and_a_missing_folder_are_errors() {
    let error = check_pattern("[a").unwrap_err();
    assert!(
        error.to_string().contains("\"[a\" is not a pattern"),
        "{error}"
    );
    assert!(check_pattern("**/*.xml").is_ok());
    let error = collect(Path::new("/nonexistent"), "*").unwrap_err();
    assert!(matches!(error, CollectError::Folder { .. }), "{error}");
}

#[test]
fn reads_all_files_and_says_which_it_cannot() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        gather(&ResultsFormat::ExitCode, dir.path()).results,
        Results::NotAsked
    );
    let Results::Missing(message) = gather(&junit("*.xml"), dir.path()).results else {
        panic!()
    };
    assert_eq!(
        message,
        format!("no result file matched *.xml in {}", dir.path().display())
    );

    put(dir.path(), "a.xml", "<testcase name='a'/>");
    put(dir.path(), "b.xml", "<testcase name='b'/>");
    let Results::Read(cases) = gather(&junit("*.xml"), dir.path()).results else {
        panic!()
    };
    assert_eq!(
        cases
            .iter()
            .map(|case| case.name.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );

    put(dir.path(), "c.xml", "<testsuite>\n");
    put(dir.path(), "d.xml", "");
    let Results::Unreadable { message, cases } = gather(&junit("*.xml"), dir.path()).results else {
        panic!()
    };
    assert!(
        message.contains("c.xml: line 2: the file ends inside a suite"),
        "{message}"
    );
    assert!(message.ends_with("(and 1 more)"), "{message}");
    assert_eq!(cases.len(), 2);
}

#[test]
fn more_cases_than_a_record_takes_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let suite = format!(
        "<testsuite>{}</testsuite>",
        "<testcase name='t'/>".repeat(6_000)
    );
    for file in ["a.xml", "b.xml", "c.xml"] {
        put(dir.path(), file, &suite);
    }
    let found = gather(&junit("*.xml"), dir.path());
    let Results::Read(cases) = found.results else {
        panic!()
    };
    assert_eq!((cases.len(), found.not_kept.passed), (10_000, 8_000));
}

fn squish(scenarios: Scenarios) -> ResultsFormat {
    ResultsFormat::Squish {
        files: "**/results.xml".into(),
        scenarios,
    }
}

fn read(format: &ResultsFormat, dir: &Path) -> Vec<CaseResult> {
    match gather(format, dir).results {
        Results::Read(cases) => cases,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_result_file_is_read_by_its_content() {
    let bdd = include_str!("../../fixtures/squish/bdd.xml");
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "deep/results.xml", bdd);
    put(dir.path(), "results.xml", "<testcase name='j'/>");
    let count = |format: &ResultsFormat| read(format, dir.path()).len();
    assert_eq!(count(&squish(Scenarios::Each)), 6);
    assert_eq!(count(&squish(Scenarios::Together)), 2);
    assert_eq!(count(&junit("**/*.xml")), 6);
}

#[test]
fn a_squish_report_that_is_missing_or_breaks_off_is_no_result() {
    let dir = tempfile::tempdir().unwrap();
    let format = squish(Scenarios::Each);
    assert!(matches!(
        gather(&format, dir.path()).results,
        Results::Missing(_)
    ));
    put(
        dir.path(),
        "results.xml",
        include_str!("../../fixtures/squish/truncated.xml"),
    );
    let Results::Unreadable { message, .. } = gather(&format, dir.path()).results else {
        panic!()
    };
    assert!(message.contains("the file ends inside"), "{message}");
}

/// The attachments and the output of the only case of a report that names these.
fn settled(dir: &Path, names: &[&str]) -> (Vec<String>, String) {
    let messages: Vec<String> = names
        .iter()
        .map(|name| format!("<message type='ATTACHMENT'><attachment>{name}</attachment></message>"))
        .collect();
    put(
        dir,
        "run/results.xml",
        &format!(
            "<SquishReport version='3.4'><test type='testcase'>{}<epilog/></test></SquishReport>",
            messages.concat()
        ),
    );
    let case = read(&squish(Scenarios::Each), dir).remove(0);
    (case.attachments, case.output)
}

#[test]
fn attachments_are_below_the_results_folder() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("results");
    for name in ["run/beside.png", "top.log", "run/sub/deep er.png"] {
        put(&dir, name, "");
    }
    let absolute = dir.join("run/sub/../sub/deep er.png");
    let (attachments, output) = settled(
        &dir,
        &[
            "beside.png",
            "top.log",
            absolute.to_str().unwrap(),
            "./beside.png",
        ],
    );
    assert_eq!(
        attachments,
        ["run/beside.png", "top.log", "run/sub/deep er.png"]
    );
    assert!(!output.contains("left out"), "{output}");
}

#[test]
fn a_path_to_the_original_of_a_copy_leads_to_the_copy() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("results");
    put(outer.path(), "suite_a/tst_a/attachments/sub/v.mp4", "");
    put(&dir, "attachments/sub/v.mp4", "");
    let original = outer.path().join("suite_a/tst_a/attachments/sub/v.mp4");
    let (attachments, _) = settled(&dir, &[original.to_str().unwrap(), "attachments/sub/v.mp4"]);
    assert_eq!(attachments, ["attachments/sub/v.mp4"]);
}

#[test]
fn attachments_outside_the_folder_are_left_out_with_a_line() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("results");
    put(outer.path(), "secret.txt", "");
    put(&dir, "run/here.png", "");
    let secret = outer.path().join("secret.txt");
    for name in [
        "../../secret.txt",
        secret.to_str().unwrap(),
        "../run/../../secret.txt",
    ] {
        let (attachments, output) = settled(&dir, &[name, "here.png"]);
        assert_eq!(attachments, ["run/here.png"]);
        let told =
            format!("testplan: an attachment is left out: {name} leads out of the results folder");
        assert!(output.contains(&told), "{output}");
    }
    let (attachments, output) = settled(&dir, &["gone.png", "/nowhere.png", "."]);
    assert!(attachments.is_empty());
    assert!(
        output.ends_with("left out: gone.png is no file in the results folder (and 2 more)"),
        "{output}"
    );
}

#[cfg(unix)]
#[test]
fn attachments_follow_no_link_out() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("results");
    put(outer.path(), "secret.txt", "");
    put(&dir, "run/real.png", "");
    let link = |from: &str, to: &Path| std::os::unix::fs::symlink(to, dir.join(from)).unwrap();
    link("run/link.txt", &outer.path().join("secret.txt"));
    link("run/folder", outer.path());
    link("run/inside.png", &dir.join("run/real.png"));
    let (attachments, output) = settled(&dir, &["link.txt", "folder/secret.txt", "inside.png"]);
    assert_eq!(attachments, ["run/real.png"]);
    assert!(
        output.contains("link.txt leads out of the results folder (and 1 more)"),
        "{output}"
    );
}

#[test]
fn junit_names_attachments_in_its_output() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "shot.png", "");
    put(
        dir.path(),
        "a.xml",
        "<testcase name='a'><system-out>before\n[[ATTACHMENT|shot.png]]\nafter [[ATTACHMENT|x]] it</system-out></testcase>",
    );
    let case = read(&junit("*.xml"), dir.path()).remove(0);
    assert_eq!(case.attachments, ["shot.png"]);
    assert_eq!(case.output, "before\nafter [[ATTACHMENT|x]] it");
}
