// Every page at two widths and in two colour schemes: a screenshot, no horizontal scrolling, no finding of axe-core.
import { join } from 'node:path';
import { AXE, browse } from './browsing.mjs';
import { Mismatch, equal, holds } from './checks.mjs';

const WIDTHS = [390, 1_600];

export const look = ({ checks, browser }, of, title, path, loggedIn = true) =>
  checks.check(`${title}: no horizontal scrolling, no finding of axe-core, at ${WIDTHS.join(' and ')} px, light and dark`, () =>
    browse(browser, of, { loggedIn }, async (page) => {
      await page.goto(path);
      const found = [];
      for (const colorScheme of ['light', 'dark']) {
        for (const width of WIDTHS) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 900 });
          const name = `${title}-${width}-${colorScheme}`;
          await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true, caret: 'initial' });
          found.push(...await findings(page, name));
        }
      }
      if (found.length > 0) throw new Mismatch(path, 'no finding', found.join('\n            '));
    }));

export async function looks({ checks, browser, service, empty, plans, failed, broken, hostile }) {
  const pages = {
    plans: '/',
    'plans-older': `/?before=${plans.waiting + 3}`,
    'plan-ended': `/plans/${plans.ended}`,
    'plan-running': `/plans/${plans.live}`,
    'plan-waiting': `/plans/${plans.waiting}`,
    'plan-could-not-run': `/plans/${plans.ended}?state=could-not-run`,
    'plan-no-test-in-filter': `/plans/${plans.ended}?state=open`,
    'plan-large': `/plans/${plans.large}`,
    'plan-hostile': `/plans/${hostile.plan}`,
    execution: `/plans/${plans.ended}/executions/${failed}`,
    'execution-could-not-run': `/plans/${plans.ended}/executions/${broken}`,
    'execution-hostile': `/plans/${hostile.plan}/executions/${hostile.running[0].execution_id}`,
    servers: '/servers',
    health: '/health',
    audit: '/audit',
    'cancel-question': `/plans/${plans.live}/cancel`,
    'cancel-nothing': `/plans/${plans.ended}/cancel`,
    'retry-question': `/plans/${plans.ended}/retry`,
    'release-question': `/plans/${hostile.plan}/executions/${hostile.running[0].execution_id}/release`,
    'disable-question': '/servers/1/disable',
    'not-found': '/plans/999999',
    'bad-filter': `/plans/${plans.ended}?state=strange`,
  };
  const of = { checks, browser };
  for (const [title, path] of Object.entries(pages)) await look(of, service, title, path);
  await look(of, empty, 'empty-plans', '/');
  await look(of, empty, 'empty-tests', '/tests');
  await look(of, empty, 'empty-servers', '/servers');
  await look(of, service, 'login', '/login', false);
  await checks.check('the two colour schemes differ', async () => {
    const ground = (colorScheme) => browse(browser, service, { colorScheme }, async (page) => {
      await page.goto('/');
      return page.evaluate(() => getComputedStyle(document.body).backgroundColor + getComputedStyle(document.documentElement).backgroundColor);
    });
    const [light, dark] = [await ground('light'), await ground('dark')];
    holds('grounds differ', light !== dark, [light, dark]);
  });
}

// Texts beyond the right edge that cannot be scrolled to, and cells with a few letters in a line. Runs in the page.
const outside = () => {
  const found = [];
  for (const it of document.querySelectorAll('body *')) {
    const own = [...it.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data.trim()).join('');
    if (own === '' || !it.checkVisibility() || it.closest('.off, .skip, svg, pre')) continue;
    const range = document.createRange();
    range.selectNodeContents(it);
    const box = range.getBoundingClientRect();
    const about = `${it.outerHTML.slice(0, 120)} at ${Math.round(box.left)} to ${Math.round(box.right)} px`;
    const scroller = it.closest('.wide');
    const scrolls = scroller && scroller.scrollWidth > scroller.clientWidth;
    if (box.right > innerWidth + 1 && !scrolls) found.push(`outside the window: ${about}`);
    if (it.matches('td, th, td *, th *') && own.length > 20 && box.width < 60 && getComputedStyle(it.closest('thead') ?? it).position !== 'absolute') {
      found.push(`squeezed: ${about}`);
    }
  }
  return found.slice(0, 5);
};

async function findings(page, title) {
  const found = [];
  const { wide, inner } = await page.evaluate(() => ({ wide: document.scrollingElement.scrollWidth, inner: innerWidth }));
  if (wide > inner) found.push(`${title}: ${wide} px wide in a window of ${inner} px`);
  found.push(...(await page.evaluate(outside)).map((it) => `${title}: ${it}`));
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(AXE);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  equal(`${title}: axe-core ran`, result.passes.some((it) => it.id === 'color-contrast' || it.id === 'document-title'), true);
  for (const { id, help, nodes } of result.violations) {
    found.push(`${title}: ${id} (${help}), ${nodes.length} times, first ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary.replaceAll(/\s+/g, ' ').slice(0, 300)}`);
  }
  return found;
}
