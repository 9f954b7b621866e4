//! Parts of texts that are too long to show, cut between two characters.

pub use crate::text::{prefix, suffix};

/// At most `max` bytes; what is cut ends in `…`.
pub fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max {
        text.to_owned()
    } else {
        format!("{}…", prefix(text, max.saturating_sub('…'.len_utf8())))
    }
}

/// The first and last `each` lines, and a line that counts those between.
pub fn ends_of(text: &str, each: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= 2 * each {
        return lines.join("\n");
    }
    format!(
        "{}\n… {} lines left out …\n{}",
        lines[..each].join("\n"),
        lines.len() - 2 * each,
        lines[lines.len() - each..].join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_are_between_characters() {
        assert_eq!(shorten("ééé", 6), "ééé");
        assert_eq!(shorten("éééé", 6), "é…");
        assert_eq!(suffix("aé", 1), "");
    }

    #[test]
    fn both_ends_are_kept() {
        assert_eq!(ends_of("1\n2\n3\n4\n5", 1), "1\n… 3 lines left out …\n5");
        assert_eq!(ends_of("1\n2", 1), "1\n2");
    }
}
