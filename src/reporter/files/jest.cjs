// Reporter for jest 30. jest names skipped tests only when their file is done.
'use strict';

const stream = require('./event-stream.cjs');

module.exports = class EventStreamReporter {
  constructor(globalConfig) {
    this.pattern = globalConfig.testNamePattern && new RegExp(globalConfig.testNamePattern, 'i');
    // With several projects a file may run more than once.
    this.isFinal = (globalConfig.projects ?? []).length <= 1;
    this.next = 0;
    this.files = new Map();
  }

  onRunStart() {
    let version = '';
    try {
      version = require(require.resolve('jest/package.json', { paths: [process.cwd()] })).version;
    } catch {
      // Another package starts jest.
    }
    stream.write('run_start', { v: 1, tool: `jest ${version}`.trim(), final_files: this.isFinal });
  }

  onTestFileStart(test) {
    this.files.set(test.path, { open: new Map(), failed: new Map() });
    stream.write('file_start', { file: stream.file(test.path) });
  }

  onTestCaseStart(test, start) {
    const name = JSON.stringify([start.ancestorTitles, start.title]);
    const id = String((this.next += 1));
    push(this.files.get(test.path)?.open, name, id);
    stream.write('test_start', line(test, start, id));
  }

  onTestCaseResult(test, result) {
    const name = JSON.stringify([result.ancestorTitles, result.title]);
    const file = this.files.get(test.path);
    let id = file?.open.get(name)?.shift() ?? String((this.next += 1));
    const attempt = result.invocations || 1;
    if (attempt > 1 && file?.failed.get(name)?.length) {
      // Only now is it known that the start was one of a further attempt.
      stream.write('test_end', line(test, result, id));
      id = file.failed.get(name).shift();
    }
    const status = { passed: 'passed', failed: 'failed', pending: 'skipped', todo: 'skipped', disabled: 'skipped', skipped: 'skipped' }[result.status];
    if (status === 'failed') push(file?.failed, name, id);
    const flaky = status === 'passed' && attempt > 1;
    stream.write('test_end', { ...line(test, result, id), attempt, status, flaky, ms: result.duration ?? undefined, ...words(test, result) });
  }

  onTestFileResult(test, fileResult) {
    const file = stream.file(test.path);
    if (fileResult.testExecError) {
      stream.write('error', { file, ...stream.failure(fileResult.testExecError) });
    }
    const pattern = stream.ownPattern() ?? this.pattern;
    for (const result of fileResult.testResults) {
      const isSkip = ['pending', 'disabled', 'skipped'].includes(result.status);
      if (isSkip && (!pattern || pattern.test(result.fullName))) {
        const id = String((this.next += 1));
        stream.write('test_end', { ...line(test, result, id), status: 'skipped', ...words(test, result) });
      }
    }
    this.files.delete(test.path);
    stream.write('file_end', { file });
  }

  onRunComplete(contexts, results) {
    if (results.runExecError) stream.write('error', stream.failure(results.runExecError));
    if (!results.wasInterrupted) stream.write('run_end', {});
  }
};

function push(lists, name, id) {
  if (!lists) return;
  if (!lists.has(name)) lists.set(name, []);
  lists.get(name).push(id);
}

function line(test, it, id) {
  return {
    id,
    file: stream.file(test.path),
    titles: stream.titles([...it.ancestorTitles, it.title]),
  };
}

// jest's own place of a test costs a stack for each, also for those that pass: that of a failure is in its words.
function placeOf(test, text) {
  const at = text.indexOf(`${test.path}:`);
  const number = at < 0 ? null : /^\d+/.exec(text.slice(at + test.path.length + 1));
  return number ? Number(number[0]) : undefined;
}

function words(test, result) {
  if (result.status === 'todo') return { message: 'todo' };
  const [first, ...more] = result.failureMessages ?? [];
  if (first === undefined) return {};
  const text = stream.clean(first);
  const message = text.split('\n    at ')[0];
  return { line: placeOf(test, text), message: stream.cut(message, stream.MOST_MESSAGE), text: stream.cut([text, ...more].join('\n\n'), stream.MOST_TEXT) };
}
