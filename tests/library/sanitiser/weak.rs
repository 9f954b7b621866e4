//! Inputs and judge find what is wrong with cleaners that forget a rule; if they did not, they would prove nothing.

use testplan::report::{
    excerpt::{prefix, suffix},
    sanitise::{is_hidden, is_joiner, strip_escapes},
};

use super::hostile::Hostile;
use crate::runner_commands::all_commands;

/// Every one of these must be found out within so many inputs.
const SOON: u64 = 20_000;

type Cleaner = fn(&str) -> String;

/// What a careless hand would write, and what is wrong with it.
const WEAK: [(&str, Cleaner); 10] = [
    ("nothing is cleaned", str::to_owned),
    ("no rule for ##[", |text| colons(&breaks(text))),
    ("no rule for ::", |text| brackets(&breaks(text))),
    ("no rule for \\r", |text| {
        brackets(&colons(&text.replace('\n', "\\n")))
    }),
    ("only ASCII white space before ::", |text| {
        let text = brackets(&breaks(text));
        if text.trim_ascii_start().starts_with("::") {
            format!("\\{text}")
        } else {
            text
        }
    }),
    ("only :: at the very start", |text| {
        let text = brackets(&breaks(text));
        if text.starts_with("::") {
            format!("\\{text}")
        } else {
            text
        }
    }),
    ("escape sequences go after the check", |text| {
        strip_escapes(&brackets(&colons(&breaks(text))))
    }),
    ("hidden characters go after the check", |text| {
        let checked = brackets(&colons(&breaks(text)));
        checked
            .chars()
            .filter(|c| !is_hidden(*c) && !is_joiner(*c))
            .collect()
    }),
    ("##[ is taken out instead of broken", |text| {
        colons(&breaks(text)).replace("##[", "")
    }),
    ("the beginning is cut off after the check", |text| {
        let checked = brackets(&colons(&breaks(text)));
        suffix(&checked, checked.len().saturating_sub(2)).to_owned()
    }),
];

fn breaks(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r")
}

fn brackets(line: &str) -> String {
    line.replace("##[", "##\\[")
}

fn colons(line: &str) -> String {
    if line.trim_start().starts_with("::") {
        format!("\\{line}")
    } else {
        line.to_owned()
    }
}

#[test]
fn forgotten_sanitiser_rule_is_detected() {
    for (wrong, clean) in WEAK {
        let found = (0..SOON).find(|index| {
            let (text, max) = Hostile::new(1, *index).cut_text(&[300]);
            !all_commands(clean(prefix(&text, max)).as_bytes()).is_empty()
        });
        match found {
            Some(index) => println!("{wrong}: found out by input {}", index + 1),
            None => panic!("{wrong}, and {SOON} inputs do not find it out"),
        }
    }
}
