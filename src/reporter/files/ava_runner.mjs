// Runs ava 7 for testplan: lists the tests of a run that matches none, or runs those of TESTPLAN_SELECTION and writes an event
// stream. ava has no option for a reporter of one's own, so this file adds to the one that it uses. Arguments are those of ava.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const stream = require('./event-stream.cjs');

// A title that no test has.
const NO_TEST = 'testplan lists the tests and runs none of them: 9f3b0c52';

// ava does not export what is needed here, so its folder is looked for as Node does.
function folderOfAva() {
  for (let folder = process.cwd(); ; folder = path.dirname(folder)) {
    const found = path.join(folder, 'node_modules', 'ava');
    if (fs.existsSync(path.join(found, 'package.json'))) return found;
    if (folder === path.dirname(folder)) {
      process.stderr.write('ava is not installed in this folder or one around it: install it, for example with `npm ci`\n');
      process.exit(3);
    }
  }
}

// What ava takes for a pattern becomes a sign that stands for any other. Titles and files that match as well run too, under names
// of their own.
const titlePattern = (title) => title.replaceAll('\\', '*').replace(/^!/, '*');
const filePattern = (file) => file.replace(/[\\[\]{}()*?!+@|$^:]/g, '?');

// What happened in one run, as lines of a stream and as a listing.
class Run {
  constructor() {
    this.declared = new Map();
    this.ids = new Map();
    this.broken = new Map();
    this.isInOrder = true;
  }

  observe(plan) {
    plan.status.on('stateChange', (event) => this.see(event));
  }

  line(event, title = event.title) {
    const file = stream.file(event.testFile);
    const key = `${file}\t${title}`;
    if (!this.ids.has(key)) this.ids.set(key, String(this.ids.size + 1));
    return { id: this.ids.get(key), file, titles: stream.titles([title]) };
  }

  see(event) {
    const title = event.title;
    switch (event.type) {
      case 'declared-test':
        this.declared.set(event.testFile, [...(this.declared.get(event.testFile) ?? []), title]);
        break;
      case 'selected-test':
        if (event.todo) stream.write('test_end', { ...this.line(event), status: 'skipped', message: 'todo' });
        else if (event.skip) stream.write('test_end', { ...this.line(event), status: 'skipped' });
        break;
      case 'test-passed':
        stream.write('test_end', { ...this.line(event), status: 'passed', ms: event.duration });
        break;
      case 'test-failed':
        stream.write('test_end', { ...this.line(event), status: 'failed', ms: event.duration, ...words(event.err) });
        break;
      case 'hook-failed':
        this.failHook(event);
        break;
      case 'uncaught-exception':
      case 'unhandled-rejection':
      case 'worker-failed':
      case 'missing-ava-import':
      case 'internal-error':
      case 'shared-worker-error':
        this.fail(event);
        break;
      // Tests were cut off: those without a result have none.
      case 'process-exit':
      case 'timeout':
      case 'interrupt':
        this.isInOrder = false;
        break;
      default:
    }
  }

  // The title of a hook for one test ends with the title of the test.
  failHook(event) {
    const its = (this.declared.get(event.testFile) ?? []).filter((title) => event.title.endsWith(` hook for ${title}`));
    const failure = words(event.err);
    const message = `${stream.clean(event.title)}: ${failure.message}`;
    const title = its.sort((a, b) => b.length - a.length)[0];
    if (title) stream.write('test_end', { ...this.line(event, title), status: 'failed', ...failure, message });
    else stream.write('error', { file: stream.file(event.testFile), ...failure, message });
  }

  // A file that declared no test could not be loaded. Later, nothing says which test is to blame.
  fail(event) {
    const failure = event.err ? words(event.err) : { message: `ava reports ${event.type}` };
    const file = event.testFile && stream.file(event.testFile);
    if (file && this.declared.has(event.testFile)) {
      this.isInOrder = false;
      return;
    }
    if (this.broken.has(file)) return;
    this.broken.set(file, failure.message);
    stream.write('error', { file, ...failure });
  }

  list() {
    const tests = [...this.declared].flatMap(([file, titles]) => titles.map((title) => ({ file, titles: [title] })));
    stream.writeListing(tests, [...this.broken].map(([file, why]) => `${file || 'ava'}: ${why.split('\n')[0]}`));
  }
}

function words(error) {
  const details = (error?.formattedDetails ?? []).map(({ label, formatted }) => `${label}\n${formatted}`);
  const cause = error?.originalError?.message ?? error?.cause?.message;
  const isPlain = error?.message && !/^Error thrown in test/.test(error.message);
  const message = (isPlain && error.message) || cause || details[0] || error?.message || 'it failed';
  const text = [error?.stack ?? '', ...details].filter(Boolean).join('\n\n');
  return {
    message: stream.cut(message, stream.MOST_MESSAGE),
    kind: stream.clean(error?.name ?? error?.originalError?.name ?? ''),
    text: stream.cut(text, stream.MOST_TEXT),
  };
}

async function main() {
  const ava = folderOfAva();
  const load = async (file) => (await import(pathToFileURL(path.join(ava, file)).href)).default;
  const isListing = Boolean(process.env.TESTPLAN_LISTING);
  const selection = [...(stream.selection() ?? [])].map((line) => line.split('\t'));
  const files = [...new Set(selection.map(([file]) => file))].filter((file) => fs.existsSync(file));
  const version = JSON.parse(fs.readFileSync(path.join(ava, 'package.json'), 'utf8')).version;
  const run = new Run();
  const added = isListing
    ? ['--match', NO_TEST]
    : [...selection.map(([, title]) => `--match=${titlePattern(title)}`), ...files.map(filePattern)];
  process.argv.splice(1, 1, path.join(ava, 'entrypoints', 'cli.mjs'));
  const dashes = process.argv.indexOf('--', 2);
  process.argv.splice(dashes < 0 ? process.argv.length : dashes, 0, ...added);
  if (!isListing) stream.write('run_start', { v: 1, tool: `ava ${version}` });
  if (!isListing && files.length === 0) {
    stream.write('run_end', {});
    return;
  }
  for (const file of ['lib/reporters/default.js', 'lib/reporters/tap.js']) {
    const Reporter = await load(file);
    const start = Reporter.prototype.startRun;
    Reporter.prototype.startRun = function startRun(plan) {
      run.observe(plan);
      return start.call(this, plan);
    };
  }
  const listing = process.env.TESTPLAN_LISTING;
  process.once('exit', (code) => {
    if (isListing) {
      process.env.TESTPLAN_LISTING = listing;
      run.list();
      // A run without a test has failed for ava.
      if (code === 1 && run.declared.size > 0) process.exitCode = 0;
    } else if (run.isInOrder) {
      stream.write('run_end', {});
    }
  });
  // Tests that start an ava of their own must not write here.
  for (const name of ['TESTPLAN_EVENTS', 'TESTPLAN_SELECTION', 'TESTPLAN_LISTING']) delete process.env[name];
  await (await load('lib/cli.js'))();
}

await main();
