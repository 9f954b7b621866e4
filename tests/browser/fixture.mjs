// The services of a run, with plans in every state. Tests are reserved and finished through the API.
import * as hostile from './hostile_texts.mjs';
import { Service, verdict } from './service.mjs';
import { RUNNER, TEMPLATES } from './watched.mjs';

export const LARGE = 10_000;
const numbered = (many) => Array.from({ length: many }, (_, n) => `tst_case_${String(n).padStart(5, '0')}`);
const mixed = (name) => ({ suite: 'checkout/suite_payment', testcases: numbered(12).map((it) => `${it}_${name}`) });

const FILE = {
  project: 'shop',
  runner: RUNNER,
  templates: [
    ...TEMPLATES,
    { title: 'large', tests: [{ suite: 'checkout/suite_payment', testcases: numbered(LARGE) }] },
    { title: 'mixed', tests: [mixed('ended')] },
    { title: 'waiting', configurations: [{ OS: 'Windows', browser: 'Edge' }], tests: [mixed('waits')] },
    { title: 'followed', tests: [{ suite: 's', testcases: numbered(40) }] },
    { title: 'hostile', configurations: [hostile.LABELS], tests: [{ suite: hostile.SUITE, testcases: hostile.NAMES }] },
  ],
  servers: [
    { host: '127.0.0.1', port: '4322', labels: { OS: 'Linux', browser: 'Chrome' } },
    { host: 'lab-2.example', port: '4323', labels: hostile.LABELS, enabled: false },
  ],
};
const EMPTY = { project: 'none', templates: [{ title: 'none', tests: [{ suite: 's', testcases: ['t'] }] }] };

// Passed, failed, skipped, could not run, without a verdict, after a reset, and one that still runs.
async function someResults(service, plan) {
  const results = [
    verdict('passed', 61_000), verdict('failed', 3_000), verdict('skipped', 0), {}, { outcome: { verdict: 'passed', duration_ms: 900, flaky: true } },
    { message: 'the tool ended with exit code 127', details: 'sh: 1: squishrunner: not found\nsecond line' },
    { message: 'the tool ended with exit code 127' },
  ];
  const granted = [];
  for (const result of results) {
    const [one] = await service.reserve(plan, 'linux-1');
    await service.finish(one, result);
    granted.push(one);
  }
  await service.fetch(`/execution/v1/reset/${granted[1].execution_id}`, {});
  return granted;
}

async function finishAll(service, plan, worker) {
  for (let { open } = await service.status(plan); open > 0; { open } = await service.status(plan)) {
    const granted = await service.reserve(plan, worker, { max: 1_000 });
    for (const one of granted) await service.finish(one, verdict('passed'));
  }
}

async function large(service) {
  const plan = await service.execute('large', 'nightly 8', 'a large plan');
  const result = (n) => (n % 50 === 0 ? { message: `could not run ${n % 7}` } : verdict(n % 9 === 0 ? 'failed' : 'passed', n));
  let done = 0;
  for (let round = 0; done < 2_000; round += 1) {
    const granted = await service.reserve(plan, `linux-${round % 4}`, { max: 1_000 });
    // Some of the last ones stay reserved.
    const ended = done + granted.length < 2_000 ? granted : granted.slice(0, granted.length >> 1);
    done += granted.length;
    const entries = ended.map(({ execution_id, lease }, n) => ({ execution_id, lease, ...result(n) }));
    await service.fetch(`/testplan/v1/plans/${plan}/finished`, { entries });
  }
  return plan;
}

async function hostilePlan(service) {
  const plan = await service.execute('hostile', hostile.BATCH, hostile.TITLE);
  const capabilities = Object.entries(hostile.LABELS).map(([key, value]) => ({ key, value }));
  const granted = [];
  for (let n = 0; n < 4; n += 1) granted.push(...await service.reserve(plan, n % 2 ? hostile.WORKER : hostile.NAMES[1], { capabilities }));
  await service.finish(granted[0], { message: hostile.MESSAGE, details: hostile.DETAILS });
  await service.finish(granted[1], verdict('failed'));
  return { plan, execution: granted[0].execution_id, running: granted.slice(2), capabilities };
}

export async function prepare() {
  const [service, empty] = await Promise.all([Service.start('service', FILE), Service.start('empty', EMPTY)]);
  const ended = await service.execute('mixed', 'nightly 6', 'an ended plan');
  const [, failed, , , , broken] = await someResults(service, ended);
  await finishAll(service, ended, 'linux-2');
  const live = await service.execute('mixed', 'nightly 9', 'a plan that runs');
  await someResults(service, live);
  await service.reserve(live, 'linux-3');
  const waiting = await service.execute('waiting');
  // Two pages of the list of plans.
  for (let n = 0; n < 50; n += 1) await service.execute('waiting', `batch ${n}`, `waiting ${n}`);
  const plans = { ended, live, waiting, large: await large(service) };
  return { service, empty, plans, failed: failed.execution_id, broken: broken.execution_id, hostile: await hostilePlan(service) };
}
