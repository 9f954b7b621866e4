//! Recognises test tools of Ruby, PHP, Perl and shells.

use super::{
    found_tool::FoundTool,
    project_files::{Folder, base_name, has_extension},
};

pub(super) fn find(folder: &Folder<'_>) -> Vec<FoundTool> {
    [
        rspec(folder),
        minitest(folder),
        phpunit(folder),
        prove(folder),
        bats(folder),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `bundle exec PROGRAM` where a Gemfile names the versions.
fn bundled(folder: &Folder<'_>, program: &str) -> Option<Vec<String>> {
    folder
        .has("Gemfile.lock")
        .then(|| ["bundle", "exec", program].map(str::to_owned).to_vec())
}

fn rspec(folder: &Folder<'_>) -> Option<FoundTool> {
    let named = folder
        .first_of(&[".rspec", "spec/spec_helper.rb"])
        .map(str::to_owned);
    let spec = |file: &&str| file.starts_with("spec/") && file.ends_with("_spec.rb");
    let reason = named.or_else(|| folder.files().find(spec).map(str::to_owned))?;
    Some(FoundTool::of("rspec", folder, reason)?.started_as(bundled(folder, "rspec")))
}

fn minitest(folder: &Folder<'_>) -> Option<FoundTool> {
    let is_test = |file: &&str| {
        let name = base_name(file);
        file.starts_with("test/")
            && (name.ends_with("_test.rb")
                || name.starts_with("test_") && has_extension(name, "rb"))
    };
    let file = folder.files().find(is_test)?;
    Some(FoundTool::of("minitest", folder, file)?.started_as(bundled(folder, "ruby")))
}

fn phpunit(folder: &Folder<'_>) -> Option<FoundTool> {
    let named = folder.first_of(&["phpunit.xml", "phpunit.xml.dist", "phpunit.dist.xml"]);
    let needed = || {
        let text = folder.text("composer.json")?;
        text.contains("\"phpunit/phpunit\"")
            .then_some("composer.json has phpunit/phpunit")
    };
    let reason = named.or_else(needed)?;
    let program = folder.first_of(&["vendor/bin/phpunit"]);
    let program = program.map(|path| vec![path.to_owned()]);
    Some(FoundTool::of("phpunit", folder, reason)?.started_as(program))
}

fn prove(folder: &Folder<'_>) -> Option<FoundTool> {
    let is_test = |file: &&str| file.starts_with("t/") && has_extension(file, "t");
    let file = folder.files().find(is_test)?;
    let mut tool = FoundTool::of("prove", folder, file)?;
    // Without `-l`, here or in `.proverc`, tests do not find the modules in `lib`.
    let is_module = |file: &str| file.starts_with("lib/") && has_extension(file, "pm");
    if folder.files().any(is_module) && !folder.has(".proverc") {
        tool.args.push("-l".to_owned());
    }
    Some(tool)
}

fn bats(folder: &Folder<'_>) -> Option<FoundTool> {
    let file = folder.files().find(|file| has_extension(file, "bats"))?;
    let mut tool = FoundTool::of("bats", folder, file)?;
    let place = file.rsplit_once('/').map_or(".", |(place, _)| place);
    tool.paths = vec![place.split('/').next().unwrap_or(place).to_owned()];
    Some(tool)
}
