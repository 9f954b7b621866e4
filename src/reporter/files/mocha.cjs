// Reporter for mocha 11 and 12. Tests and reporter share a process: what a test does to it, it does to the stream. With
// TESTPLAN_LISTING it lists the tests of a dry run. In a session it runs the calls in place of mocha's one run.
'use strict';

const path = require('node:path');
const session = require('./session.cjs');
const stream = require('./event-stream.cjs');

module.exports = class EventStreamReporter {
  constructor(runner, options) {
    this.isServing = session.isWanted();
    if (this.isServing) {
      runner.run = (done) => {
        serve(runner, options).then(() => done(0));
        return runner;
      };
      return;
    }
    this.ids = new Map();
    this.openFile = undefined;
    const isListing = Boolean(process.env.TESTPLAN_LISTING);
    const wanted = stream.selection();
    if (isListing) list(runner);
    else printAsSpec(runner, options);
    // Tests that start a mocha of their own must not write here.
    delete process.env.TESTPLAN_EVENTS;
    delete process.env.TESTPLAN_SELECTION;
    // Not before the start: until then more tests may come (`--delay`), and those without `only` are still there.
    if (wanted) runner.once('start', () => select(runner, wanted));
    runner.once('start', () => stream.write('run_start', { v: 1, tool: `mocha ${version()}`.trim() }));
    runner.on('test', (test) => {
      this.enter(test);
      if (!test.isPending()) stream.write('test_start', this.line(test));
    });
    runner.on('pass', (test) => this.end(test, 'passed', {}));
    runner.on('retry', (test, error) => this.end(test, 'failed', stream.failure(error)));
    runner.on('pending', (test) => {
      this.enter(test);
      this.end(test, 'skipped', {});
    });
    runner.on('fail', (test, error) => this.fail(test, error));
    runner.once('end', () => {
      this.enter(undefined);
      stream.write('run_end', {});
    });
  }

  // After global fixtures have ended. What tests have left open must not keep the process of a session.
  done(failures, next) {
    next(failures);
    if (this.isServing) process.exit(failures ? 1 : 0);
  }

  fail(it, error) {
    const words = stream.failure(error);
    if (it.type === 'test') {
      this.enter(it);
      return this.end(it, 'failed', words);
    }
    const test = it.ctx?.currentTest;
    const isEach = /^"(before|after) each"/.test(it.title);
    if (isEach && test) this.end(test, 'failed', { ...words, message: `${stream.clean(it.title)}: ${words.message}` });
    const list = it.parent?.titlePath?.() ?? [];
    stream.write('error', {
      // A hook of the root suite is of no file that mocha knows, and may concern all.
      file: it.parent?.root ? '' : stream.file(it.file ?? it.parent?.file ?? test?.file),
      titles: stream.titles(list),
      ...words,
      message: `${stream.clean(it.title)}: ${words.message}`,
    });
  }

  end(test, status, words) {
    stream.write('test_end', { ...this.line(test), status, ms: test.duration, ...words });
  }

  // Files run one after the other.
  enter(test) {
    const file = test && stream.file(test.file);
    if (file === this.openFile) return;
    if (this.openFile !== undefined) stream.write('file_end', { file: this.openFile });
    if (file !== undefined) stream.write('file_start', { file });
    this.openFile = file;
  }

  line(test) {
    // A further attempt is a copy of the test.
    let first = test;
    while (first.retriedTest?.()) first = first.retriedTest();
    if (!this.ids.has(first)) this.ids.set(first, String(this.ids.size + 1));
    return {
      id: this.ids.get(first),
      file: stream.file(test.file),
      titles: stream.titles(test.titlePath()),
      attempt: (test.currentRetry?.() ?? 0) + 1,
    };
  }
};

// What mocha sets in its runner.
const SETTINGS = ['checkLeaks', 'fullStackTrace', 'asyncOnly', 'allowUncaught', 'forbidOnly', 'forbidPending', '_grep', '_invert', '_globals'];

// Calls of a session. All files are loaded once, as in a run of mocha's own, and share what they leave behind.
async function serve(runner, options) {
  const { suite, constructor: Runner } = runner;
  if (suite.hasOnly()) suite.filterOnly();
  const all = new Map();
  const visit = (it) => {
    all.set(it, [...it.tests]);
    it.suites.forEach(visit);
  };
  visit(suite);
  const obstacles = options.delay ? ['`delay` has the tests wait for the project'] : [];
  await session.serve({ tool: `mocha ${version()}`.trim(), obstacles }, async () => {
    for (const [it, tests] of all) it.tests = [...tests];
    suite.reset();
    const one = new Runner(suite, { ...runner._opts, cleanReferencesAfterRun: false });
    for (const name of SETTINGS) one[name] = runner[name];
    collectStats(one);
    new module.exports(one, options);
    const failures = await new Promise((resolve) => one.run(resolve, { files: options.files, options }));
    one.dispose();
    // A leak is reported once.
    runner._globals = one._globals;
    return Math.min(failures, 255);
  });
}

// What mocha's own reporter counts by.
function collectStats(runner) {
  try {
    const collector = require(found('mocha/lib/stats-collector.js'));
    (collector.createStatsCollector ?? collector.default ?? collector)(runner);
  } catch {
    runner.stats = { suites: 0, tests: 0, passes: 0, pending: 0, failures: 0 };
  }
}

// Leaves in the suites what is wanted. A suite without tests runs no hooks.
function select(runner, wanted) {
  const others = [];
  runner.suite.eachTest((test) => {
    if (!wanted.has(stream.key(test.file, test.titlePath()))) others.push(test);
  });
  for (const test of others) test.parent.tests.splice(test.parent.tests.indexOf(test), 1);
  runner.total = runner.grepTotal(runner.suite);
}

function list(runner) {
  const tests = [];
  runner.on('test end', (test) => tests.push({ file: test.file, titles: test.titlePath() }));
  runner.on('fail', (it, error) => process.stderr.write(`${it.fullTitle()}: ${error?.stack ?? error}\n`));
  runner.once('end', () => stream.writeListing(tests, []));
}

// mocha has one reporter: people read what its own would print.
function printAsSpec(runner, options) {
  try {
    const mocha = require(found('mocha'));
    const { Spec } = (mocha.default ?? mocha).reporters;
    new Spec(runner, options);
  } catch {
    // Another package has mocha in it.
  }
}

function version() {
  try {
    return require(found('mocha/package.json')).version;
  } catch {
    return '';
  }
}

// A file of the mocha that runs, or of the one beside the project.
function found(name) {
  return require.resolve(name, { paths: [path.dirname(process.argv[1] ?? ''), process.cwd()] });
}
