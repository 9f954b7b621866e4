//! Suggestions for misspelled words.

/// The candidate that is nearest to `wanted`, if it is near enough to be a typing mistake.
///
/// Case and the difference of `-`, `_` and blank count little. A candidate that `wanted` begins or that begins
/// `wanted` is near too, from three characters on. Of equally near candidates the first wins.
pub(crate) fn nearest<'a, S: AsRef<str> + ?Sized + 'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str> {
    if wanted.len() > LONGEST {
        return None;
    }
    let folded = fold(wanted);
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates.into_iter().map(AsRef::as_ref) {
        let score = likeness(&folded, candidate);
        if score >= NEAR && best.is_none_or(|(found, _)| score > found) {
            best = Some((score, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Likeness from which a candidate is offered; 1 is equal.
const NEAR: f64 = 0.6;
/// Longer texts are not compared: the distance costs the product of both lengths.
const LONGEST: usize = 256;

fn likeness(folded: &str, candidate: &str) -> f64 {
    if candidate.len() > LONGEST {
        return 0.0;
    }
    let other = fold(candidate);
    let likeness = strsim::normalized_damerau_levenshtein(folded, &other);
    let begins = folded.chars().count().min(other.chars().count()) >= 3
        && (other.starts_with(folded) || folded.starts_with(&other));
    if begins { likeness.max(NEAR) } else { likeness }
}

fn fold(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|c| if matches!(c, '_' | ' ') { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_mistakes_and_no_other_words() {
        let keys = ["command", "results", "exit-codes", "timeout"];
        let table = [
            ("tiemout", Some("timeout")),
            ("Timeout", Some("timeout")),
            ("exit_codes", Some("exit-codes")),
            ("exitcodes", Some("exit-codes")),
            ("exit", Some("exit-codes")),
            ("cmd", None),
            ("result", Some("results")),
            ("colour", None),
            ("", None),
            ("e", None),
        ];
        for (wanted, expected) in table {
            assert_eq!(nearest(wanted, &keys), expected, "{wanted}");
        }
    }

    #[test]
    fn takes_owned_candidates_and_the_nearest_of_them() {
        let titles = vec!["CI Tests main".to_owned(), "CI Tests master".to_owned()];
        assert_eq!(nearest("ci test master", &titles), Some("CI Tests master"));
        assert_eq!(nearest(&"x".repeat(300), &titles), None);
        assert_eq!(nearest::<str>("x", []), None);
    }
}
