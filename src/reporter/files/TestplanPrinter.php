<?php
/**
 * Printer for PHPUnit 9: lists the tests for TESTPLAN_LISTING, or leaves those of TESTPLAN_SELECTION in the suite and writes
 * an event stream. docs/event-stream.md describes the format.
 */

use PHPUnit\Framework\AssertionFailedError;
use PHPUnit\Framework\ErrorTestCase;
use PHPUnit\Framework\SyntheticError;
use PHPUnit\Framework\Test;
use PHPUnit\Framework\TestCase;
use PHPUnit\Framework\TestResult;
use PHPUnit\Framework\TestSuite;
use PHPUnit\Framework\Warning;
use PHPUnit\Framework\WarningTestCase;
use PHPUnit\Runner\Filter\Factory;
use PHPUnit\TextUI\DefaultResultPrinter;

final class TestplanPrinter extends DefaultResultPrinter
{
    private const MOST_TEXT = 64 * 1024;
    private const MOST_MESSAGE = 4 * 1024;

    /** @var ?string */
    private $events;
    /** @var ?string */
    private $listing;
    /** @var array<string, true> the selected tests, as `CLASS<tab>NAME` */
    private $wanted = [];
    /** @var int|false */
    private $process;
    /** @var bool */
    private $hasStarted = false;
    /** @var array<string, array> what is known of the test that runs, by its key */
    private $outcomes = [];
    /** @var array<string, array> the tests that ended, with their lines */
    private $ended = [];
    /** @var array<string, string> */
    private $ids = [];

    public function __construct(...$arguments)
    {
        parent::__construct(...$arguments);
        $this->process = getmypid();
        // Taken out: tests that start PHPUnit themselves must not write here.
        $this->events = self::take('TESTPLAN_EVENTS');
        $this->listing = self::take('TESTPLAN_LISTING');
        $list = self::take('TESTPLAN_SELECTION');
        if ($list !== null) {
            $this->wanted = array_fill_keys(array_filter(explode("\n", (string) file_get_contents($list)), 'strlen'), true);
        }
    }

    public function startTestSuite(TestSuite $suite): void
    {
        if (!$this->hasStarted) {
            $this->hasStarted = true;
            $this->listing === null ? $this->select($suite) : $this->list($suite);
        }
        parent::startTestSuite($suite);
    }

    public function startTest(Test $test): void
    {
        parent::startTest($test);
        $this->outcomes[self::key($test)] = ['status' => 'passed'];
        $this->append('test_start', $this->line($test));
    }

    public function endTest(Test $test, float $time): void
    {
        parent::endTest($test, $time);
        $key = self::key($test);
        $outcome = $this->outcomes[$key] ?? ['status' => 'error', 'message' => 'PHPUnit reported no start of it'];
        unset($this->outcomes[$key]);
        if (isset($outcome['outside'])) {
            return;
        }
        $this->ended[$key] = $this->line($test);
        $this->append('test_end', $this->line($test) + ['ms' => round($time * 1000, 3)] + $outcome);
    }

    public function addError(Test $test, \Throwable $t, float $time): void
    {
        parent::addError($test, $t, $time);
        $this->record($test, 'error', $t);
    }

    public function addFailure(Test $test, AssertionFailedError $e, float $time): void
    {
        parent::addFailure($test, $e, $time);
        if ($e instanceof SyntheticError && !isset($this->wanted[self::key($test)])) {
            $this->failClass($test, $e);
        } else {
            $this->record($test, 'failed', $e);
        }
    }

    public function addWarning(Test $test, Warning $e, float $time): void
    {
        parent::addWarning($test, $e, $time);
        // Only those of PHPUnit itself, such as a class without tests; they are no failures for it.
        $this->outcomes[self::key($test)]['message'] = $this->cut($e->getMessage(), self::MOST_MESSAGE);
    }

    public function addIncompleteTest(Test $test, \Throwable $t, float $time): void
    {
        parent::addIncompleteTest($test, $t, $time);
        $this->record($test, 'skipped', $t);
    }

    public function addSkippedTest(Test $test, \Throwable $t, float $time): void
    {
        parent::addSkippedTest($test, $t, $time);
        // PHPUnit gives the error to the first test of the class alone.
        $isHook = $t->getMessage() === 'Test skipped because of an error in hook method';
        $this->record($test, $isHook ? 'error' : 'skipped', $t);
    }

    public function printResult(TestResult $result): void
    {
        parent::printResult($result);
        if ($this->listing === null) {
            $this->append('run_end', []);
        }
    }

    private function list(TestSuite $suite): void
    {
        $tests = [];
        $broken = [];
        foreach (self::testsOf($suite) as $test) {
            if ($test instanceof ErrorTestCase || $test instanceof WarningTestCase) {
                $broken[] = $this->clean(trim($test->getMessage()));
            } elseif ($test instanceof TestCase) {
                $tests[] = ['suite' => get_class($test), 'testcase' => $this->clean($test->getName())];
            } else {
                $broken[] = get_class($test) . ' is a test of its own kind, which has no name';
            }
        }
        $flags = JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;
        file_put_contents($this->listing, json_encode(['tests' => $tests, 'broken' => $broken], $flags));
        $this->filter($suite, static function (): bool {
            return false;
        });
    }

