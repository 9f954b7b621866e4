// Reporter for node:test of Node 22 and 24: the verdicts, in the order of the report. With TESTPLAN_LISTING it lists what
// the processes of the files have found.
import fs from 'node:fs';
import stream from './event-stream.cjs';

let next = 0;
// The titles of the open suites and tests: one file is reported after the other.
const open = [];
// The files that are not reported yet. The first of them has the tests that are reported now: a test names the file that
// defines it, which may be a helper.
const files = [];

function path(data) {
  open.length = Math.min(open.length, data.nesting);
  open[data.nesting] = data.name;
  return stream.titles(open);
}

function fileOf(data) {
  return stream.file(files[0] ?? data.file);
}

function endFile(file) {
  const at = files.indexOf(file);
  if (at >= 0) files.splice(at, 1);
}

function line(data) {
  const file = fileOf(data);
  return { id: `report ${(next += 1)}`, file, titles: path(data), line: file === stream.file(data.file) ? data.line : undefined };
}

// The process of a file is a test, too, unless it has others.
function isFile(data) {
  return data.nesting === 0 && (data.name === data.file || stream.file(data.name) === stream.file(data.file)) && data.line === 1;
}

function end(data, status) {
  const { details, skip, todo } = data;
  const why = [skip !== undefined && skip !== false ? skip : undefined, todo !== undefined && todo !== false ? todo : undefined].find((it) => it !== undefined);
  const error = details?.error;
  const cause = error?.cause ?? error;
  const words = status === 'failed' && error ? stream.failure(typeof cause === 'object' ? cause : error) : {};
  if (isFile(data)) {
    if (status === 'failed') stream.write('error', { file: stream.file(data.file), ...words });
    return;
  }
  if (details?.type === 'suite') {
    // Its tests have lines of their own; only what failed beside them is new.
    if (status === 'failed' && error?.failureType !== 'subtestsFailed') {
      stream.write('error', { file: fileOf(data), titles: path(data), ...words });
    }
    return;
  }
  const isSkip = skip !== undefined && skip !== false;
  const isTodo = todo !== undefined && todo !== false;
  const message = isTodo && !isSkip ? `todo${typeof todo === 'string' && todo ? `: ${todo}` : ''}` : stream.clean(typeof why === 'string' ? why : '');
  const verdict = isSkip || isTodo ? { status: 'skipped', message } : { status, ...words };
  stream.write('test_end', { ...line(data), ms: details?.duration_ms, ...verdict });
}

export default async function* report(source) {
  if (process.env.TESTPLAN_LISTING) return list(source);
  stream.write('run_start', { v: 1, tool: `node:test ${process.version}` });
  for await (const { type, data } of source) {
    if (type === 'test:enqueue' && isFile(data)) files.push(data.file);
    else if (type === 'test:start') path(data);
    else if (type === 'test:pass') end(data, 'passed');
    else if (type === 'test:fail') end(data, 'failed');
    if (type === 'test:summary' && data.file) endFile(data.file);
    if ((type === 'test:pass' || type === 'test:fail') && isFile(data)) endFile(data.file);
  }
  stream.write('run_end', {});
}

async function list(source) {
  const names = [];
  const broken = new Map();
  const errors = new Map();
  for await (const { type, data } of source) {
    if (type === 'test:stderr') errors.set(stream.file(data.file), `${errors.get(stream.file(data.file)) ?? ''}${data.message}`);
    if (!['test:pass', 'test:fail'].includes(type) || !isFile(data)) continue;
    const name = stream.file(data.file);
    names.push(name);
    if (type === 'test:fail') broken.set(name, data.details?.error?.cause?.message ?? data.details?.error?.message);
  }
  const lines = fs.readFileSync(`${process.env.TESTPLAN_LISTING}.files`, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean);
  const found = new Map(lines.map((text) => JSON.parse(text)).map((it) => [it.file, it]));
  const why = names.filter((name) => !found.has(name)).map((name) => `${name}: ${firstError(errors.get(name)) ?? broken.get(name) ?? 'it wrote no listing'}`);
  const all = names.flatMap((name) => found.get(name) ?? []);
  stream.writeListing(all.flatMap((it) => it.tests), [...all.flatMap((it) => it.broken), ...why]);
}

function firstError(text) {
  return text?.split('\n').find((it) => /^[\w.]*(?:Error|Warning: Detected unsettled)\b/.test(it));
}
