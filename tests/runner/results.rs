//! Which files are results.

use std::{fs, path::Path};

use testplan::runner::{
    results::{CollectError, Results, check_pattern, collect, gather},
    settings::ResultsFormat,
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
        gather(&ResultsFormat::ExitCode, dir.path()),
        Results::NotAsked
    );
    let Results::Missing(message) = gather(&junit("*.xml"), dir.path()) else {
        panic!()
    };
    assert_eq!(
        message,
        format!("no result file matched *.xml in {}", dir.path().display())
    );

    put(dir.path(), "a.xml", "<testcase name='a'/>");
    put(dir.path(), "b.xml", "<testcase name='b'/>");
    let Results::Read(cases) = gather(&junit("*.xml"), dir.path()) else {
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
    let Results::Unreadable { message, cases } = gather(&junit("*.xml"), dir.path()) else {
        panic!()
    };
    assert!(
        message.contains("c.xml: line 2: the file ends inside a suite"),
        "{message}"
    );
    assert!(message.ends_with("(and 1 more)"), "{message}");
    assert_eq!(cases.len(), 2);
}
