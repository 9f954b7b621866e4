// Runs `bun test` and turns its JUnit file into an event stream, or with TESTPLAN_LISTING into a listing: bun has no
// reporters of others and no listing, and its file names groups from the inside out, so that only the elements around a
// test show its titles.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import stream from './event-stream.cjs';

const listing = process.env.TESTPLAN_LISTING;
const wanted = stream.selection();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'testplan-bun-'));
const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
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
  // Without its last element the file is cut; without a file the process ended before its end.
  const isWhole = text.trimEnd().endsWith('</testsuites>');
  if (listing) {
    process.stderr.write(ended.stderr);
    if (!isWhole) return;
    stream.writeListing([...cases(text)].map(({ file, titles }) => ({ file, titles })), broken(String(ended.stderr)));
    process.exitCode = 0;
    return;
  }
  if (isWhole) for (const it of cases(text)) report(it);
  if (isWhole && ended.signal === null) stream.write('run_end', {});
  process.exitCode = ended.status ?? 1;
}

function report({ file, titles, line, ms, verdict, words }) {
  if (titles.at(-1) === '(unnamed)' && verdict === 'failed') {
    stream.write('error', { file, titles: titles.slice(0, -1), message: words.message || 'a hook failed', text: words.text });
    return;
  }
  // A test that was not asked for stands in the file as skipped.
  if (verdict === 'skipped' && wanted && !wanted.has(stream.key(file, titles))) return;
  stream.write('test_end', { id: String((next += 1)), file, titles, line, status: verdict, ms, ...words });
}

// The test cases of a file with the titles around them.
function* cases(text) {
  const open = [];
  let test;
  for (const found of text.matchAll(/<(\/?)(testsuite|testcase|failure|error|skipped)\b([^>]*?)(\/?)>/g)) {
    const [tag, closes, name, rest, isEmpty] = found;
    const it = Object.fromEntries([...rest.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, key, value]) => [key, decoded(value)]));
    if (name === 'testsuite' && closes) open.pop();
    else if (name === 'testsuite' && !isEmpty) open.push(it);
    else if (name === 'testcase' && !closes) {
      const titles = [...open.slice(1).map((group) => group.name), it.name];
      test = { file: open[0]?.file ?? it.file, titles, line: Number(it.line) || undefined, ms: Number(it.time) * 1000, verdict: 'passed', words: {} };
      if (isEmpty) yield test;
    } else if (name === 'testcase') yield test;
    else if (!closes && test) {
      test.verdict = name === 'skipped' ? 'skipped' : 'failed';
      const start = found.index + tag.length;
      const body = isEmpty ? '' : decoded(text.slice(start, text.indexOf('<', start)));
      test.words = { message: stream.cut(it.message, stream.MOST_MESSAGE), kind: it.type, text: stream.cut(body, stream.MOST_TEXT) };
    }
  }
}

function decoded(text) {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });
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
