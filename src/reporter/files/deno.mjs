// Runs `deno test` and turns its JUnit file into an event stream, or with TESTPLAN_LISTING into a listing: deno has no
// reporters of others and no listing.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import stream from './event-stream.cjs';
import { cases, isWhole } from './junit.mjs';

const NOTHING_RAN = 90;
const wanted = stream.selection();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'testplan-deno-'));
const junit = path.join(folder, 'junit.xml');
// Before it are the options for `deno run` alone.
const given = process.argv.slice(process.argv.indexOf('--') + 1);

function test(options, stdio) {
  const environment = { ...process.env };
  // Tests that start a deno of their own must not write here.
  for (const name of ['TESTPLAN_EVENTS', 'TESTPLAN_SELECTION', 'TESTPLAN_LISTING']) delete environment[name];
  fs.rmSync(junit, { force: true });
  const ended = spawnSync(process.execPath, ['test', `--junit-path=${junit}`, ...options], { env: environment, stdio, maxBuffer: 1 << 30 });
  if (ended.error) throw ended.error;
  const text = fs.existsSync(junit) ? fs.readFileSync(junit, 'utf8') : '';
  return { ...ended, text, isWhole: isWhole(text) };
}

function run() {
  // One file that is missing keeps deno from running the others.
  const files = new Set([...wanted].map((it) => it.split('\t')[0]));
  const missing = [...files].filter((file) => !fs.existsSync(file));
  missing.forEach((file) => process.stderr.write(`testplan: there is no ${file}\n`));
  stream.write('run_start', { v: 1, tool: `deno ${Deno.version.deno}` });
  if (missing.length === files.size) return 1;
  // A path could be a pattern, an address is none.
  const options = given.flatMap((it) => {
    const file = it.replace(/^\.\//, '');
    if (!files.has(file)) return [it];
    return missing.includes(file) ? [] : [pathToFileURL(file).href];
  });
  const ended = test(options, ['ignore', 'inherit', 'inherit']);
  if (ended.isWhole) {
    report([...cases(ended.text)]);
    if (ended.signal === null) stream.write('run_end', {});
  }
  // Without results: a file that cannot be loaded.
  if (ended.text === '' && ended.status === 1) return NOTHING_RAN;
  return ended.status ?? 1;
}

function report(all) {
  const ran = all.filter((it) => it.verdict !== 'skipped');
  all.forEach((it, at) => {
    const { classname, name, line, ms, verdict } = it;
    // What deno did not come to is an error, and what it left out has no time, be it for the filter, for `only` or for a hook.
    if (verdict === 'error' || (verdict === 'skipped' && it.time === undefined)) return;
    // Steps have the names that tests could have.
    if (ran.some((other) => isStepOf(it, other))) return;
    const steps = ran.filter((other) => isStepOf(other, it) && other.verdict === 'failed');
    const step = steps.find((other) => !steps.some((inner) => isStepOf(inner, other)));
    const words = step ? { ...step.words, message: `${step.name}: ${step.words.message}` } : it.words;
    stream.write('test_end', { id: String(at), file: stream.file(classname), titles: [name], line, status: verdict, ms, ...words });
  });
}

function isStepOf(step, it) {
  return step.classname === it.classname && step.name.startsWith(`${it.name} > `);
}

// Lists again without the files that cannot be loaded, as deno lists nothing with one of them.
function list() {
  const broken = new Map();
  for (;;) {
    const ignored = [...broken.keys()].map((file) => `--ignore=${file}`);
    // No name is empty: all tests are in the file as skipped.
    const ended = test(['--filter=/^$/', '--permit-no-files', ...ignored, ...given], ['ignore', 'pipe', 'pipe']);
    const words = stream.clean(`${ended.stdout}\n${ended.stderr}`);
    process.stderr.write(words);
    if (ended.isWhole) {
      const failed = [...uncaught(words)];
      if (ended.status !== 0 && failed.length === 0) failed.push(`deno test ended with exit code ${ended.status}`);
      const tests = [...cases(ended.text)].map((it) => ({ file: it.classname, titles: [it.name] }));
      stream.writeListing(tests, [...broken.values(), ...failed]);
      return 0;
    }
    const [place] = /\bfile:\/\/\S+?(?=:\d+:\d+|'|"|\s|$)/.exec(words) ?? [];
    const file = place && stream.file(place);
    if (!file || broken.has(file)) return ended.status || 1;
    const error = /^(?:error: |TS\d+ \[ERROR\]: )(.+)$/m.exec(words);
    broken.set(file, `${file}: ${error?.[1] ?? 'it cannot be loaded'}`);
  }
}

// Errors of files outside of their tests.
function* uncaught(words) {
  for (const [, file, error] of words.matchAll(/^(\S.*) \(uncaught error\)\nerror: (?:\(in promise\) )?(.+)$/gm)) yield `${stream.file(file)}: ${error}`;
  for (const [, file, exit] of words.matchAll(/^note (.+) called `(Deno\.exit\(.*?\))` from outside any test/gm)) yield `${stream.file(file)}: it called ${exit}`;
}

process.exitCode = 1;
try {
  process.exitCode = process.env.TESTPLAN_LISTING ? list() : run();
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
