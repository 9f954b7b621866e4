//! A page as a list of blocks, for the tests that do what it says.
//!
//! - `` `FILE`: `` on a line of its own names the file that the next block is written to.
//! - A line that ends with ``writes `FILE`:`` says that the file has the text of the next block by then.
//! - A `sh` block (or `bash`, `shell`, `console`) is run, unless the line before it is `<!-- not run: REASON -->`. It ends with exit code 0, or with the one
//!   that its output names.
//! - A `text` block after a `sh` block is what that printed: its lines are among those of the output, in any order. `…` is
//!   any text. Times, numbers of runs and names of workers may differ.
//! - `<!-- needs: TOOL, TOOL -->` names what has to be installed.

use std::path::{Path, PathBuf};

/// A block and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A file of the reader.
    Write(String, String),
    /// A file that was written by then.
    Written(String, String),
    /// Commands that are run.
    Run(String),
    /// Commands that are not run, and why.
    NotRun(String),
    /// Lines that the commands before it print.
    Prints(String),
}

/// A page, read.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) needs: Vec<String>,
    pub(super) blocks: Vec<Block>,
}

/// The folder of the repository.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages of docs/, as paths below the repository.
pub(super) fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "{found:?}");
    found
}

/// The text of a file of the repository.
pub(super) fn text(path: &Path) -> String {
    let path = root().join(path);
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("\r\n", "\n")
}

impl Page {
    pub(super) fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut before = "";
        let mut lines = text.lines();
        let mut prints = false;
        while let Some(line) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let block: String = (lines.by_ref().take_while(|line| *line != "```"))
                    .flat_map(|line| [line, "\n"])
                    .collect();
                let reason = before.strip_prefix("<!-- not run: ");
                let block = if let Some((file, is_written)) = named_file(before) {
                    if is_written {
                        Some(Block::Written(file.to_owned(), block))
                    } else {
                        Some(Block::Write(file.to_owned(), block))
                    }
                } else {
                    match (language, reason) {
                        ("sh" | "bash" | "shell" | "console", Some(reason)) => {
                            Some(Block::NotRun(reason.trim_end_matches(" -->").to_owned()))
                        }
                        ("sh" | "bash" | "shell" | "console", None) => Some(Block::Run(block)),
                        ("text", _) if prints => Some(Block::Prints(block)),
                        _ => None,
                    }
                };
                prints = matches!(block, Some(Block::Run(_)));
                page.blocks.extend(block);
                before = "";
            } else if let Some(needs) = line.strip_prefix("<!-- needs: ") {
                let needs = needs.trim_end_matches(" -->").split(", ");
                page.needs.extend(needs.map(str::to_owned));
            } else if !line.is_empty() {
                before = line;
            }
        }
        page
    }
}

/// The file that a line before a block names, and whether a command has written it.
fn named_file(line: &str) -> Option<(&str, bool)> {
    let line = line.strip_suffix("`:")?;
    if let Some(file) = line.strip_prefix('`') {
        return Some((file, false)).filter(|_| !file.contains('`'));
    }
    let (_, file) = line.rsplit_once("writes `")?;
    Some((file, true))
}

/// A text without what differs from run to run: times, numbers of runs, names of workers and machines.
pub(super) fn steady(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, replacement) in [
        (r"\bin [0-9.]+m?s\b( [0-9]+ms)?", "in TIME"),
        (r" +[0-9]+\.[0-9]s\b", " TIME"),
        (r"\blocal [0-9]{8}-[0-9]{6}-[0-9a-f]{8}\b", "local RUN"),
        (r"\(worker [^)]*\)", "(worker)"),
        (r"\[ *[0-9]+/([0-9]+)\]", "[N/$1]"),
    ] {
        text = regex::Regex::new(pattern)
            .unwrap()
            .replace_all(&text, replacement)
            .into_owned();
    }
    text
}

/// The lines of `expected` that `output` has not.
pub(super) fn missing<'a>(expected: &'a str, output: &str) -> Vec<&'a str> {
    let output = steady(output);
    let is_there = |line: &&str| {
        let line = steady(line.trim());
        let parts: Vec<&str> = line.split('…').map(str::trim).collect();
        output.lines().any(|printed| {
            let mut rest = printed;
            parts.iter().all(|part| match rest.split_once(part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
        })
    };
    expected.lines().filter(|line| !is_there(line)).collect()
}

#[test]
fn a_page_is_read_as_blocks() {
    let page = Page::read(
        "# T\n\n<!-- needs: pytest, go -->\n\n`a b.py`:\n\n```python\nx\n```\n\n```sh\ny\n```\n\n```text\nz …\n```\n\n\
         It writes `t.yml`:\n\n```yaml\nrunner: x\n```\n\n<!-- not run: no runner -->\n```sh\nn\n```\n\n```text\nother\n```\n",
    );
    assert_eq!(page.needs, ["pytest", "go"]);
    let own = str::to_owned;
    assert_eq!(
        page.blocks,
        [
            Block::Write(own("a b.py"), own("x\n")),
            Block::Run(own("y\n")),
            Block::Prints(own("z …\n")),
            Block::Written(own("t.yml"), own("runner: x\n")),
            Block::NotRun(own("no runner")),
        ]
    );
}

#[test]
fn output_is_compared_without_times_and_workers() {
    let output = "[ 1/2] PASS   0.0s  a / b  (worker 2)\n2 tests in 1.7s: 1 failed\nran 2 tests in 1s 241ms\n";
    assert_eq!(
        missing(
            "[2/2] PASS 1.2s  a / b  (worker 1)\n…\n2 tests in 0.4s: …failed\nran 2 tests in 24ms",
            output
        ),
        [""; 0]
    );
    assert_eq!(
        missing(
            "[2/3] PASS 1.2s  a / b  (worker 1)\n2 tests … passed",
            output
        ),
        ["[2/3] PASS 1.2s  a / b  (worker 1)", "2 tests … passed"]
    );
}
