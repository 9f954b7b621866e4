//! The parts of pages that are made of the code: each stands between `<!-- made of: … -->` and `<!-- end -->`.

use std::{fmt::Write as _, fs, path::Path};

use testplan::{exit_code::Conclusion, preset::Preset};

use super::page::{pages, root, text};
use crate::support::Stage;

const BEGIN: &str = "<!-- made of: ";
const END: &str = "<!-- end -->";

/// The text of a part, from what it is made of.
fn part(from: &str) -> String {
    let (kind, arguments) = from.split_once(' ').unwrap_or((from, ""));
    match kind {
        "presets" => presets(arguments),
        "conclusions" => conclusions(),
        "init" => ci_file(arguments),
        "example" => example(arguments),
        _ => panic!("nothing is made of {from:?}"),
    }
}

/// `NAME(1,3) NAME`: a table of these presets, then those of their traps whose numbers are named, from 1.
fn presets(arguments: &str) -> String {
    let mut table =
        "| preset | tried with | started by | modes, the default first |\n| --- | --- | --- | --- |\n".to_owned();
    let mut traps = String::new();
    for argument in arguments.split(' ') {
        let (name, numbers) = argument.split_once('(').unwrap_or((argument, ""));
        let preset = Preset::named(name).unwrap_or_else(|| panic!("no preset is {name:?}"));
        let program = match preset.program {
            [] => "`program: [build/tests]`".to_owned(),
            program => format!("`{}`", program.join(" ")),
        };
        let _ = writeln!(
            table,
            "| `{name}` | {} | {program} | {} |",
            preset.versions,
            preset.modes().join(", ")
        );
        for number in numbers
            .trim_end_matches(')')
            .split(',')
            .filter(|it| !it.is_empty())
        {
            let number: usize = number.parse().unwrap();
            let trap = preset.traps[number - 1];
            let of = if arguments.contains(' ') {
                format!("{name}: ")
            } else {
                String::new()
            };
            let _ = writeln!(traps, "- {of}{trap}");
        }
    }
    format!("{table}\n{traps}").trim_end().to_owned() + "\n"
}

/// A table of the exit codes.
fn conclusions() -> String {
    let mut table = "| code | conclusion | meaning |\n| --- | --- | --- |\n".to_owned();
    for it in Conclusion::ALL {
        let (code, word, meaning) = (it.code(), it.word(), it.meaning());
        let _ = writeln!(table, "| {code} | {word} | {meaning} |");
    }
    table
}

/// What `testplan init --ci SYSTEM` writes for a project with pytest.
fn ci_file(system: &str) -> String {
    let stage = Stage::new();
    stage.write("requirements.txt", "pytest\n");
    stage.write("tests/test_cart.py", "def test_cart(): pass\n");
    let ended = stage
        .testplan("init")
        .flags("--dry-run --ci")
        .arg(system)
        .run();
    let ended = ended.code_is(0);
    let path = match system {
        "github" => ".github/workflows/testplan.yml",
        "gitlab" => ".gitlab-ci.yml",
        "jenkins" => "Jenkinsfile",
        _ => "azure-pipelines.yml",
    };
    // How pytest is started, which differs from machine to machine, is in the file before it.
    let printed = ended.stdout.split_once(&format!("# {path}\n"));
    let (_, text) = printed.unwrap_or_else(|| panic!("{ended}"));
    let language = if system == "jenkins" {
        "groovy"
    } else {
        "yaml"
    };
    format!("`{path}`:\n\n```{language}\n{text}```\n")
}

/// `PATH LANGUAGE`: a file of the repository.
fn example(arguments: &str) -> String {
    let (path, language) = arguments.split_once(' ').unwrap();
    format!("```{language}\n{}```\n", text(Path::new(path)))
}

/// A page with its parts made anew, and how many it has.
fn with_parts(page: &str) -> (String, usize) {
    let mut made = String::new();
    let mut rest = page;
    let mut count = 0;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (from, after) = after.split_once(" -->\n").unwrap();
        let (_, after) = after.split_once(END).expect("a part has an end");
        let _ = write!(made, "{before}{BEGIN}{from} -->\n\n{}\n{END}", part(from));
        rest = after;
        count += 1;
    }
    (made + rest, count)
}

/// `UPDATE_GOLDEN=1 cargo test --test program docs::generated` writes the parts anew.
#[test]
fn parts_that_are_made_of_the_code_are_up_to_date() {
    let mut total = 0;
    for path in pages() {
        let old = text(&path);
        let (new, count) = with_parts(&old);
        total += count;
        if count > 0 && std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(root().join(&path), &new).unwrap();
        }
        let now = text(&path);
        assert!(now == new, "{} is not up to date:\n{new}", path.display());
    }
    assert!(total >= 10, "{total} parts");
}
