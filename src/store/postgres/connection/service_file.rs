//! The connection service file of libpq: sections of `keyword=value` lines.

use super::connection_string::Pairs;

/// The lines of a section; absent if the text has no such section. The first section of a name counts.
pub(super) fn section(text: &str, name: &str) -> Option<Result<Pairs, String>> {
    let mut found: Option<Pairs> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if title.strip_suffix(']') == Some(name) {
                found = Some(Pairs::new());
            }
            continue;
        }
        let Some(pairs) = &mut found else { continue };
        match line.split_once('=') {
            Some(("service", _)) => {
                return Some(Err(format!("line {} names another service", number + 1)));
            }
            Some((keyword, value)) => pairs.push((keyword.to_owned(), value.to_owned())),
            None => return Some(Err(format!("line {} is not keyword=value", number + 1))),
        }
    }
    found.map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_of_the_name_has_the_pairs() {
        let text = "# all\n[other]\nhost=no\n\n[ci]\nhost=db\n# so\n port=5433\n[ci]\nhost=late\n";
        let pairs = section(text, "ci").unwrap().unwrap();
        assert_eq!(
            pairs,
            [("host", "db"), ("port", "5433")].map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(section(text, "none"), None);
    }

    #[test]
    fn line_that_is_no_pair_is_named_by_its_number() {
        for (text, why) in [
            ("[ci]\nldap://x", "line 2 is not keyword=value"),
            ("[ci]\nhost=a\nservice=b", "line 3 names another service"),
        ] {
            assert_eq!(section(text, "ci"), Some(Err(why.to_owned())));
        }
        assert_eq!(section("[other]\nbad\n[ci]\n", "ci"), Some(Ok(vec![])));
    }
}
