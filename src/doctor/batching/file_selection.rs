//! Chooses whole files, spread evenly over a list of tests.

/// At most `most` tests, in the order of the list: whole files, spread evenly over it. The last file that is chosen is cut to
/// the number that is left.
pub(crate) fn choose<T>(tests: Vec<T>, file: impl Fn(&T) -> &str, most: usize) -> Vec<T> {
    if tests.len() <= most {
        return tests;
    }
    let mut files: Vec<&str> = Vec::new();
    let mut file_of = Vec::with_capacity(tests.len());
    let mut places = std::collections::HashMap::new();
    for test in &tests {
        let name = file(test);
        let place = *places.entry(name).or_insert_with(|| {
            files.push(name);
            files.len() - 1
        });
        file_of.push(place);
    }
    let mut sizes = vec![0; files.len()];
    for place in &file_of {
        sizes[*place] += 1;
    }
    let mut left = most;
    let mut taken = vec![0; files.len()];
    for place in spread(files.len()) {
        taken[place] = left.min(sizes[place]);
        left -= taken[place];
    }
    let chosen = tests.into_iter().zip(file_of).filter_map(|(test, place)| {
        let is_taken = taken[place] > 0;
        taken[place] -= usize::from(is_taken);
        is_taken.then_some(test)
    });
    chosen.collect()
}

/// The numbers below `count`, in an order of which each beginning is spread evenly: by their binary digits in reverse.
fn spread(count: usize) -> impl Iterator<Item = usize> {
    let range = count.next_power_of_two();
    let bits = range.trailing_zeros();
    let reversed = move |number: usize| match bits {
        0 => 0,
        bits => number.reverse_bits() >> (usize::BITS - bits),
    };
    (0..range).map(reversed).filter(move |it| *it < count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chosen tests of files with so many tests each, as `FILE/NUMBER`.
    fn chosen(files: &[(&str, usize)], most: usize) -> Vec<String> {
        let files = files.iter();
        let tests: Vec<(&str, usize)> = files
            .flat_map(|(file, count)| (0..*count).map(move |number| (*file, number)))
            .collect();
        let chosen = choose(tests, |(file, _)| file, most);
        let chosen = chosen.into_iter();
        chosen
            .map(|(file, number)| format!("{file}/{number}"))
            .collect()
    }

    #[test]
    fn all_tests_are_taken_if_they_are_few_enough() {
        assert_eq!(chosen(&[("a", 2), ("b", 1)], 3), ["a/0", "a/1", "b/0"]);
        assert!(chosen(&[], 3).is_empty());
    }

    #[test]
    fn whole_files_are_spread_over_the_list() {
        let names: Vec<String> = (0..8).map(|number| format!("f{number}")).collect();
        let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 2)).collect();
        assert_eq!(
            chosen(&files, 4),
            ["f0/0", "f0/1", "f4/0", "f4/1"],
            "a beginning and a middle"
        );
        assert_eq!(
            chosen(&files, 8),
            [
                "f0/0", "f0/1", "f2/0", "f2/1", "f4/0", "f4/1", "f6/0", "f6/1"
            ]
        );
    }

    #[test]
    fn last_file_is_cut_to_what_is_left() {
        assert_eq!(
            chosen(&[("a", 3), ("b", 1), ("c", 3)], 5),
            ["a/0", "a/1", "a/2", "c/0", "c/1"]
        );
        assert_eq!(chosen(&[("a", 9)], 2), ["a/0", "a/1"]);
    }

    #[test]
    fn each_number_comes_once() {
        for count in [0, 1, 2, 3, 7, 8, 9] {
            let mut numbers: Vec<usize> = spread(count).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..count).collect::<Vec<_>>());
        }
    }
}
