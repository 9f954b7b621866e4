//! The usual of several numbers.

/// The median; of an even count the lower one of the middle. `None` of nothing.
pub(crate) fn median(numbers: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut sorted: Vec<u64> = numbers.into_iter().collect();
    sorted.sort_unstable();
    let middle = sorted.len().checked_sub(1)? / 2;
    sorted.get(middle).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle_one() {
        assert_eq!(median([9, 1, 5]), Some(5));
        assert_eq!(median([9, 1]), Some(1));
        assert_eq!(median([]), None);
    }
}
