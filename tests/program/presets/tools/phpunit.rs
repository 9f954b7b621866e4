//! `PHPUnit`. The odd names are those of data sets.

use crate::presets::tool::{Tool, any, lines, none, starts};

pub(crate) static PHPUNIT: Tool = Tool {
    preset: "phpunit",
    mode: "batch",
    suite: "App\\Tests\\TTest",
    testcase: |name| format!("testIt with data set \"{name}\""),
    can_have: any,
    refuses: none,
    has_stream: true,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || starts("phpunit").then(|| vec!["phpunit".to_owned()]),
    run_all: &[],
    write: |stage, tests| {
        stage.write("tests.txt", lines(tests));
        stage.write("phpunit.xml", CONFIGURATION);
        stage.write("tests/TTest.php", CLASS);
    },
};

const CONFIGURATION: &str = "<phpunit cacheResult=\"false\"><testsuites><testsuite name=\"t\">\
    <directory>tests</directory></testsuite></testsuites></phpunit>\n";

const CLASS: &str = r#"<?php
namespace App\Tests;

class TTest extends \PHPUnit\Framework\TestCase
{
    /** @dataProvider rows */
    public function testIt(string $does): void
    {
        file_put_contents('ran', $this->getName() . "\n", FILE_APPEND);
        if ($does === 'exits') {
            exit(0);
        }
        while ($does === 'waits' && file_exists('tests.txt') && !file_exists('go')) {
            usleep(20000);
            clearstatcache();
        }
        $this->assertNotSame('fails', $does);
    }

    public static function rows(): iterable
    {
        foreach (file('tests.txt', FILE_IGNORE_NEW_LINES) as $line) {
            [$does, $name] = explode("\t", $line, 2);
            yield $name => [$does];
        }
    }
}
"#;
