// Names, messages and addresses that try to run a script or to load something.
import { browse } from './browsing.mjs';
import { equal, holds, until } from './checks.mjs';
import { ofPage } from './facts.mjs';
import { NAMES } from './hostile_texts.mjs';
import { TOKEN, verdict } from './service.mjs';

const clean = async (page) => {
  equal(`global that a script of ${page.url()} would set`, await page.evaluate(() => globalThis.hacked ?? null), null);
  const strange = await page.evaluate(() => {
    const found = document.querySelectorAll('main script, img, iframe, base, object, embed, main style, main link, [onerror], [onload], [onfocus], [autofocus]');
    const links = [...document.querySelectorAll('a, form, area')].filter((it) => {
      const to = it.href ?? it.action;
      return typeof to === 'string' && to !== '' && new URL(to).origin !== location.origin;
    });
    return [...found, ...links].map((it) => it.outerHTML.slice(0, 200));
  });
  equal(`markup of ${page.url()} that is no markup of the page`, strange, []);
};

export async function hostile({ checks, browser, service, hostile: made }) {
  const { plan, execution, running, capabilities } = made;
  await checks.check('hostile names, messages and output are shown as text on every page', () => browse(browser, service, {}, async (page) => {
    for (const path of ['/', `/plans/${plan}`, `/plans/${plan}?state=could-not-run`, `/plans/${plan}/executions/${execution}`, `/plans/${plan}/cancel`, '/servers', '/audit', '/health']) {
      await page.goto(path);
      await clean(page);
    }
    await page.goto(`/plans/${plan}`);
    const shown = (await ofPage(page)).tests.map((it) => it.name);
    const short = NAMES.filter((it) => it.startsWith('<s') || it.startsWith('javascript:') || it.startsWith('&lt;'));
    for (const name of short) holds(`${name} is shown unchanged`, shown.some((it) => it.endsWith(name)), shown);
    await page.goto(`/plans/${plan}/executions/${execution}`);
    holds('the message is shown as text', (await page.innerText('#error')).includes('<script>globalThis.hacked=1;alert(1)</script>'), await page.innerText('#error'));
  }));

  await checks.check('hostile names stay text in live updates', () => browse(browser, service, {}, async (page) => {
    await page.goto(`/plans/${plan}`);
    await page.getByText('live', { exact: true }).waitFor();
    const before = await ofPage(page);
    await service.finish(running[0], { message: NAMES[1], details: NAMES[0] });
    await service.finish(running[1], verdict('failed'));
    await service.reserve(plan, NAMES[4], { capabilities });
    await service.fetch(`/execution/v1/reset/${execution}`, {});
    await until('the updates', async () => (await ofPage(page)).counts.failed === before.counts.failed + 1);
    await until('the reset', async () => (await ofPage(page)).leases.some((it) => it.startsWith('reset')));
    await until('the worker', async () => (await ofPage(page)).lanes.some((it) => it.worker === NAMES[4]));
    await clean(page);
  }));

  await checks.check('hostile addresses lead nowhere else', () => browse(browser, service, { loggedIn: false }, async (page, context) => {
    const encoded = NAMES.slice(0, 4).map(encodeURIComponent);
    const nexts = ['//192.0.2.1/', 'http://192.0.2.1/', '/\\192.0.2.1/', '/\t/192.0.2.1/', 'javascript:globalThis.hacked=1', ...NAMES.slice(0, 2)];
    for (const next of nexts) {
      await page.goto(`/login?next=${encodeURIComponent(next)}`);
      await clean(page);
      await page.fill('#secret', TOKEN);
      await page.press('#secret', 'Enter');
      await page.waitForURL((url) => url.pathname !== '/login');
      equal(`address after a login with next=${next}`, page.url(), `${service.url}/`);
      await context.clearCookies();
    }
    await context.request.post('/login', { form: { user: 'token', secret: TOKEN, next: '/' }, maxRedirects: 0 });
    for (const path of encoded.flatMap((it) => [`/plans/${it}`, `/plans/${plan}?state=${it}`, `/plans/${plan}/executions/${it}`, `/?before=${it}`])) {
      const answer = await page.goto(path);
      holds(`status of ${path} is 400 or 404`, [400, 404].includes(answer.status()), answer.status());
      await clean(page);
    }
  }));
}
