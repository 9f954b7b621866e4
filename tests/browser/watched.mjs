// A plan is watched while workers run it: real ones, one of which is killed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { browse } from './browsing.mjs';
import { equal, holds, pause, until, untilEqual } from './checks.mjs';
import { ofApi, ofPage, withoutStatus } from './facts.mjs';
import { kill, stop } from './processes.mjs';
import { verdict } from './service.mjs';

const GATES = join(process.env.WORK, 'gates');
// A test runs until its gate is open, or until the run has ended.
const SCRIPT = `while [ ! -e "${GATES}/$0" ] && [ -d "${GATES}" ]; do sleep 0.05; done
case $0 in *passes*) exit 0;; *fails*) exit 1;; *) kill -9 $$;; esac`;
export const RUNNER = { command: ['sh', '-c', SCRIPT, '{testcase}'], results: { format: 'exit-code' } };
export const TEMPLATES = [
  {
    title: 'watched',
    configurations: [{ OS: 'Linux' }, { OS: 'macOS' }],
    tests: [{ suite: 'cart', testcases: ['t1_passes', 't2_fails', 't3_dies', 't4_passes'] }],
  },
  { title: 'measured', tests: [{ suite: 's', testcases: Array.from({ length: 16 }, (_, n) => `t${n}`) }] },
];

const open = (...names) => names.forEach((name) => writeFileSync(join(GATES, name), ''));

export async function watched({ checks, browser, service }) {
  mkdirSync(GATES);
  const plan = await service.execute('watched', 'nightly 7', 'watched by a browser');
  await checks.check('a watched plan shows at each point what the API says', () => browse(browser, service, {}, async (page) => {
    await page.goto(`/plans/${plan}`);
    const agrees = (when) => untilEqual(`page of the plan ${when}`, async () => withoutStatus(await ofPage(page)), async () => withoutStatus(await ofApi(service, plan)));
    const is = async (when, facts) => {
      const seen = await agrees(when);
      for (const [name, expected] of Object.entries(facts)) equal(`${name} ${when}`, seen[name], expected);
      return seen;
    };
    await is('before a worker is there', { state: 'waiting', lanes: [], counts: { all: 8, open: 8 } });

    const lost = service.work(plan, 'lost', '--capability', 'OS=Linux', '--lease', '2s');
    const shown = async (has) => until('what the page shows', async () => has(await ofPage(page)));
    await shown((it) => it.lanes[0]?.tests.length === 1);
    const first = await is('while a worker runs a test', { state: 'running', counts: { all: 8, running: 1, open: 7 } });
    holds('reasons have the capability that no worker has', first.reasons.some((it) => /OS=macOS: no live worker/.test(it)), first.reasons);

    kill(lost);
    await lost.ended;
    await shown((it) => it.leases.length === 1);
    const test = first.tests.find((it) => it.state === 'running');
    await is('after the lease of a killed worker', { leases: [`lease lost ${test.id} attempt 1`], counts: { all: 8, open: 8 } });

    const second = service.work(plan, 'second', '--capability', 'OS=Linux', '--lease', '2s');
    await shown((it) => it.lanes.some((lane) => lane.tests.length === 1));
    open('t1_passes');
    await shown((it) => it.counts.passed === 1 && it.lanes.some((lane) => lane.tests.length === 1));
    await agrees('while the next test runs');
    open('t2_fails', 't3_dies', 't4_passes');
    await shown((it) => it.counts.open === 4 && !it.counts.running);
    const half = await is('when only a capability is left that no worker has', {
      state: 'waiting', counts: { all: 8, failed: 1, 'could-not-run': 1, passed: 2, open: 4 },
    });
    equal('attempts of the test of the killed worker', half.tests.find((it) => it.id === test.id).attempts, 2);
    holds('the reason names the capability', half.reasons.some((it) => it.startsWith('4 open need OS=macOS')), half.reasons);

    const last = service.work(plan, 'last', '--capability', 'OS=macOS', '--lease', '2s');
    await shown((it) => it.tab === '8/8');
    await is('at the end', { state: 'could not run', tab: '8/8', counts: { all: 8, failed: 2, 'could-not-run': 2, passed: 4 }, lanes: [], reasons: [] });
    await untilEqual('the page with the line for screen readers', () => ofPage(page), () => ofApi(service, plan));
    await Promise.all([stop(second), stop(last)]);
    await page.reload();
    await agrees('after a reload');

    await page.click(`#leases a`);
    await page.waitForURL(`**/executions/${test.id}`);
    const cards = await page.$$eval('#attempts .card .state', (all) => all.map((it) => it.lastChild.textContent.trim()));
    equal('states of the attempts of the test of the killed worker', cards, ['lease lost', 'passed']);
  }));

  await checks.check('an update arrives in the page at most 1 s after the API has it', () => browse(browser, service, {}, (page) => measure(service, page)));
}

async function measure(service, page) {
  const plan = await service.execute('measured');
  await page.goto(`/plans/${plan}`);
  await page.getByText('live', { exact: true }).waitFor();
  await page.evaluate(() => {
    globalThis.seenAt = {};
    const look = () => {
      const done = document.querySelectorAll('#tests .state.passed').length;
      const counted = Number(document.querySelector('#counts .passed b')?.textContent ?? 0);
      if (done === counted) globalThis.seenAt[done] ??= Date.now();
    };
    new MutationObserver(look).observe(document.getElementById('main'), { subtree: true, childList: true });
  });
  const times = [];
  for (let done = 1; done <= 16; done += 1) {
    const [granted] = await service.reserve(plan, 'by hand');
    await service.finish(granted, verdict('passed'));
    await until('the API has the result', async () => (await service.status(plan)).done === done);
    const known = Date.now();
    const seen = await until(`${done} results are shown`, () => page.evaluate((it) => globalThis.seenAt[it], done));
    times.push(Math.max(0, seen - known));
    // Not in step with the four updates a second.
    await pause(70 * (done % 5));
  }
  times.sort((a, b) => a - b);
  // The machine may stop for a while: the largest is printed, and nine in ten count.
  holds('milliseconds of nine in ten updates are at most 1000', times[Math.floor(times.length * 0.9)] <= 1_000, times);
  return `median ${times[times.length >> 1]} ms, largest ${times.at(-1)} ms of ${times.length}`;
}
