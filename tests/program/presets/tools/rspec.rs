//! `RSpec`.

use crate::presets::tool::{Tool, any, lines, none, starts};

pub(crate) static RSPEC: Tool = Tool {
    preset: "rspec",
    mode: "batch",
    suite: "spec/a b/[t] (x)_spec.rb",
    testcase: |name| format!("S (x) > {name}"),
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || starts("rspec").then(|| vec!["rspec".to_owned()]),
    run_all: &[],
    write: |stage, tests| {
        stage.write("tests.txt", lines(tests));
        stage.write(RSPEC.suite, format!("{ACT}{SPEC}"));
    },
};

/// What a test does, for Ruby.
pub(super) const ACT: &str = "
def act(name, does)
  File.open('ran', 'a') { |ran| ran.puts(name) }
  exit(0) if does == 'exits'
  sleep 0.02 while does == 'waits' && File.exist?('tests.txt') && !File.exist?('go')
  raise 'boom' if does == 'fails'
end
TESTS = File.read('tests.txt', encoding: 'UTF-8').lines.map { |line| line.chomp.split(\"\\t\", 2) }
";

const SPEC: &str = "
RSpec.describe 'S (x)' do
  TESTS.each { |does, name| it(name) { act(\"S (x) > #{name}\", does) } }
end
";
