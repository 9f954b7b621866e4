//! Names that are easily mistaken: none is lost, and none runs in place of another.

use super::workbench::{Way, Workbench};

fn odd_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "a b",
        "a  b",
        "a-b",
        "a.b",
        "a,b",
        "a::b",
        "a*b",
        "a?b",
        "a[b]",
        "a(b)",
        "a{b}",
        "a|b",
        "a^b$",
        "a\\b",
        "a'b",
        "a\"b\"",
        "a<b>",
        "a&b",
        "a=b",
        "a;b",
        "a#b",
        "a%b",
        "a@b",
        "a~b",
        "a!b",
        "a+b",
        "a$b",
        "a`b`",
        "a/b",
        "é ü 漢字",
        "🦀",
        "{tests}",
        "{suite}",
        "--option",
        "-x",
        "@file",
        "test_p[1-b c]",
        "test_p[2]",
        "S (x) > in > a b",
        "1",
        "a",
        "b",
        "A",
        "a_b",
        ".",
        "*",
        "[",
        "(",
        "\\",
        "\"",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("long ".repeat(60));
    names.push(format!("{}x", "long ".repeat(60)));
    names.extend((0..450).map(|n| {
        format!(
            "test {n} of [many], with a name (x) * .? that is \"long\" {}",
            "y".repeat(n % 250)
        )
    }));
    names
        .into_iter()
        .map(|name| format!("suite a::{name}"))
        .collect()
}

#[tokio::test]
async fn odd_names_are_called_once_and_exactly() {
    for in_a_file in [false, true] {
        let bench = Workbench::new(&Way {
            in_a_file,
            keys: "  batch: { most: 100 }\n",
            ..Way::default()
        });
        let names = odd_names();
        let asked: Vec<&str> = names.iter().map(String::as_str).collect();
        let done = bench.run(&asked).await;
        let passed = done.with_verdict("passed");
        let others: Vec<_> = asked.iter().filter(|name| !passed.contains(name)).collect();
        assert!(others.is_empty(), "{others:?}: {}", done.verdict(others[0]));
        assert_eq!(bench.calls() - done.released(), names.len().div_ceil(100));
        let mut ran = bench.ran();
        ran.sort();
        ran.dedup();
        let mut expected = names.clone();
        expected.sort();
        assert_eq!(ran, expected, "no other test ran");
        let again: Vec<_> = asked
            .iter()
            .filter(|name| !done.end(name).released.is_empty())
            .collect();
        assert!(again.is_empty(), "not recognised in a call: {again:?}");
    }
}

#[tokio::test]
async fn tests_beyond_the_argument_limit_run_in_a_further_call() {
    let bench = Workbench::new(&Way {
        keys: "  batch: { most: 1000 }\n",
        ..Way::default()
    });
    let names: Vec<String> = (0..600)
        .map(|n| format!("s::{n} {}", "x".repeat(900)))
        .collect();
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let done = bench.run(&asked).await;
    assert_eq!(done.with_verdict("passed").len(), 600);
    assert_eq!((bench.calls(), done.released()), (3, 0));
}

#[tokio::test]
async fn name_that_no_call_can_have_is_refused_alone() {
    for (in_a_file, name, keys) in [
        (false, "s::", "  batch: { most: 5 }\n"),
        (true, "s::a\nb", ""),
        (true, "s::a\rb", ""),
        (false, "../s::a", ""),
        (false, "-s::a", ""),
        (true, "-s::a", ""),
    ] {
        let bench = Workbench::new(&Way {
            keys,
            in_a_file,
            ..Way::default()
        });
        let done = bench.run(&["s::x", name, "s::y"]).await;
        assert_eq!(done.with_verdict("passed"), ["s::x", "s::y"]);
        let refused = done.verdict(name);
        assert!(
            refused.starts_with("error: the command could not be made"),
            "{name:?}: {refused}"
        );
        assert_eq!((bench.calls(), bench.ran().len()), (1, 2));
    }
}

#[tokio::test]
async fn line_break_in_an_argument_is_part_of_the_name() {
    let bench = Workbench::new(&Way::default());
    let done = bench.run(&["s::x", "s::a\nb"]).await;
    // An attribute of XML has a blank in place of a line break.
    assert_eq!(done.with_verdict("passed"), ["s::a\nb", "s::x"], "{done:?}");
}
