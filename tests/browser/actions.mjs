// What people do on pages: the question, the action, what the page and the API say after it. Without JavaScript, and by keyboard.
import { browse } from './browsing.mjs';
import { equal, holds, until } from './checks.mjs';
import { NAMES } from './hostile_texts.mjs';
import { TOKEN, verdict } from './service.mjs';

const NAME = `Ann ${NAMES[1]}`.slice(0, 80);

// Logs in under a name that would be markup, in a context without a login.
async function enter(page, path) {
  await page.goto(path);
  await page.fill('#secret', TOKEN);
  await page.fill('#name', NAME);
  await page.getByRole('button', { name: 'Log in' }).click();
}

async function confirm(page, link, button, fill = async () => {}) {
  await page.getByRole('link', { name: link }).first().click();
  holds('the question names who signs', (await page.innerText('.confirm')).includes('(token)'), await page.innerText('.confirm'));
  await fill();
  await page.getByRole('button', { name: button }).click();
  await page.locator('#done').waitFor();
  const note = await page.innerText('#done');
  holds('the note has the name as text', note.includes(NAME.trim().split(/\s+/).join(' ')), note);
  return note;
}

export async function actions({ checks, browser, service }) {
  await checks.check('without JavaScript a plan is cancelled, run again, and a lease is released', () => browse(browser, service, { javaScriptEnabled: false, loggedIn: false }, async (page) => {
    const plan = await service.execute('followed', 'b', 'to be cancelled');
    const [running] = await service.reserve(plan, 'w');
    const [failing] = await service.reserve(plan, 'w');
    await service.finish(failing, verdict('failed'));
    await enter(page, `/plans/${plan}`);

    const cancelled = await confirm(page, /Cancel plan/, 'Cancel plan', async () => {
      holds('counts', (await page.innerText('main')).includes('38 tests wait, 1 runs now.'), await page.innerText('main'));
      await page.fill('#reason', 'wrong <b>branch</b>');
    });
    holds('the note has the reason and the counts', cancelled.includes('wrong <b>branch</b>; 38 open, 1 running (may finish)'), cancelled);
    const status = await service.status(plan);
    equal('counts of the API', [status.open, status.reserved, status.done], [0, 1, 39]);
    holds('the headline', (await page.innerText('#progress')).includes('Cancelled by Ann'), await page.innerText('#progress'));

    await page.goto(`/plans/${plan}/executions/${running.execution_id}`);
    await confirm(page, /Release lease/, 'Release lease');
    equal('nothing is left', (await service.status(plan)).done, 40);

    await page.goto(`/plans/${plan}`);
    const retried = await confirm(page, /Run failed tests again/, 'Run again');
    holds('the note counts', retried.includes('40 executions are open again'), retried);
    equal('all are open', (await service.status(plan)).open, 40);

    await page.goto(`/plans/${plan}/cancel`);
    await page.getByRole('link', { name: 'Do nothing' }).click();
    equal('the way back', new URL(page.url()).pathname, `/plans/${plan}`);
    equal('nothing was done', (await service.status(plan)).open, 40);
  }));

  await checks.check('running tests are stopped by choice, and open pages show it', () => browse(browser, service, {}, async (page, context) => {
    const plan = await service.execute('followed', 'b', 'to be stopped');
    const [running] = await service.reserve(plan, 'w');
    const watching = await context.newPage();
    await watching.goto(`/plans/${plan}`);
    await watching.getByText('live', { exact: true }).waitFor();
    await page.goto(`/plans/${plan}/cancel`);
    await page.getByLabel(/Stop them/).check();
    await page.getByRole('button', { name: 'Cancel plan' }).click();
    await page.locator('#done').waitFor();
    equal('all ended', (await service.status(plan)).done, 40);
    let refused = '';
    await service.finish(running, verdict('passed')).catch((error) => { refused = error.message; });
    holds('a late result is refused', refused.includes('it was cancelled by page (token)'), refused);
    await until('the open page', async () => (await watching.innerText('#progress')).includes('Cancelled by page (token)'));
  }));

  await checks.check('by keyboard alone: a Squish server is disabled and enabled', () => browse(browser, service, {}, async (page) => {
    await page.goto('/servers');
    const server = (await service.fetch('/execution/v1/squishservers'))[0];
    const enabled = async () => (await service.fetch('/execution/v1/squishservers')).find((it) => it.id === server.id);
    const link = (word) => page.getByRole('link', { name: `${word} … ${server.host}:${server.port}` });
    await link('Disable').focus();
    await page.keyboard.press('Enter');
    await page.locator('#reason').focus();
    await page.keyboard.type('new disk');
    await page.keyboard.press('Enter');
    await page.locator('#done').waitFor();
    const off = await enabled();
    equal('disabled with a reason', [off.enabled, off.note], [false, 'by page (token): new disk']);
    await link('Enable').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Enable server' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('#done').waitFor();
    equal('enabled', (await enabled()).enabled, true);
    await page.goto('/audit');
    const rows = await page.$$eval('tbody th', (all) => all.slice(0, 2).map((it) => it.textContent));
    const address = `${server.host}:${server.port}`;
    equal('list of actions', rows, [`enabled Squish server ${address}`, `disabled Squish server ${address}`]);
  }));
}
