//! Minitest.

use crate::presets::{
    tool::{Tool, any, lines, none, starts},
    tools::rspec::ACT,
};

pub(crate) static MINITEST: Tool = Tool {
    preset: "minitest",
    mode: "batch",
    suite: "test/a b/[t] (x)_test.rb",
    testcase: |name| format!("T#test_ {name}"),
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || starts("ruby").then(|| vec!["ruby".to_owned()]),
    run_all: &["test/a b/[t] (x)_test.rb"],
    write: |stage, tests| {
        stage.write("tests.txt", lines(tests));
        stage.write(MINITEST.suite, format!("{ACT}{CLASS}"));
    },
};

const CLASS: &str = "
require 'minitest/autorun'
class T < Minitest::Test
  i_suck_and_my_tests_are_order_dependent!
  TESTS.each { |does, name| define_method(\"test_ #{name}\") { act(\"T#test_ #{name}\", does) } }
end
";
