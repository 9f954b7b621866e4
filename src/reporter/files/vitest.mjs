// Reporter for vitest 4 and 5. Lines come when the main process hears of a test, up to 0.2 s late. In a session it is also what
// starts the tests: vitest waits for its reporters before it starts any itself.
import { createRequire } from 'node:module';

// Not by `import`: vitest would load its own copies, and the two files would not share what a call sets.
const require = createRequire(import.meta.url);
const session = require('./session.cjs');
const stream = require('./event-stream.cjs');

function titles(test) {
  const list = [test.name];
  for (let it = test.parent; it && it.type !== 'module'; it = it.parent) list.unshift(it.name);
  return stream.titles(list);
}

function errors(list) {
  const [first, ...more] = list;
  const words = stream.failure(first);
  for (const error of more) words.text = stream.cut(`${words.text ?? ''}\n\n${error.stack ?? error.message}`, stream.MOST_TEXT);
  return words;
}

function push(lists, key, value) {
  if (!lists.has(key)) lists.set(key, []);
  lists.get(key).push(value);
}

// Why a session would not do what a run of vitest does.
function obstacles(projects) {
  const found = [];
  if (projects.some((it) => it.config.browser?.enabled)) found.push('tests run in a browser');
  if (projects.some((it) => it.config.typecheck?.enabled)) found.push('types are checked as tests');
  return found;
}

export default class EventStreamReporter {
  onInit(vitest) {
    this.vitest = vitest;
    this.ready = new Set();
    for (const project of vitest.projects ?? []) project.config.includeTaskLocation = true;
    vitest.config.includeTaskLocation = true;
    if (session.isWanted()) return this.serve();
    this.begin();
  }

  // Calls of a session, then the end of the process.
  async serve() {
    const { vitest } = this;
    const known = new Map();
    for (const it of await vitest.globTestSpecifications()) push(known, stream.file(it.moduleId), it);
    await session.serve({ tool: `vitest ${vitest.version}`, obstacles: obstacles(vitest.projects) }, async (files) => {
      process.exitCode = undefined;
      this.ready.clear();
      this.begin();
      const specifications = [...files.keys()].flatMap((file) => known.get(file) ?? []);
      if (specifications.length > 0) await vitest.runTestSpecifications(specifications);
      else stream.write('run_end', {});
      return process.exitCode ?? 0;
    });
    // What the end of global set-ups comes to, and not the last call.
    process.exitCode = undefined;
    try {
      await vitest.close();
    } catch (error) {
      console.error(error);
      process.exitCode = 1;
    }
    process.exit();
  }

  // A run with the tests that are wanted.
  begin() {
    const { vitest } = this;
    const wanted = stream.selection();
    if (wanted) {
      const names = new Set([...wanted].map((line) => line.slice(line.indexOf('\t') + 1)));
      // A test of a project has the project's name before its own; a title may begin in the same way.
      const prefixes = (vitest.projects ?? []).filter((it) => it.name).map((it) => `[${it.name}] `);
      for (const name of [...names]) {
        for (const prefix of prefixes) if (name.startsWith(prefix)) names.add(name.slice(prefix.length));
      }
      // Names are joined by blanks up to version 4, by ` > ` from 5.
      const joint = parseInt(vitest.version, 10) >= 5 ? ' > ' : '(?: > | )';
      const escaped = [...names].map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replaceAll(' > ', joint));
      this.pattern = new RegExp(`^\\s*(?:${escaped.join('|')})\\s*$`);
      vitest.setGlobalTestNamePattern(this.pattern);
    }
    // With type checks a file may run twice.
    const isFinal = !(vitest.projects ?? []).some((it) => it.config.typecheck?.enabled);
    stream.write('run_start', { v: 1, tool: `vitest ${vitest.version}`, final_files: isFinal });
  }

  onTestModuleQueued(module) {
    stream.write('file_start', { file: stream.file(module.moduleId) });
  }

  onTestModuleEnd(module) {
    for (const error of module.errors()) this.error(module, [], error);
    stream.write('file_end', { file: stream.file(module.moduleId) });
  }

  onTestSuiteResult(suite) {
    for (const error of suite.errors()) this.error(suite.module, titles(suite), error);
  }

  onTestCaseReady(test) {
    if (this.isUnselected(test)) return;
    this.ready.add(test.id);
    stream.write('test_start', this.line(test));
  }

  onTestCaseResult(test) {
    // A test that was never ready is skipped because a hook before it failed, or by the selection.
    if (!this.ready.delete(test.id)) return;
    const { state, errors: list, note } = test.result();
    const facts = test.diagnostic();
    const status = { passed: 'passed', failed: 'failed', skipped: 'skipped' }[state];
    const reason = note ?? (test.options?.mode === 'todo' ? 'todo' : '');
    const words = state === 'failed' ? errors(list?.length ? list : [{ message: 'it failed without an error' }]) : { message: stream.clean(reason) };
    stream.write('test_end', { ...this.line(test), status, ms: facts?.duration, flaky: facts?.flaky === true, ...words });
  }

  onTestRunEnd(modules, unhandled, reason) {
    for (const error of unhandled) this.error(undefined, [], error);
    if (reason !== 'interrupted') stream.write('run_end', {});
  }

  error(module, list, error) {
    stream.write('error', { file: stream.file(module?.moduleId), titles: list, ...stream.failure(error) });
  }

  // A skipped test that the pattern does not select was not asked for.
  isUnselected(test) {
    const pattern = this.pattern ?? this.vitest.config.testNamePattern;
    if (!pattern || test.result().state === 'passed' || test.result().state === 'failed') return false;
    const list = titles(test);
    return !new RegExp(pattern).test(list.join(' > ')) && !new RegExp(pattern).test(list.join(' '));
  }

  line(test) {
    return {
      id: test.id,
      file: stream.file(test.module.moduleId),
      titles: titles(test),
      line: test.location?.line,
      project: stream.clean(test.project?.name),
    };
  }
}
