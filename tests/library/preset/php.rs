//! `PHPUnit`.

use super::preset_project::{PresetProject, called, test};

const CLASSES: &str = r"<?php
use PHPUnit\Framework\TestCase;
class ATest extends TestCase
{
    public function test1() { $this->assertTrue(true); }
    public function test2() { $this->assertTrue(false); }
    public function test3() { throw new \Exception('boom'); }
    public function test4() { $this->markTestSkipped('why'); }
    public function test5() { $this->markTestIncomplete('todo'); }
    public function test6() { }
    /** @depends test1 */
    public function test7() { $this->assertTrue(true); }
    /** @depends test2 */
    public function test8() { $this->assertTrue(true); }
    /** @dataProvider rows */
    public function test9($x) { $this->assertSame(1, $x); }
    public static function rows() { return ['a b' => [1], 'c' => [2], [1]]; }
    /** @group left-out */
    public function testOut() { $this->assertTrue(true); }
}
";

const HOOKS: &str = r"<?php
use PHPUnit\Framework\TestCase;
class HookTest extends TestCase
{
    public static function setUpBeforeClass(): void { throw new \Exception('up'); }
    public function test1() { $this->assertTrue(true); }
    public function test2() { $this->assertTrue(true); }
}
";

const DOWN: &str = r"<?php
use PHPUnit\Framework\TestCase;
class DownTest extends TestCase
{
    public static function tearDownAfterClass(): void { throw new \Exception('down'); }
    public function test1() { $this->assertTrue(true); }
    /** @dataProvider rows */
    public function test2($x) { $this->assertTrue(true); }
    public static function rows() { throw new \Exception('no rows'); }
}
";

#[test]
fn phpunit_lists_and_reports_tests() {
    let Some(project) = PresetProject::installed("phpunit", "phpunit") else {
        return;
    };
    project.write("tests/ATest.php", CLASSES);
    project.write("tests/HookTest.php", HOOKS);
    project.write("tests/DownTest.php", DOWN);
    project.write(
        "phpunit.xml",
        "<phpunit cacheResult=\"false\"><testsuites><testsuite name=\"t\"><directory>tests</directory></testsuite></testsuites>\
         <groups><exclude><group>left-out</group></exclude></groups></phpunit>",
    );
    let listing = project.list();
    assert_eq!(listing.broken.len(), 1, "{listing:?}");
    assert!(listing.broken[0].contains("DownTest::test2"));
    let (ran, code) = project.run(&listing.tests);
    let expected = [
        ("ATest", "test1", "passed"),
        ("ATest", "test2", "failed"),
        ("ATest", "test3", "failed"),
        ("ATest", "test4", "skipped"),
        ("ATest", "test5", "skipped"),
        ("ATest", "test6", "passed"),
        ("ATest", "test7", "passed"),
        ("ATest", "test8", "skipped"),
        ("ATest", "test9 with data set \"a b\"", "passed"),
        ("ATest", "test9 with data set \"c\"", "failed"),
        ("ATest", "test9 with data set #0", "passed"),
        ("DownTest", "test1", "failed"),
        ("HookTest", "test1", "failed"),
        ("HookTest", "test2", "failed"),
    ];
    assert_eq!((ran.len(), code), (expected.len(), 2), "{ran:?}");
    for (suite, name, verdict) in expected {
        let verdict_of = &ran[&called(&test(suite, name))];
        assert!(verdict_of.starts_with(verdict), "{name}: {ran:?}");
    }
    // What a test depends on runs with it.
    let (ran, code) = project.run(&[test("ATest", "test7")]);
    assert_eq!((ran.len(), code), (2, 0), "{ran:?}");
    assert!(ran.values().all(|it| it == "passed"));
    let (ran, code) = project.run(&[test("ATest", "gone")]);
    assert_eq!((ran.len(), code), (0, 0));
}
