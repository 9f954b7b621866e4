// Loaded by `--import` into each process of node:test: writes the start and the end of each test at once. Verdicts come
// from the reporter, which loses those of a process that is killed.
import { createRequire } from 'node:module';
import stream from './event-stream.cjs';

// Processes and threads that a test starts must not load this file.
const own = (argument) => argument.includes('node-hook.mjs');
for (let at = process.execArgv.findIndex(own); at >= 0; at = process.execArgv.findIndex(own)) {
  const isPair = process.execArgv[at - 1] === '--import';
  process.execArgv.splice(isPair ? at - 1 : at, isPair ? 2 : 1);
}

const isChild = process.env.NODE_TEST_CONTEXT?.startsWith('child');
if (isChild && process.env.TESTPLAN_LISTING) {
  await import('./node-listing.mjs');
} else if (isChild && stream.isOn()) {
  delete process.env.TESTPLAN_EVENTS;
  const test = createRequire(import.meta.url)('node:test');
  const ids = new WeakMap();
  let next = 0;
  const line = (context) => {
    if (!ids.has(context)) ids.set(context, `hook ${(next += 1)}`);
    const file = stream.file(context.filePath);
    return { id: ids.get(context), file, titles: stream.titles([context.fullName]) };
  };
  test.beforeEach((context) => {
    stream.write('test_start', line(context));
    // After all hooks: a root `afterEach` would not run if one of the project's own failed before it.
    context.after(() => stream.write('test_end', line(context)));
  });
}
