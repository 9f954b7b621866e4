// Takes the place of node:test in the process of a file that is listed: it notes the names of the tests and runs none. The
// bodies of suites run, as they do before the tests of a call.
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import stream from './event-stream.cjs';

// Until an open handle, such as a server that a hook would close, must not keep the process any longer.
const SILENCE_MS = 5000;
const real = createRequire(import.meta.url)('node:test');
const titles = new AsyncLocalStorage();
const file = process.argv[1];
const found = { file: stream.file(file), tests: [], broken: [] };
let last = Date.now();

// The arguments as node:test takes them: each of them may be left out.
function declared(name, options, body) {
  last = Date.now();
  const given = [name, options, body];
  const fn = given.find((it) => typeof it === 'function');
  const settings = given.find((it) => it !== null && typeof it === 'object') ?? {};
  const title = [settings.name, name].find((it) => typeof it === 'string' && it !== '');
  const path = [...(titles.getStore() ?? []), title ?? (fn?.name || '<anonymous>')];
  return { fn, settings, path };
}

function test(...given) {
  found.tests.push({ file, titles: declared(...given).path });
  return Promise.resolve();
}

async function suite(...given) {
  const { fn, settings, path } = declared(...given);
  // The tests of a skipped suite do not exist for node:test.
  if (!fn || settings.skip) return;
  const context = { name: path.at(-1), fullName: path.join(' > '), filePath: file, signal: new AbortController().signal };
  try {
    await titles.run(path, () => fn(context));
  } catch (error) {
    found.broken.push(`${found.file}: ${path.join(' > ')}: ${error?.message ?? error}`);
  }
}

function variants(base, skipped) {
  return Object.assign(base, { skip: skipped, todo: base, only: base, expectFailure: base });
}

const hook = () => {};
const it = variants((...given) => test(...given), test);
const describe = variants((...given) => suite(...given), (...given) => void declared(...given));
const fake = Object.assign(variants((...given) => test(...given), test), {
  it, describe, suite: describe,
  before: hook, after: hook, beforeEach: hook, afterEach: hook,
  run: real.run, mock: real.mock, snapshot: real.snapshot, assert: real.assert, getTestContext: () => undefined,
});
fake.test = fake;

const { skip, todo, only, expectFailure, before, after, beforeEach, afterEach, run, mock, snapshot, assert, getTestContext } = fake;
export default fake;
export { fake as test, fake as 'module.exports', it, describe, describe as suite };
export { skip, todo, only, expectFailure, before, after, beforeEach, afterEach, run, mock, snapshot, assert, getTestContext };

registerHooks({
  resolve(specifier, context, next) {
    const isTaken = specifier === 'node:test' && context.parentURL !== import.meta.url;
    return isTaken ? { url: import.meta.url, format: 'module', shortCircuit: true } : next(specifier, context);
  },
});
setInterval(() => {
  if (Date.now() - last < SILENCE_MS) return;
  // What is still being loaded ends with exit code 13.
  for (const handle of process._getActiveHandles()) handle.unref?.();
}, SILENCE_MS / 5).unref();
process.on('exit', (code) => {
  if (code === 0) fs.appendFileSync(`${process.env.TESTPLAN_LISTING}.files`, `\n${JSON.stringify(found)}\n`);
});
