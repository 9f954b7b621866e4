//! docs/tools.md: the part that is made of the presets.

use std::{fmt::Write as _, path::Path};

use testplan::preset::{PRESETS, Preset};

const BEGIN: &str =
    "<!-- Made of src/preset by `UPDATE_GOLDEN=1 cargo test --test library tools_page`. -->\n";
const END: &str = "<!-- End of what is made of src/preset. -->\n";

/// A table of all presets, then what is known of each.
fn page() -> String {
    let mut text =
        "\n| preset | started as | modes | results |\n| --- | --- | --- | --- |\n".to_owned();
    for preset in PRESETS {
        let description = preset.describe();
        let program = match preset.program {
            [] => "the project's own program".to_owned(),
            program => format!("`{}`", program.join(" ")),
        };
        let _ = writeln!(
            text,
            "| [{name}](#{name}) | {program} | {modes} | {results} |",
            name = preset.name,
            modes = description.modes.join(", "),
            results = description.results,
        );
    }
    for preset in PRESETS {
        section(preset, &mut text);
    }
    text.push('\n');
    text
}

fn section(preset: &Preset, text: &mut String) {
    let description = preset.describe();
    let _ = write!(
        text,
        "\n### {}\n\nTried with {}. Lists with `{}` and runs with `{}`.\n\n",
        preset.name,
        preset.versions,
        description.listing.replace('`', "'"),
        description.call.replace('`', "'"),
    );
    for trap in preset.traps {
        let _ = writeln!(text, "- {trap}");
    }
}

#[test]
fn page_of_tools_is_made_of_the_presets() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tools.md");
    let old = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = old
        .split_once(BEGIN)
        .expect("the page has a place for the presets");
    let (_, after) = rest.split_once(END).unwrap();
    let new = [before, BEGIN, &page(), END, after].concat();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &new).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), new);
}
