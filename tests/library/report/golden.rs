//! Golden files: `UPDATE_GOLDEN=1 cargo test --test library report::golden` writes them anew.

use std::{fs, path::PathBuf};

use testplan::report::{
    console::{Paint, final_block},
    html, json,
    junit::{Profile, render},
    summary,
};

use crate::report::story::{nightly, report};

fn golden(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/report")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path)
        .unwrap_or_default()
        .replace("\r\n", "\n");
    assert!(actual == expected, "{} differs", path.display());
}

fn junit(profile: Profile) -> String {
    String::from_utf8(render(&report(&nightly()), profile).unwrap()).unwrap()
}

#[test]
fn junit_default() {
    golden("nightly.default.xml", &junit(Profile::Default));
}

#[test]
fn junit_strict() {
    golden("nightly.strict.xml", &junit(Profile::Strict));
}

#[test]
fn markdown() {
    golden(
        "nightly.md",
        &summary::render(&report(&nightly()), summary::DEFAULT_BUDGET),
    );
}

#[test]
fn markdown_in_two_kib() {
    golden(
        "nightly.2k.md",
        &summary::render(&report(&nightly()), 2 * 1024),
    );
}

#[test]
fn html() {
    let setting = html::HtmlOptions {
        commit: Some("11c02e5f3a77c0ffee2211c02e5f3a77c0ffee22"),
        ..html::HtmlOptions::default()
    };
    let page = String::from_utf8(html::render(&report(&nightly()), &setting)).unwrap();
    // Script and style are files of their own, and their hashes follow from them.
    let (head, rest) = page.split_once("<meta http-equiv").unwrap();
    let (_, rest) = rest.split_once("/>\n").unwrap();
    let (meta, rest) = rest.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (body, _) = rest.split_once("<script>").unwrap();
    let body = body.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    golden("nightly.html", &format!("{head}{meta}{body}"));
}

#[test]
fn console() {
    golden(
        "nightly.txt",
        &final_block(&report(&nightly()), Paint::Plain),
    );
}

#[test]
fn json_for_machines() {
    let json = serde_json::to_string_pretty(&json(&report(&nightly()))).unwrap();
    golden("nightly.json", &(json + "\n"));
}