    private function select(TestSuite $suite): void
    {
        $this->append('run_start', ['v' => 1, 'tool' => 'PHPUnit ' . \PHPUnit\Runner\Version::id()]);
        $methods = $this->withDependencies($suite);
        $this->filter($suite, function (Test $test) use ($methods): bool {
            return isset($this->wanted[self::key($test)])
                || $test instanceof TestCase && isset($methods[get_class($test) . '::' . $test->getName(false)]);
        });
    }

    /** The methods that the selected tests depend on: without them, PHPUnit skips the tests. */
    private function withDependencies(TestSuite $suite): array
    {
        $required = [];
        $open = [];
        foreach (self::testsOf($suite) as $test) {
            if ($test instanceof TestCase) {
                $name = get_class($test) . '::' . $test->getName(false);
                foreach ($test->requires() as $dependency) {
                    $required[$name][] = $dependency->getTarget();
                }
                if (isset($this->wanted[self::key($test)])) {
                    $open[] = $name;
                }
            }
        }
        $methods = [];
        while ($open !== []) {
            foreach ($required[array_pop($open)] ?? [] as $target) {
                if (!isset($methods[$target])) {
                    $methods[$target] = true;
                    $open[] = $target;
                }
            }
        }
        return $methods;
    }

    /** Adds a filter to those that the project has. */
    private function filter(TestSuite $suite, callable $accepts): void
    {
        $property = new \ReflectionProperty(TestSuite::class, 'iteratorFilter');
        $property->setAccessible(true);
        $factory = $property->getValue($suite) ?? new Factory();
        TestplanFilter::$accepts = $accepts;
        $factory->addFilter(new \ReflectionClass(TestplanFilter::class), '');
        $suite->injectFilter($factory);
    }

    private static function testsOf(TestSuite $suite): iterable
    {
        foreach ($suite as $test) {
            if ($test instanceof TestSuite) {
                yield from self::testsOf($test);
            } else {
                yield $test;
            }
        }
    }

    /** A failed `tearDownAfterClass` fails the tests of its class. */
    private function failClass(Test $test, \Throwable $t): void
    {
        $this->outcomes[self::key($test)]['outside'] = true;
        $words = ['status' => 'error'] + $this->words($t);
        $its = [];
        if (preg_match('/^Exception in (\S+)::/', $t->getMessage(), $match)) {
            foreach ($this->ended as $key => $line) {
                if (strpos($key, $match[1] . "\t") === 0) {
                    $its[] = $line;
                }
            }
        }
        foreach ($its as $line) {
            $this->append('test_end', $line + $words);
        }
        if ($its === []) {
            $this->append('error', $this->words($t));
        }
    }

    private function record(Test $test, string $status, \Throwable $t): void
    {
        $this->outcomes[self::key($test)] = ['status' => $status] + $this->words($t);
    }

    private function words(\Throwable $t): array
    {
        $message = trim($t->getMessage());
        return [
            'message' => $this->cut($message === '' ? get_class($t) : $message, self::MOST_MESSAGE),
            'kind' => get_class($t),
            'text' => $this->cut($message . "\n" . $t->getFile() . ':' . $t->getLine(), self::MOST_TEXT),
        ];
    }

    private static function key(Test $test): string
    {
        return get_class($test) . "\t" . ($test instanceof TestCase ? $test->getName() : '');
    }

    private function line(Test $test): array
    {
        $key = self::key($test);
        $this->ids[$key] = $this->ids[$key] ?? (string) (count($this->ids) + 1);
        [$class, $name] = explode("\t", $key, 2);
        return ['id' => $this->ids[$key], 'file' => $class, 'titles' => [$this->clean($name)]];
    }

    private function append(string $kind, array $event): void
    {
        // A test may have forked a process that runs on behind it.
        if ($this->events === null || getmypid() !== $this->process) {
            return;
        }
        $line = json_encode(
            ['t' => $kind, 'pid' => $this->process] + $event,
            JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE
        );
        // Newlines on both sides: what another process broke off must not spoil this line.
        if (file_put_contents($this->events, "\n$line\n", FILE_APPEND) === false) {
            $this->events = null;
        }
    }

    private function clean(string $text): string
    {
        return (string) preg_replace('/\x1b\[[0-?]*[ -\/]*[@-~]/', '', $text);
    }

    /** Both ends of a text that is too long. */
    private function cut(string $text, int $most): string
    {
        $text = $this->clean($text);
        if (strlen($text) <= $most) {
            return $text;
        }
        $left = strlen($text) - $most;
        return substr($text, 0, $most >> 1) . "\n[… $left bytes left out …]\n" . substr($text, -($most >> 1));
    }

    private static function take(string $name): ?string
    {
        $value = getenv($name);
        putenv($name);
        unset($_ENV[$name], $_SERVER[$name]);
        return $value === false || $value === '' ? null : $value;
    }
}

final class TestplanFilter extends \RecursiveFilterIterator
{
    /** @var callable */
    public static $accepts;

    public function __construct(\RecursiveIterator $iterator, $unused = '', ?TestSuite $suite = null)
    {
        parent::__construct($iterator);
    }

    public function accept(): bool
    {
        $test = $this->getInnerIterator()->current();
        return $test instanceof TestSuite || (self::$accepts)($test);
    }
}
