// Large plans, many browsers, and tabs in the background.
import { browse, close, open } from './browsing.mjs';
import { equal, holds, pause, until, untilEqual } from './checks.mjs';
import { LARGE } from './fixture.mjs';
import { ofApi, ofPage, withoutStatus } from './facts.mjs';
import { Service, verdict } from './service.mjs';

const STREAMED = { project: 'streamed', templates: [{ title: 'followed', tests: [{ suite: 's', testcases: Array.from({ length: 40 }, (_, n) => `t${n}`) }] }] };
const BROWSERS = 20;
const MOST_BYTES = 1_500_000;

export async function streams({ checks, browser, service: shared, plans }) {
  await checks.check(`the page of a plan of ${LARGE} tests has at most 1.5 MB and agrees with the API`, () => browse(browser, shared, {}, async (page) => {
    const times = [];
    const usable = [];
    let size = 0;
    for (let round = 0; round < 5; round += 1) {
      const answer = await page.goto(`/plans/${plans.large}`);
      size = (await answer.body()).length;
      const { requestStart, responseStart } = answer.request().timing();
      times.push(Math.round(responseStart - requestStart));
      usable.push(Math.round(await page.evaluate(() => performance.getEntriesByType('navigation')[0].domInteractive)));
    }
    holds('bytes of the page', size > 10_000 && size <= MOST_BYTES, size);
    await untilEqual('page', () => ofPage(page), () => ofApi(shared, plans.large));
    times.sort((a, b) => a - b);
    return `${size} bytes, first byte after ${times.join(', ')} ms, interactive after ${usable.sort((a, b) => a - b).join(', ')} ms`;
  }));

  // Its streams are counted.
  const service = await Service.start('streams', STREAMED);
  await checks.check(`${BROWSERS} browsers follow one plan`, async () => {
    const plan = await service.execute('followed');
    const contexts = await Promise.all(Array.from({ length: BROWSERS }, () => open(browser, service)));
    try {
      const note = await followAll(service, plan, contexts);
      await until('no stream is left', async () => (await service.fetch('/health.json')).streams === 0);
      return note;
    } finally {
      await Promise.all(contexts.map((context) => context.close()));
    }
  });

  await checks.check('a hidden tab closes its stream, and catches up when it is shown again', () => browse(browser, service, {}, async (page) => {
    const plan = await service.execute('followed', 'b', 'hidden');
    const asked = [];
    page.on('request', (request) => asked.push(request.url()));
    const show = (isShown) => page.evaluate((it) => {
      // Chromium without a window shows every tab.
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => !it });
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => (it ? 'visible' : 'hidden') });
      document.dispatchEvent(new Event('visibilitychange'));
    }, isShown);
    const streams = (many) => until(`${many} streams are open`, async () => (await service.fetch('/health.json')).streams === many);
    await page.goto(`/plans/${plan}`);
    await streams(1);
    const shown = await ofPage(page);
    await show(false);
    await streams(0);
    const before = asked.length;
    const [granted] = await service.reserve(plan, 'by hand');
    await service.finish(granted, verdict('failed'));
    await pause(6_000);
    equal('requests of a hidden tab in 6 s', asked.slice(before), []);
    equal('what a hidden tab shows', await ofPage(page), shown);
    await show(true);
    await streams(1);
    await untilEqual('page that is shown again', () => ofPage(page), () => ofApi(service, plan));
    holds('it connected once', asked.slice(before).filter((it) => it.includes('/live')).length === 1, asked.slice(before));
  }));
}

async function followAll(service, plan, contexts) {
  const pages = await Promise.all(contexts.map(async (context) => {
    const page = await context.newPage();
    await page.goto(`/plans/${plan}`);
    return page;
  }));
  await until('all streams are open', async () => (await service.fetch('/health.json')).streams >= BROWSERS);
  const slowest = [];
  for (const results of [1, 20]) {
    for (let n = 0; n < results; n += 1) {
      const [granted] = await service.reserve(plan, 'by hand');
      await service.finish(granted, verdict('passed'));
    }
    const began = Date.now();
    const expected = await ofApi(service, plan);
    await Promise.all(pages.map((page, n) => untilEqual(`page of browser ${n}`, async () => withoutStatus(await ofPage(page)), () => withoutStatus(expected))));
    slowest.push(Date.now() - began);
  }
  await Promise.all(contexts.map(close));
  return `the last browser agreed after ${slowest.join(', ')} ms`;
}
