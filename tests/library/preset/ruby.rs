//! `RSpec` and Minitest.

use super::preset_project::{PresetProject, brief_verdicts, called, test};

#[test]
fn rspec_lists_and_reports_examples() {
    let Some(project) = PresetProject::installed("rspec", "rspec") else {
        return;
    };
    project.write(
        "spec/a_spec.rb",
        "RSpec.describe 'A' do
  it('1') {}
  it('2') { raise 'boom' }
  it { }
  it { raise 'two' }
  xit('3') {}
  it('4') { pending 'later'; raise 'x' }
  it('5') { pending 'later' }
  it('6')
  context('up') { before(:context) { raise 'up' }; it('7') {} }
  context('each') { after { raise 'each' }; it('8') {} }
  it('9') { puts '{\"t\":\"run_end\"}' }
end
",
    );
    project.write("spec/broken_spec.rb", "raise 'at load'\n");
    let listing = project.list();
    assert_eq!(listing.tests.len(), 11, "{listing:?}");
    assert_eq!(listing.broken.len(), 1);
    assert!(listing.broken[0].starts_with("spec/broken_spec.rb: "));
    let (verdicts, code) = brief_verdicts(&project);
    let expected = [
        "A > 1: passed",
        "A > 2: failed",
        "A > 3: skipped",
        "A > 4: skipped",
        "A > 5: failed",
        "A > 6: skipped",
        "A > 9: passed",
        "A > each > 8: failed",
        "A > it { raise 'two' }: failed",
        "A > it { }: passed",
        "A > up > 7: failed",
    ];
    let expected = expected.map(|it| format!("spec/a_spec.rb::{it}"));
    assert_eq!((verdicts, code), (expected.to_vec(), 1));
    // A file that cannot be loaded keeps no other file from running.
    let one = test("spec/a_spec.rb", "A > 1");
    let (ran, code) = project.run(&[one.clone(), test("spec/broken_spec.rb", "B > x")]);
    assert_eq!((ran[&called(&one)].as_str(), code), ("passed", 1));
    assert!(
        ran["spec/broken_spec.rb::B > x"].contains("at load"),
        "{ran:?}"
    );
    // A file that is gone has no test that failed.
    let (ran, code) = project.run(&[one, test("spec/gone_spec.rb", "B > x")]);
    assert_eq!((ran.len(), code), (1, 1), "{ran:?}");
}

#[test]
fn rspec_after_hook_of_a_group_is_an_error_outside_of_a_test() {
    let Some(project) = PresetProject::installed("rspec", "rspec") else {
        return;
    };
    project.write(
        "spec/a_spec.rb",
        "RSpec.describe('A') { after(:context) { raise 'down' }; it('1') {} }\n",
    );
    let (verdicts, code) = brief_verdicts(&project);
    assert_eq!((verdicts.len(), code), (2, 1));
    assert_eq!(
        verdicts[0],
        "spec/a_spec.rb::(outside any test case) A: failed"
    );
}

#[test]
fn minitest_lists_and_reports_tests() {
    let Some(project) = PresetProject::installed("minitest", "ruby") else {
        return;
    };
    project.write(
        "test/base.rb",
        "require 'minitest'\nclass Base < Minitest::Test\n  def test_base; end\nend\n",
    );
    project.write(
        "test/a_test.rb",
        "require 'minitest/autorun'
require 'base'
class T < Base
  def test_1; end
  def test_2; flunk 'boom'; end
  def test_3; raise 'boom'; end
  def test_4; skip 'why'; end
end
class Down < Minitest::Test
  def teardown; raise 'down'; end
  def test_1; end
end
class Threads < Minitest::Test
  parallelize_me!
  def test_1; end
  def test_2; flunk 'two'; end
end
describe 'S' do
  it('same') {}
end
",
    );
    project.write(
        "test/test_b.rb",
        "require 'minitest/autorun'\ndescribe('S') { it('same') { raise 'in b' } }\n",
    );
    project.write(
        "test/c_test.rb",
        "require 'minitest/autorun'\nclass C < Minitest::Test\n  def test_1; end\nend\nraise 'at load'\n",
    );
    let listing = project.list();
    assert_eq!(listing.broken, ["test/c_test.rb: RuntimeError: at load"]);
    let (verdicts, code) = brief_verdicts(&project);
    let expected = [
        "a_test.rb::Base#test_base: passed",
        "a_test.rb::Down#test_1: failed",
        "a_test.rb::S#test_0001_same: passed",
        "a_test.rb::T#test_1: passed",
        "a_test.rb::T#test_2: failed",
        "a_test.rb::T#test_3: failed",
        "a_test.rb::T#test_4: skipped",
        "a_test.rb::T#test_base: passed",
        "a_test.rb::Threads#test_1: passed",
        "a_test.rb::Threads#test_2: failed",
        "test_b.rb::S#test_0001_same: failed",
    ];
    let expected = expected.map(|it| format!("test/{it}"));
    assert_eq!((verdicts, code), (expected.to_vec(), 1));
    let broken = test("test/c_test.rb", "C#test_1");
    let (ran, code) = project.run(&[broken.clone(), test("test/gone_test.rb", "G#test_1")]);
    assert_eq!((ran.len(), code), (1, 1), "{ran:?}");
    assert!(ran[&called(&broken)].starts_with("failed"), "{ran:?}");
}
