// A shop that is tested every night on Linux and Windows, and a plan that runs now. A plan lasts seconds: the clock of its service is faster.
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Service, verdict } from '../../tests/browser/service.mjs';

const SUITES = {
  suite_cart: ['tst_add_item', 'tst_change_quantity', 'tst_remove_item', 'tst_voucher'],
  suite_checkout: ['tst_address', 'tst_invoice', 'tst_pay_by_card', 'tst_pay_by_transfer', 'tst_shipping_costs'],
  suite_login: ['tst_login', 'tst_logout', 'tst_password_reset', 'tst_two_factors'],
  suite_search: ['tst_filters', 'tst_no_results', 'tst_sort_by_price', 'tst_suggestions'],
};
const LAB = [
  { host: 'lab-1.example', port: '4322', labels: { OS: 'Linux' } },
  { host: 'lab-2.example', port: '4322', labels: { OS: 'Windows' } },
  { host: 'lab-3.example', port: '4322', labels: { OS: 'Windows' } },
];
const tests = Object.entries(SUITES).map(([suite, testcases]) => ({ suite, testcases }));
const SYSTEMS = [{ OS: 'Linux' }, { OS: 'Windows' }];
const FILE = {
  project: 'shop',
  templates: [
    { title: 'nightly', configurations: SYSTEMS, tests },
    { title: 'release', configurations: [...SYSTEMS, { OS: 'macOS' }], tests },
  ],
  servers: LAB,
};
const DAYS = 10;
const AUTHORS = ['Ada', 'Grace', 'Alan', 'Edsger'];
const MESSAGES = {
  tst_remove_item: "Comparison: 'Total: 19.90 EUR' and '19,90 EUR' are not equal",
  tst_voucher: 'Test failed: voucher SPRING is still accepted after its last day',
  tst_suggestions: 'LookupError: object names.suggestion_list_ListView not found',
};
const MINUTES = 60_000;

// The service with a clock that began some minutes ago and is so many times faster; without one, with that of the machine.
async function serve(minutesAgo, speed) {
  const at = new Date(Date.now() - minutesAgo * MINUTES).toISOString().slice(0, 19).replace('T', ' ');
  const clock = minutesAgo === 0 ? {} : { LD_PRELOAD: process.env.FAKETIME_LIBRARY, FAKETIME: `@${at} x${speed}` };
  return Service.start('shop', FILE, clock);
}

// Always the same between 0 and 1 for the same words.
function chance(...words) {
  let hash = 2_166_136_261;
  for (const letter of words.join(' ')) hash = Math.imul(hash ^ letter.charCodeAt(0), 16_777_619) >>> 0;
  return (hash % 10_007) / 10_007;
}

const usual = (test, system) => Math.round(12_000 + 70_000 * chance(test) ** 2 + (system === 'Windows' ? 6_000 : 0));

// Their display is gone: they end each test at once.
const BROKEN = ['linux-3', 'linux-4'];
const ERROR = { message: 'exit code 9 of squishrunner: cannot open display :99' };

function result(test, system, day) {
  const duration = Math.round(usual(test, system) * (0.9 + 0.2 * chance(test, system, day)));
  const fails = {
    tst_remove_item: system === 'Windows' && day >= DAYS - 3,
    tst_voucher: day >= DAYS - 1,
    tst_suggestions: system === 'Linux' && [1, 4, 5, 8].includes(day),
  }[test];
  if (fails) return { ...verdict('failed', duration), failure: MESSAGES[test] };
  if (test === 'tst_two_factors' && system === 'Windows') return verdict('skipped', 0);
  return verdict('passed', duration);
}

const commit = (day) => [...Array(40).keys()].map((n) => Math.floor(16 * chance('commit', day, n)).toString(16)).join('');

async function execute(service, template, title, day) {
  const found = await service.fetch(`/execution/v1/testplans?type=template&project=shop&title=${template}`);
  const origin = { branch: 'main', commit: commit(day), author: AUTHORS[day % AUTHORS.length], run_url: `https://ci.example/runs/${4_100 + day}` };
  const started = await service.fetch('/execution/v1/executeplan', { templateId: found.id, title, batch: title, origin });
  return started.id;
}

// One lease after the other for each of some workers, until `left` tests are open.
async function work(service, plan, workers, day, { left = 0, hold = false, pause = 120 } = {}) {
  for (;;) {
    const status = await service.status(plan);
    if (status.open <= left) break;
    const taken = [];
    for (const [name, OS] of workers) {
      const answer = await service.ask(plan, name, [{ key: 'OS', value: OS }]);
      if (answer.execution_id !== undefined) taken.push([answer, OS, name]);
    }
    if (taken.length === 0) break;
    for (const [one, OS, name] of taken) {
      await sleep(pause);
      if (!hold) await service.finish(one, BROKEN.includes(name) ? ERROR : result(one.testcase, OS, day));
    }
    if (hold) break;
  }
}

const FLEET = [['linux-1', 'Linux'], ['linux-2', 'Linux'], ['windows-1', 'Windows'], ['windows-2', 'Windows']];

// The service with what it knows, and the paths of its pages.
export async function live() {
  for (let day = 0; day < DAYS; day += 1) {
    const night = await serve((DAYS - day) * 24 * 60 - 30, 100);
    const plan = await execute(night, 'nightly', `nightly ${101 + day}`, day);
    await work(night, plan, FLEET, day);
    await night.stop();
  }
  const before = await serve(30, 100);
  const release = await execute(before, 'release', 'release 2.4', DAYS);
  await work(before, release, [...FLEET, ...BROKEN.map((name) => [name, 'Linux'])], DAYS);
  const today = await execute(before, 'nightly', `nightly ${101 + DAYS}`, DAYS);
  await work(before, today, FLEET, DAYS, { left: 14 });
  const disable = ['servers', 'disable', `${LAB[2].host}:${LAB[2].port}`, '--reason', 'new graphics driver until Friday'];
  await promisify(execFile)(process.env.TESTPLAN, disable, { env: { ...process.env, ...before.env } });
  await before.stop();
  const service = await serve(0);
  await work(service, today, FLEET, DAYS, { hold: true });
  // So that a part of their time is over.
  await sleep(9_000);
  const known = await service.fetch('/tests.json');
  const of = (name) => known.tests.find((it) => it.testcase === name);
  const nightly = (await service.fetch('/plans.json')).plans.find((it) => it.title === `nightly ${100 + DAYS}`);
  const failed = (await service.executions(nightly.id)).find((it) => it.testcase === 'tst_remove_item' && it.labels[0].value === 'Windows');
  return {
    service,
    pages: {
      plans: '/',
      plan: `/plans/${today}`,
      'plan-waiting': `/plans/${release}`,
      'plan-ended': `/plans/${nightly.id}`,
      execution: `/plans/${nightly.id}/executions/${failed.execution_id}`,
      tests: `/tests?template=${known.templates.find((it) => it.title === 'nightly').template_id}`,
      test: `/tests/${of('tst_remove_item').test_id}`,
      servers: '/servers',
      cancel: `/plans/${today}/cancel`,
      audit: '/audit',
      health: '/health',
      login: '/login',
    },
  };
}
