// Login, deep links, reload, back and forward.
import { browse } from './browsing.mjs';
import { equal, holds, untilEqual } from './checks.mjs';
import { ofApi, ofPage } from './facts.mjs';
import { TOKEN } from './service.mjs';

const path = (page) => {
  const url = new URL(page.url());
  return url.pathname + url.search;
};
const heading = (page) => page.locator('h1').innerText();

async function login(page) {
  await page.fill('#secret', TOKEN);
  await page.press('#secret', 'Enter');
  await page.waitForURL((url) => url.pathname !== '/login');
}

export async function navigation({ checks, browser, service, plans, failed }) {
  const links = [`/plans/${plans.ended}`, `/plans/${plans.ended}?state=failed`, `/plans/${plans.large}?state=passed&after=3000`,
    `/plans/${plans.ended}/executions/${failed}`, '/tests', '/servers', '/health', '/'];
  for (const link of links) {
    await checks.check(`without a login ${link.replaceAll(/\d+/g, 'N')} leads to the login and then to the page`, () =>
      browse(browser, service, { loggedIn: false }, async (page) => {
        await page.goto(link);
        equal('path without a login', new URL(page.url()).pathname, '/login');
        await page.fill('#secret', 'wrong');
        await page.press('#secret', 'Enter');
        await page.getByRole('alert').waitFor();
        await login(page);
        equal('address after the login', path(page), link);
        const direct = await service.fetch('/plans.json');
        equal('the list of plans has plans', direct.plans.length, 50);
        await page.reload();
        equal('address after a reload', path(page), link);
      }));
  }

  await checks.check('a filter in the address selects tests, and a reload keeps it', () => browse(browser, service, {}, async (page) => {
    await page.goto(`/plans/${plans.ended}?state=could-not-run`);
    const states = () => page.$$eval('#tests tbody tr', (rows) => rows.map((row) => row.querySelector('.state').lastChild.textContent.trim()));
    equal('states', await states(), ['could not run', 'could not run']);
    equal('marked filter', await page.locator('#counts [aria-current]').innerText(), '2 ! could not run');
    await page.reload();
    equal('states after a reload', await states(), ['could not run', 'could not run']);
  }));

  await checks.check('back and forward show the pages of before, up to date', () => browse(browser, service, {}, async (page) => {
    await page.goto('/');
    await page.goto(`/plans/${plans.ended}`);
    await page.click('#counts .passed');
    await page.waitForURL('**state=passed**');
    const filtered = await ofPage(page);
    await page.click('#tests tbody a');
    await page.waitForURL('**/executions/*');
    const execution = await heading(page);
    await page.goBack();
    await untilEqual('tests after back', async () => (await ofPage(page)).tests, () => filtered.tests);
    await page.goBack();
    await untilEqual('plan after back twice', () => ofPage(page), () => ofApi(service, plans.ended));
    await page.goBack();
    equal('heading after back three times', await heading(page), 'Plans');
    await page.goForward();
    await page.goForward();
    await untilEqual('tests after forward', async () => (await ofPage(page)).tests, () => filtered.tests);
    await page.goForward();
    equal('heading at the last page', await heading(page), execution);
  }));

  await checks.check('times are in the zone of the reader, with UTC as their title, also after an update', () => browse(browser, service, { timezoneId: 'Asia/Tokyo' }, async (page) => {
    const plan = await service.execute('followed', 'followed in Tokyo');
    await page.goto(`/plans/${plan}`);
    const local = (text) => new Date(Date.parse(text) + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
    const times = () => page.$$eval('main time', (all) => all.map((it) => [it.dateTime, it.textContent, it.title]));
    const right = (all) => all.map(([at]) => [at, local(at), `${at.slice(0, 19).replace('T', ' ')} UTC`]);
    const before = await times();
    holds('the page has times', before.length > 0, before);
    equal('times', before, right(before));
    const [granted] = await service.reserve(plan, 'far-1');
    await service.finish(granted, { message: 'could not run' });
    await page.locator('#problems').getByText('could not run').first().waitFor();
    const after = await times();
    equal('times after an update', after, right(after));
  }));

  await checks.check('after the logout, back shows no page', () => browse(browser, service, {}, async (page) => {
    await page.goto(`/plans/${plans.ended}`);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.waitForURL('**/login');
    await page.goBack();
    await page.locator('#secret').waitFor();
    equal('path', new URL(page.url()).pathname, '/login');
  }));
}
