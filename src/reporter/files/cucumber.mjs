// Formatter for cucumber-js 13. The name of a test has the titles of its feature, rule and scenario, and the values of its
// row if rows share a title; its line is that of the scenario, or of the row. With TESTPLAN_LISTING it lists the scenarios
// of a dry run.
import { placesOf, titlesOf } from './cucumber-names.mjs';
import stream from './event-stream.cjs';

const WORST = ['UNKNOWN', 'PASSED', 'SKIPPED', 'PENDING', 'UNDEFINED', 'AMBIGUOUS', 'FAILED'];

export default {
  type: 'formatter',
  formatter({ on }) {
    const places = new Map();
    const pickles = new Map();
    const cases = new Map();
    const running = new Map();
    const pending = [];
    const isListing = Boolean(process.env.TESTPLAN_LISTING);
    const listed = [];
    let hasFailed = false;
    // Steps that start a cucumber of their own must not write here.
    delete process.env.TESTPLAN_EVENTS;

    function line(started) {
      const { pickle } = cases.get(started.testCaseId) ?? {};
      const place = places.get(pickle?.astNodeIds.at(-1));
      return {
        id: started.testCaseId,
        file: stream.file(pickle?.uri),
        titles: stream.titles(titlesOf(place, pickle)),
        line: place?.line,
        attempt: started.attempt + 1,
      };
    }

    function end(it, isRetried) {
      const place = line(it.started);
      if (isListing) listed.push(place);
      const test = { ...place, ms: Date.now() - it.at };
      if (it.worst === 'PENDING') {
        pending.push({ test, it });
        stream.write('test_end', test);
        return;
      }
      const result = verdict(it);
      hasFailed ||= result.status === 'failed' && !isRetried;
      stream.write('test_end', { ...test, ...result });
    }

    // A pending step fails its scenario in strict mode only, which the end of the run shows if nothing else has failed.
    // Otherwise the scenario stays without a verdict.
    function endPending(success) {
      for (const { test, it } of pending) {
        if (success) stream.write('test_end', { ...test, status: 'skipped', message: 'a step is pending' });
        else if (!hasFailed) stream.write('test_end', { ...test, ...verdict(it) });
      }
    }

    on('message', (envelope) => {
      if (envelope.meta) {
        stream.write('run_start', { v: 1, tool: `cucumber-js ${envelope.meta.implementation.version}` });
      } else if (envelope.gherkinDocument) {
        for (const [id, place] of placesOf(envelope.gherkinDocument)) places.set(id, place);
      } else if (envelope.pickle) {
        pickles.set(envelope.pickle.id, envelope.pickle);
      } else if (envelope.testCase) {
        cases.set(envelope.testCase.id, { pickle: pickles.get(envelope.testCase.pickleId) });
      } else if (envelope.testCaseStarted) {
        running.set(envelope.testCaseStarted.id, { started: envelope.testCaseStarted, worst: 'PASSED', message: '', at: Date.now() });
        stream.write('test_start', line(envelope.testCaseStarted));
      } else if (envelope.testStepFinished) {
        const it = running.get(envelope.testStepFinished.testCaseStartedId);
        const { status, message } = envelope.testStepFinished.testStepResult;
        if (it && WORST.indexOf(status) > WORST.indexOf(it.worst)) Object.assign(it, { worst: status, message: message ?? '' });
      } else if (envelope.testCaseFinished) {
        const it = running.get(envelope.testCaseFinished.testCaseStartedId);
        running.delete(envelope.testCaseFinished.testCaseStartedId);
        if (it) end(it, envelope.testCaseFinished.willBeRetried);
      } else if (envelope.parseError) {
        const { source, message } = envelope.parseError;
        stream.write('error', { file: stream.file(source?.uri), message: stream.cut(message, stream.MOST_MESSAGE) });
      } else if (envelope.testRunHookFinished) {
        const { status, message } = envelope.testRunHookFinished.result;
        if (status === 'FAILED') stream.write('error', { message: stream.cut(message, stream.MOST_MESSAGE) });
        hasFailed ||= status === 'FAILED';
      } else if (envelope.testRunFinished) {
        endPending(envelope.testRunFinished.success);
        if (isListing) stream.writeListing(listed, []);
        stream.write('run_end', {});
      }
    });
  },
};

function verdict({ worst, message }) {
  if (worst === 'PASSED') return { status: 'passed' };
  if (worst === 'SKIPPED') return { status: 'skipped', message: '' };
  const text = stream.cut(message, stream.MOST_TEXT);
  const first = worst === 'FAILED' ? text.split('\n    at ')[0] : `a step is ${worst.toLowerCase()}`;
  return { status: 'failed', message: stream.cut(first, stream.MOST_MESSAGE), text };
}
