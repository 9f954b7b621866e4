// Everything by keyboard alone.
import { browse } from './browsing.mjs';
import { equal, holds, until } from './checks.mjs';
import { ofPage } from './facts.mjs';
import { TOKEN, verdict } from './service.mjs';

// Defines in the page what Tab has to reach, in the order of the document, and where the focus is. Elements are known by what they
// show, because a live update replaces them.
const define = () => {
  const about = (it) => `${it.tagName} ${it.getAttribute('href') ?? it.getAttribute('aria-label') ?? it.name ?? ''} ${it.matches('a, button') ? it.textContent.trim().slice(0, 40) : ''}`;
  globalThis.reachable = () => {
    const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, [tabindex]')];
    return all.filter((it) => it.tabIndex >= 0 && !it.disabled && it.checkVisibility()).map(about);
  };
  globalThis.focused = () => {
    const it = document.activeElement;
    if (!it || it === document.body) return null;
    const style = getComputedStyle(it);
    const box = it.getBoundingClientRect();
    const isInView = box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    return {
      about: about(it),
      isVisible: isInView && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1,
      outline: `${about(it)}: outline ${style.outlineWidth} ${style.outlineStyle}, at ${box.x},${box.y}`,
    };
  };
};

// Tab through a page until the focus leaves it.
async function walk(page, where) {
  await page.evaluate(define);
  await page.evaluate(() => document.activeElement.blur());
  const all = await page.evaluate(() => globalThis.reachable());
  const order = [];
  for (let step = 0; step < all.length + 5; step += 1) {
    await page.keyboard.press('Tab');
    const now = await page.evaluate(() => globalThis.focused());
    if (now === null || now.about === order[0]) break;
    holds(`focus on ${where} is visible and in view`, now.isVisible, now.outline);
    order.push(now.about);
  }
  equal(`what Tab reaches on ${where}, in order`, order, all);
  return all.length;
}

async function tabTo(page, selector) {
  const wanted = page.locator(selector).first();
  for (let step = 0; step < 60; step += 1) {
    if (await wanted.evaluate((it) => it === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  holds(`Tab reaches ${selector}`, false, await page.evaluate(() => document.activeElement.outerHTML.slice(0, 300)));
}

export async function keyboard({ checks, browser, service, plans, broken }) {
  await checks.check('by keyboard alone: login, a plan, a filter, a test, logout', () => browse(browser, service, { loggedIn: false }, async (page) => {
    await page.goto(`/plans/${plans.ended}`);
    await walk(page, 'the login');
    await tabTo(page, '#secret');
    await page.keyboard.type(TOKEN);
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/plans/${plans.ended}`);
    await page.keyboard.press('Tab');
    equal('first stop', await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    holds('the skip link leads into the content', await page.evaluate(() => Boolean(document.activeElement.closest('main'))), 'outside');
    await tabTo(page, '#counts .error');
    await page.keyboard.press('Enter');
    await page.waitForURL('**state=could-not-run**');
    equal('states of the filter', [...new Set((await ofPage(page)).tests.map((it) => it.state))], ['could not run']);
    await tabTo(page, '#tests tbody a');
    await page.keyboard.press('Enter');
    await page.waitForURL(`**/executions/*`);
    await tabTo(page, '.top button');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/login');
  }));

  const pages = ['/', `/plans/${plans.ended}`, `/plans/${plans.waiting}`, `/plans/${plans.ended}/executions/${broken}`, '/servers', '/servers/1/disable', `/plans/${plans.waiting}/cancel`, '/audit', '/health', '/plans/999999'];
  for (const viewport of [{ width: 390, height: 800 }, { width: 1_600, height: 1_000 }]) {
    await checks.check(`Tab reaches every link, button and scrolling part with a visible focus at ${viewport.width} px`, () =>
      browse(browser, service, { viewport }, async (page) => {
        let stops = 0;
        for (const path of pages) {
          await page.goto(path);
          stops += await walk(page, path);
        }
        return `${stops} stops on ${pages.length} pages`;
      }));
  }

  await checks.check('a scrolled table stays scrolled while the page is updated', () => browse(browser, service, { viewport: { width: 390, height: 800 } }, async (page) => {
    const plan = await service.execute('followed', 'b', 'scrolled');
    await page.goto(`/plans/${plan}`);
    await page.getByText('live', { exact: true }).waitFor();
    const left = () => page.$eval('#needs .wide', (it) => it.scrollLeft);
    await page.$eval('#needs .wide', (it) => { it.scrollLeft = 40; });
    equal('before', await left(), 40);
    const [granted] = await service.reserve(plan, 'by hand');
    await service.finish(granted, verdict('passed'));
    await until('the update', async () => (await ofPage(page)).capabilities[0][4] === '1');
    equal('after an update', await left(), 40);
  }));

  await checks.check('the focus stays where it is while the page is updated', () => browse(browser, service, {}, async (page) => {
    const plan = await service.execute('followed', 'b', 'focus');
    await page.goto(`/plans/${plan}`);
    await page.getByText('live', { exact: true }).waitFor();
    for (const selector of ['#counts .all', '#tests tbody a', '#needs .wide']) {
      await page.locator(selector).first().focus();
      const about = () => page.evaluate(() => document.activeElement.getAttribute('href') ?? document.activeElement.getAttribute('aria-label'));
      const before = await about();
      const { done } = await service.status(plan);
      const [granted] = await service.reserve(plan, 'by hand');
      await service.finish(granted, verdict('passed'));
      await until('the update', async () => (await ofPage(page)).tab === `${done + 1}/40`);
      await until('the row', async () => (await ofPage(page)).tests.filter((it) => it.state === 'passed').length === done + 1);
      equal(`focus on ${selector} after an update`, await about(), before);
    }
  }));
}
