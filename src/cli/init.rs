//! `testplan init`: finds the test tools of a project, writes a testplan.yml, and proves it.

mod proving;

use std::{
    fmt::Write as _,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::Path,
};

use clap::Args;

use super::{context::Context, presets};
use crate::{
    exit_code::Conclusion,
    failure::{CommandResult, Failure},
    fs::write_atomic,
    init::{self, CiFile, FoundTool, FoundTools},
    report::sanitise::console_line,
};

/// Longest line of a reason, in bytes.
const LONGEST: usize = 2000;

/// Finds the test tools of the current folder, proves that they list and run tests, and writes a testplan.yml.
///
/// Looks at file names, dependencies and configuration files. Then lists the tests and runs one or two of them in each mode of
/// the tool. A file that is there already is never changed.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// Use this preset, whatever is found; see `testplan presets`.
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Write the file of a CI system too, with one job.
    #[arg(long, value_name = "SYSTEM", value_parser = CiFile::NAMES)]
    ci: Option<String>,
    /// Print the files instead of writing them; nothing is started.
    #[arg(long)]
    dry_run: bool,
    /// Ask nothing: take all tools that are found.
    #[arg(long, short)]
    yes: bool,
}

/// `testplan init`.
pub(crate) async fn run(command: InitArgs, context: &Context) -> CommandResult {
    let root = std::env::current_dir().map_err(Failure::infrastructure)?;
    let mut files: Vec<&Path> = vec![Path::new("testplan.yml")];
    let ci = command.ci.as_deref().and_then(CiFile::named);
    files.extend(ci.map(|ci| Path::new(ci.path())));
    if !command.dry_run {
        for file in &files {
            refuse_existing(&root, file)?;
        }
        check_writable(&root)?;
    }
    let screen = &context.screen;
    let mut found = find(&command, &root, context)?;
    for note in &found.notes {
        screen.warn(note);
    }
    for tool in &found.tools {
        screen.info(format_args!("found {}", described(tool)));
    }
    if !command.yes && !command.dry_run {
        choose(&mut found)?;
    }
    if !command.dry_run {
        proving::prove_all(&mut found, &root, context).await?;
    }
    let mut texts = vec![init::plan_text(&found.tools, &project_name(&root))];
    if let Some(ci) = ci {
        texts.push(ci.text(&found.setup(&root), &titles(&found.tools)));
    }
    if command.dry_run {
        for (file, text) in files.iter().zip(&texts) {
            if files.len() > 1 {
                screen.raw(format!("# {}\n", file.display()).as_bytes());
            }
            screen.raw(text.as_bytes());
        }
        return Ok(Conclusion::Passed);
    }
    for (file, text) in files.iter().zip(&texts) {
        write(&root.join(file), text)?;
        screen.always(format_args!("wrote {}", file.display()));
    }
    screen.always(next_steps(&found.tools));
    Ok(Conclusion::Passed)
}

fn refuse_existing(root: &Path, file: &Path) -> Result<(), Failure> {
    if !root.join(file).exists() {
        return Ok(());
    }
    let name = file.display();
    Err(Failure::usage_text(format_args!(
        "{name} is there already, and is left as it is"
    ))
    .help("print what would be written with --dry-run"))
}

/// Before anything is started.
fn check_writable(root: &Path) -> Result<(), Failure> {
    let probe = tempfile::Builder::new()
        .prefix(".testplan-")
        .tempfile_in(root);
    probe.map(drop).map_err(|error| {
        Failure::usage_text(format_args!("{}: {error}", root.display()))
            .help("start it in a folder that you may write to, or use --dry-run")
    })
}

fn find(command: &InitArgs, root: &Path, context: &Context) -> Result<FoundTools, Failure> {
    let path = context
        .environment
        .get("PATH")
        .unwrap_or_default()
        .to_owned();
    let is_installed = |program: &str| {
        let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        std::env::split_paths(&path).any(|folder| folder.join(&name).is_file())
    };
    let mut found = init::find(root, &is_installed)
        .map_err(|error| Failure::usage_text(format_args!("{}: {error}", root.display())))?;
    if let Some(name) = &command.preset {
        let preset = presets::named(name)?;
        if !found.keep(preset.name) {
            found.tools = vec![FoundTool::named(preset)];
        }
    }
    if found.tools.is_empty() {
        let notes = found.notes.iter().fold(String::new(), |mut text, note| {
            let _ = write!(text, "\n  {note}");
            text
        });
        let looked = "it looks for dependencies in package.json, pyproject.toml and the like, for configuration files of test \
                      tools, and for files named like tests";
        return Err(Failure::nothing_to_run(format_args!(
            "no test tool is recognised in {}{notes}",
            root.display()
        ))
        .help(format!(
            "{looked}; name the tool with --preset (`testplan presets` prints them), or write `runner: {{ command: [...] }}` as \
             docs/testplan-yml.md shows"
        )));
    }
    Ok(found)
}

/// `pytest in web: pytest.ini`.
fn described(tool: &FoundTool) -> String {
    let place = match tool.folder.as_str() {
        "" => String::new(),
        folder => format!(" in {folder}"),
    };
    console_line(&format!("{}{place}: {}", tool.tool, tool.reason), LONGEST)
}

/// Asks which of several tools to take, if there is someone to ask.
fn choose(found: &mut FoundTools) -> Result<(), Failure> {
    if found.tools.len() < 2 || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let mut text = String::new();
    for (index, tool) in found.tools.iter().enumerate() {
        let _ = writeln!(text, "  {}  {}", index + 1, described(tool));
    }
    text.push_str("Which ones? Numbers with blanks between them, or Enter for all: ");
    let mut stderr = io::stderr();
    let asked = stderr
        .write_all(text.as_bytes())
        .and_then(|()| stderr.flush());
    asked.map_err(Failure::infrastructure)?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(Failure::infrastructure)?;
    let mut kept = Vec::new();
    for number in answer.split_whitespace() {
        let index = number
            .parse()
            .ok()
            .and_then(|number: usize| number.checked_sub(1));
        let tool = index
            .and_then(|index| found.tools.get(index))
            .ok_or_else(|| {
                Failure::usage_text(format_args!("{number} is no number of the list"))
            })?;
        kept.push(tool.clone());
    }
    if !kept.is_empty() {
        found.tools = kept;
    }
    Ok(())
}

/// The titles of the templates, if there are several.
fn titles(tools: &[FoundTool]) -> Vec<String> {
    match tools {
        [] | [_] => Vec::new(),
        tools => tools.iter().map(|tool| init::title(tool, tools)).collect(),
    }
}

fn next_steps(tools: &[FoundTool]) -> String {
    let flag = match &titles(tools)[..] {
        [] => String::new(),
        [first, ..] if first.contains(' ') => format!(" --template '{first}'"),
        [first, ..] => format!(" --template {first}"),
    };
    format!(
        "ready. Run the tests with:\n  testplan run{flag}\nand keep testplan-out/ out of version control"
    )
}

/// The name of the folder.
fn project_name(root: &Path) -> String {
    let name = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.unwrap_or_else(|| "project".to_owned())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Failure::infrastructure)?;
    }
    write_atomic(path, text.as_bytes()).map_err(Failure::infrastructure)
}
