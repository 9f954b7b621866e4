//! GitHub's limits of texts. Cutting is a last resort: a report that is rendered to fit reads better.

use crate::text::prefix;

/// Most of a check run's summary and of its text each, in bytes: GitHub documents characters and counts bytes.
pub(crate) const LARGEST_TEXT: usize = 65_535;
/// Most of a comment with its marker, in bytes; GitHub refuses 65,536 and more.
pub(crate) const LARGEST_COMMENT: usize = 65_000;
/// Most of a status' description, in characters.
pub(crate) const LONGEST_DESCRIPTION: usize = 140;

const MORE: &str = "…";
const MORE_LINES: &str = "\n\n… cut here: GitHub takes no more.\n";

/// At most so many bytes, cut after a line.
pub(super) fn lines(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let kept = prefix(text, most.saturating_sub(MORE_LINES.len()));
    let kept = kept.rfind('\n').map_or(kept, |end| &kept[..end]);
    format!("{kept}{MORE_LINES}")
}

/// At most so many bytes.
pub(super) fn bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}{MORE}", prefix(text, most - MORE.len()))
}

/// At most so many characters.
pub(super) fn characters(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    kept + MORE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        for most in 40..90 {
            for text in ["é".repeat(60), "a€\n𝄞b\n".repeat(12), "x".repeat(most)] {
                for cut in [lines(&text, most), bytes(&text, most)] {
                    assert!(cut.len() <= most, "{cut}");
                    assert_eq!(cut == text, text.len() <= most, "{cut}");
                }
                let cut = characters(&text, most);
                assert!(cut.chars().count() <= most, "{cut}");
                assert_eq!(cut == text, text.chars().count() <= most, "{cut}");
            }
        }
        assert_eq!(
            lines(
                "one\ntwo\nthree and much more than what there is room for",
                50
            ),
            "one\ntwo\n\n… cut here: GitHub takes no more.\n"
        );
        assert_eq!(characters("12345", 4), "123…");
    }
}
