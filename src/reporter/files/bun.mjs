// Runs `bun test` and turns its JUnit file into an event stream, or with TESTPLAN_LISTING into a listing: bun has no
// reporters of others and no listing, and its file names groups from the inside out, so that only the elements around a
// test show its titles.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import stream from './event-stream.cjs';
import { cases, isWhole } from './junit.mjs';

const listing = process.env.TESTPLAN_LISTING;
const wanted = stream.selection();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'testplan-bun-'));
let next = 0;
function run() {
  const junit = path.join(folder, 'junit.xml');
  const environment = { ...process.env };
  // Tests that start a bun of their own must not write here.
  for (const name of ['TESTPLAN_EVENTS', 'TESTPLAN_SELECTION', 'TESTPLAN_LISTING']) delete environment[name];
  // No text matches this pattern: all tests are in the file as skipped.
  const none = listing ? ['--test-name-pattern=$.^'] : [];
  const options = ['test', '--reporter=junit', `--reporter-outfile=${junit}`, ...none, ...process.argv.slice(2)];
  stream.write('run_start', { v: 1, tool: `bun ${process.versions.bun}` });
  const stdio = ['ignore', 'inherit', listing ? 'pipe' : 'inherit'];
  const ended = spawnSync(process.execPath, options, { env: environment, stdio, maxBuffer: 1 << 30 });
  if (ended.error) throw ended.error;
  const text = fs.existsSync(junit) ? fs.readFileSync(junit, 'utf8') : '';
  // Without a file the process ended before its end.
  const ran = isWhole(text) ? [...cases(text)].map(named) : undefined;
  if (listing) {
    process.stderr.write(ended.stderr);
    if (!ran) return;
    stream.writeListing(ran, broken(String(ended.stderr)));
    process.exitCode = 0;
    return;
  }
  ran?.forEach(report);
  if (ran && ended.signal === null) stream.write('run_end', {});
  process.exitCode = ended.status ?? 1;
}

function report({ file, titles, line, ms, verdict, words }) {
  if (titles.at(-1) === '(unnamed)' && ['failed', 'error'].includes(verdict)) {
    stream.write('error', { file, titles: titles.slice(0, -1), message: words.message || 'a hook failed', text: words.text });
    return;
  }
  // A test that was not asked for stands in the file as skipped.
  if (verdict === 'skipped' && wanted && !wanted.has(stream.key(file, titles))) return;
  stream.write('test_end', { id: String((next += 1)), file, titles, line, status: verdict === 'error' ? 'failed' : verdict, ms, ...words });
}

// A test case as the stream calls it, with the titles around it.
function named({ suites, name, ...test }) {
  return { ...test, file: suites[0]?.file ?? test.file, titles: [...suites.slice(1).map((group) => group.name), name] };
}

// Files that cannot be loaded are on the standard error alone, under their names.
function broken(text) {
  let file = '';
  const found = [];
  const lines = text.split('\n').map(stream.clean);
  lines.forEach((line, at) => {
    if (line.endsWith(':') && lines[at + 1] === '') file = line.slice(0, -1);
    if (line !== '# Unhandled error between tests') return;
    const error = lines.slice(at).find((it) => /^\w*error: /i.test(it));
    found.push(`${file}: ${error ?? 'an error between tests'}`);
  });
  const count = Number(/^ *(\d+) errors?$/m.exec(text)?.[1] ?? 0);
  if (count > found.length) found.push(`bun counts ${count} errors`);
  return found;
}

process.exitCode = 1;
try {
  run();
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
