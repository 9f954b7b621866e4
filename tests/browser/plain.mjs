// A browser without JavaScript.
import { browse } from './browsing.mjs';
import { equal, holds, untilEqual } from './checks.mjs';
import { ofApi, ofPage } from './facts.mjs';
import { TOKEN } from './service.mjs';

const OFF = { javaScriptEnabled: false };

export async function plain({ checks, browser, service, plans, failed }) {
  for (const name of ['ended', 'live', 'waiting', 'large']) {
    await checks.check(`without JavaScript the page of the plan (${name}) shows what the API says`, () => browse(browser, service, OFF, async (page) => {
      await untilEqual('page', async () => (await page.goto(`/plans/${plans[name]}`), ofPage(page)), () => ofApi(service, plans[name]));
    }));
  }

  await checks.check('without JavaScript login, filters and paging work', () => browse(browser, service, { ...OFF, loggedIn: false }, async (page) => {
    await page.goto(`/plans/${plans.large}?state=passed`);
    await page.fill('#secret', TOKEN);
    await page.getByRole('button', { name: 'Log in' }).click();
    const all = (await service.executions(plans.large)).filter((it) => it.verdict === 'passed').map((it) => it.execution_id);
    const listed = [];
    for (let turn = 0; turn < 3; turn += 1) {
      listed.push(...(await ofPage(page)).tests.map((it) => it.id));
      await page.getByRole('link', { name: 'Next' }).click();
    }
    equal('tests of three pages of a filter', listed, all.slice(0, 300));
    await page.getByRole('link', { name: 'First' }).click();
    equal('first test after a way back', (await ofPage(page)).tests[0].id, all[0]);
    await page.click('#counts .failed');
    const tests = (await ofPage(page)).tests;
    holds('the filter lists failed tests', tests.length === 100 && tests.every((it) => it.state === 'failed'), tests.map((it) => it.state));
  }));

  await checks.check('without JavaScript the other pages show what the API says', () => browse(browser, service, OFF, async (page) => {
    await page.goto('/');
    const rows = (selector) => page.$$eval(`${selector} tbody th a`, (all) => all.map((it) => it.textContent));
    const { plans: known, next } = await service.fetch('/plans.json');
    equal('plans of the first page', await rows('#plans'), known.map((it) => it.title));
    await page.getByRole('link', { name: 'Older' }).click();
    const older = await service.fetch(`/plans.json?before=${next}`);
    equal('plans of the second page', await rows('#plans'), older.plans.map((it) => it.title));

    await page.goto('/servers');
    const addresses = await page.$$eval('tbody th bdi', (all) => all.map((it) => it.textContent));
    const servers = await service.fetch('/execution/v1/squishservers');
    equal('Squish servers', addresses, servers.map((it) => `${it.host}:${it.port}`));

    await page.goto(`/plans/${plans.ended}/executions/${failed}`);
    const shown = await page.$$eval('#attempts .state', (all) => all.map((it) => it.lastChild.textContent.trim()));
    const { attempts } = await service.fetch(`/plans/${plans.ended}/executions/${failed}.json`);
    equal('attempts', shown.length, attempts.length);
    equal('states of the attempts', shown, ['failed', 'passed']);

    await page.goto('/health');
    const health = await service.fetch('/health.json');
    holds('the version is shown', (await page.innerText('main')).includes(health.version), await page.innerText('main'));
  }));
}
