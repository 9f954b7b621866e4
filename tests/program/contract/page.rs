//! docs/curl.md as data: the plan it starts with, then commands, each with a status and an answer.

use serde_json::Value;

/// A command of the page.
pub(crate) struct Example {
    /// The heading that it stands below.
    pub(crate) title: String,
    /// As it is typed.
    pub(crate) command: String,
    pub(crate) status: u16,
    pub(crate) answer: Value,
}

impl Example {
    /// What `--data` sends; nothing for a command without.
    pub(crate) fn body(&self) -> Option<Value> {
        let (_, data) = self.command.split_once("--data ")?;
        let quote = data.chars().next().unwrap();
        let body = data[1..].split(quote).next().unwrap();
        Some(serde_json::from_str(body).unwrap())
    }
}

/// The page, read.
pub(crate) struct Page {
    pub(crate) plan: String,
    pub(crate) examples: Vec<Example>,
}

pub(crate) fn read() -> Page {
    let text = include_str!("../../../docs/curl.md").replace("\r\n", "\n");
    let mut plan = None;
    let mut examples = Vec::new();
    let (mut title, mut command, mut status) = (String::new(), None, None);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut title);
        } else if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let block = block.join("\n");
            match language {
                "yaml" => assert!(plan.replace(block).is_none(), "one plan"),
                "sh" => assert!(command.replace(block).is_none(), "{title}: one answer each"),
                "json" => examples.push(Example {
                    title: title.clone(),
                    command: command.take().expect("an answer belongs to a command"),
                    status: status.take().expect("a status stands before its answer"),
                    answer: serde_json::from_str(&block).unwrap(),
                }),
                _ => {}
            }
        } else if let Some(code) = line.get(..3).and_then(|code| code.parse().ok()) {
            status = Some(code);
        }
    }
    assert!(command.is_none(), "{title}: no answer");
    Page {
        plan: plan.expect("a plan"),
        examples,
    }
}
