// Reporter for Playwright 1.65. With TESTPLAN_SELECTION it excludes every test that is not named there.
import stream from './event-stream.cjs';

function project(test) {
  return test.parent.project()?.name ?? '';
}

function titles(test) {
  // Root, project and file come before the titles of the suites.
  return stream.titles(test.titlePath().slice(3));
}

export default class EventStreamReporter {
  preprocess({ suite, testRun }) {
    const wanted = stream.selection();
    if (!wanted) return;
    this.hasNone = true;
    for (const test of suite.allTests()) {
      if (wanted.has(stream.key(test.location.file, titles(test), project(test)))) this.hasNone = false;
      else testRun.exclude(test);
    }
  }

  onBegin(config, suite) {
    // Tests without their final result, by file.
    this.open = new Map();
    for (const test of suite.allTests()) {
      const file = test.location.file;
      this.open.set(file, (this.open.get(file) ?? new Set()).add(test));
    }
    stream.write('run_start', { v: 1, tool: `Playwright ${config.version}`, final_files: true });
  }

  onTestBegin(test, result) {
    stream.write('test_start', this.line(test, result));
  }

  onTestEnd(test, result) {
    const isExpected = result.status === test.expectedStatus;
    // A test that is skipped although it does not skip itself did not run, as after a hook that failed.
    const status = {
      skipped: isExpected ? 'skipped' : undefined,
      passed: isExpected ? 'passed' : 'failed',
      failed: isExpected ? 'passed' : 'failed',
      timedOut: isExpected ? 'passed' : 'failed',
    }[result.status];
    let words = {};
    if (status === 'failed') {
      words = result.errors.length ? stream.failure(result.errors[0]) : { message: `expected to be ${test.expectedStatus}, but ${result.status}` };
      const text = result.errors.map((error) => `${error.stack ?? error.message ?? error.value}\n${error.snippet ?? ''}`);
      words.text = stream.cut(text.join('\n\n'), stream.MOST_TEXT);
    } else if (status === 'skipped') {
      const reason = test.annotations.find((it) => it.type === 'skip' || it.type === 'fixme');
      words = { message: stream.clean(reason?.description) };
    }
    stream.write('test_end', { ...this.line(test, result), status, ms: result.duration, ...words });
    this.endFile(test, result);
  }

  // A file is done when none of its tests runs again: the retry of one may repeat others of its serial group.
  endFile(test, result) {
    const open = this.open.get(test.location.file);
    // One that did not run, because another one of its group failed, runs with the retry of that one.
    const hasVerdict = test.outcome() !== 'unexpected' && (result.status !== 'skipped' || test.expectedStatus === 'skipped');
    const isFinal = hasVerdict || result.retry >= test.retries;
    if (!open) return;
    if (isFinal) open.delete(test);
    else open.add(test);
    if (open.size === 0) stream.write('file_end', { file: stream.file(test.location.file) });
  }

  onError(error) {
    // The selected tests are gone, which is no failure of theirs.
    if (this.hasNone && /No tests found/.test(error.message)) return;
    stream.write('error', { file: stream.file(error.location?.file), ...stream.failure(error) });
  }

  onEnd({ status }) {
    if (status !== 'interrupted' && status !== 'timedout') stream.write('run_end', {});
  }

  printsToStdio() {
    return false;
  }

  line(test, result) {
    return {
      id: test.id,
      file: stream.file(test.location.file),
      titles: titles(test),
      line: test.location.line,
      project: stream.clean(project(test)),
      attempt: result.retry + 1,
    };
  }
}
