// Formatter for cucumber-js 13. The name of a test has the titles of its feature, rule and scenario; its line is that of
// the scenario, or of the row of an outline.
import stream from './event-stream.cjs';

const WORST = ['UNKNOWN', 'PASSED', 'SKIPPED', 'PENDING', 'UNDEFINED', 'AMBIGUOUS', 'FAILED'];

export default {
  type: 'formatter',
  formatter({ on }) {
    const places = new Map();
    const pickles = new Map();
    const cases = new Map();
    const running = new Map();

    function learn({ uri, feature }) {
      if (!feature) return;
      const scenarios = (children, path) => {
        for (const child of children) {
          if (child.rule) scenarios(child.rule.children, [...path, child.rule.name]);
          if (child.scenario) add(child.scenario, path);
        }
      };
      const add = (scenario, path) => {
        places.set(scenario.id, { uri, path, line: scenario.location.line });
        for (const examples of scenario.examples) {
          for (const row of examples.tableBody) places.set(row.id, { uri, path, line: row.location.line });
        }
      };
      scenarios(feature.children, [feature.name]);
    }

    function line(started) {
      const { pickle } = cases.get(started.testCaseId) ?? {};
      const place = places.get(pickle?.astNodeIds.at(-1));
      return {
        id: started.testCaseId,
        file: stream.file(pickle?.uri),
        titles: stream.titles([...(place?.path ?? []), pickle?.name ?? '']),
        line: place?.line,
        attempt: started.attempt + 1,
      };
    }

    on('message', (envelope) => {
      if (envelope.meta) {
        stream.write('run_start', { v: 1, tool: `cucumber-js ${envelope.meta.implementation.version}` });
      } else if (envelope.gherkinDocument) {
        learn(envelope.gherkinDocument);
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
        if (it) stream.write('test_end', { ...line(it.started), ...verdict(it), ms: Date.now() - it.at });
      } else if (envelope.parseError) {
        const { source, message } = envelope.parseError;
        stream.write('error', { file: stream.file(source?.uri), message: stream.cut(message, stream.MOST_MESSAGE) });
      } else if (envelope.testRunHookFinished) {
        const { status, message } = envelope.testRunHookFinished.result;
        if (status === 'FAILED') stream.write('error', { message: stream.cut(message, stream.MOST_MESSAGE) });
      } else if (envelope.testRunFinished) {
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
