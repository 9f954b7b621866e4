//! Names of stored files: a number, and what is left of the name that the client sent.

/// Longest name of a stored file, in bytes.
const MAX_NAME: usize = 120;

/// The name of the file with this number, from one. The number makes names unique on any file system; there is no folder in it.
pub(super) fn numbered(number: usize, name: &str) -> String {
    format!("{number:03}-{}", clean(name))
}

/// A name of letters, digits, dots, dashes and underscores. A long name loses its beginning, because its end is the
/// extension.
fn clean(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = base
        .chars()
        .map(|c| match c {
            c if c.is_alphanumeric() => c,
            '.' | '-' | '_' => c,
            _ => '-',
        })
        .collect();
    let start = (name.len().saturating_sub(MAX_NAME)..=name.len())
        .find(|at| name.is_char_boundary(*at))
        .unwrap_or(0);
    name[start..].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_special_characters() {
        for (name, cleaned) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\results.xml", "results.xml"),
            ("a b\0c\n.xml", "a-b-c-.xml"),
            ("..", ""),
        ] {
            assert_eq!(clean(name), cleaned);
        }
        assert!(clean(&"x".repeat(999)).len() <= MAX_NAME);
        assert_eq!(numbered(7, "x/a.xml"), "007-a.xml");
    }
}
