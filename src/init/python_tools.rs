//! Recognises pytest, unittest, Robot Framework and behave.

use super::{
    found_tool::FoundTool,
    project_files::{Folder, base_name, first_folder, has_extension},
};

/// Sections of configuration files that are pytest's own.
const PYTEST_SECTIONS: [(&str, &str); 3] = [
    ("pyproject.toml", "[tool.pytest"),
    ("setup.cfg", "[tool:pytest]"),
    ("tox.ini", "[pytest]"),
];

pub(super) fn find(folder: &Folder<'_>, is_installed: &dyn Fn(&str) -> bool) -> Vec<FoundTool> {
    let started = |program| started(folder, program, is_installed);
    let python = match pytest_reason(folder) {
        Some(reason) => {
            let tool = FoundTool::of("pytest", folder, reason);
            tool.map(|it| it.started_as(started("pytest")))
        }
        None => unittest(folder).map(|it| it.started_as(started("python"))),
    };
    let robot = robot(folder).map(|it| it.started_as(started("robot")));
    let behave = behave(folder).map(|it| it.started_as(started("python")));
    [python, robot, behave].into_iter().flatten().collect()
}

fn pytest_reason(folder: &Folder<'_>) -> Option<String> {
    if let Some(name) = folder.first_of(&["pytest.ini", ".pytest.ini"]) {
        return Some(name.to_owned());
    }
    for (name, section) in PYTEST_SECTIONS {
        let text = folder.text(name).unwrap_or_default();
        if text.lines().any(|line| line.starts_with(section)) {
            return Some(match section.strip_suffix(']') {
                Some(_) => format!("{name} has {section}"),
                None => format!("{name} has {section}…]"),
            });
        }
    }
    if let Some(conftest) = folder.files().find(|it| base_name(it) == "conftest.py") {
        return Some(conftest.to_owned());
    }
    let is_function =
        |line: &str| line.starts_with("def test") || line.starts_with("async def test");
    test_file(folder, is_function).map(|file| format!("{file} has a function test_…"))
}

/// A Python file with the name of a test file that has a line.
fn test_file<'a>(folder: &Folder<'a>, has: impl Fn(&str) -> bool) -> Option<&'a str> {
    let is_test = |file: &&str| {
        let name = base_name(file).strip_suffix(".py");
        name.is_some_and(|name| name.starts_with("test") || name.ends_with("_test"))
    };
    let mut files = folder.files().filter(is_test);
    files.find(|file| {
        let text = folder.text(file).unwrap_or_default();
        text.lines().any(&has)
    })
}

fn unittest(folder: &Folder<'_>) -> Option<FoundTool> {
    let file = test_file(folder, |line| {
        let is_import = line.starts_with("import ") || line.starts_with("from ");
        is_import && line.contains("unittest")
    })?;
    FoundTool::of("unittest", folder, format!("{file} imports unittest"))
}

fn robot(folder: &Folder<'_>) -> Option<FoundTool> {
    let file = folder.files().find(|file| {
        let is_robot = has_extension(file, "robot");
        let text = || folder.text(file).unwrap_or_default().to_lowercase();
        is_robot && text().contains("*** test")
    })?;
    let mut tool = FoundTool::of("robot", folder, file)?;
    tool.paths = vec![first_folder(file).unwrap_or(".").to_owned()];
    Some(tool)
}

/// Features with steps in Python.
fn behave(folder: &Folder<'_>) -> Option<FoundTool> {
    let feature = folder.files().find(|file| has_extension(file, "feature"))?;
    let has_steps = |file: &str| {
        has_extension(file, "py")
            && (file.contains("steps/") || base_name(file) == "environment.py")
    };
    folder.files().find(|file| has_steps(file))?;
    FoundTool::of("behave", folder, format!("{feature}, with steps in Python"))
}

/// How a program of Python is started, if not by its name: in the project's own environment, or as a module.
fn started(
    folder: &Folder<'_>,
    program: &str,
    is_installed: &dyn Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let managers = [
        ("uv.lock", "uv"),
        ("poetry.lock", "poetry"),
        ("Pipfile.lock", "pipenv"),
    ];
    for (lock, manager) in managers {
        if folder.has(lock) {
            return Some([manager, "run", program].map(str::to_owned).to_vec());
        }
    }
    let places = if cfg!(windows) {
        [".venv/Scripts", "venv/Scripts"]
    } else {
        [".venv/bin", "venv/bin"]
    };
    let suffix = std::env::consts::EXE_SUFFIX;
    let paths = places.map(|place| format!("{place}/{program}{suffix}"));
    if let Some(path) = paths.into_iter().find(|path| folder.has(path)) {
        return Some(vec![path]);
    }
    let is_missing = program != "python" && !is_installed(program) && is_installed("python3");
    is_missing.then(|| ["python3", "-m", program].map(str::to_owned).to_vec())
}
