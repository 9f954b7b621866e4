// Tests over several plans: questions that people ask, answered by clicks alone; the looks of these pages.
import { browse } from './browsing.mjs';
import { equal, holds } from './checks.mjs';
import { look } from './looks.mjs';
import { Service, verdict } from './service.mjs';

const FILE = {
  project: 'shop',
  templates: [{
    title: 'nightly',
    configurations: [{ OS: 'Linux' }, { OS: 'Windows' }],
    tests: [{ suite: 'cart', testcases: ['adds', 'removes', 'pays', 'counts'] }],
  }],
};
const WHY = 'AssertionError: expected 3 items, found 2 <script>alert(1)</script>';
const commit = (n) => String(n).repeat(40);

// Seven plans: `removes` fails on Windows since the fifth, `pays` in every second plan, `counts` in the last on both systems.
async function history(service) {
  const found = await service.fetch('/execution/v1/testplans?type=template&project=shop&title=nightly');
  const plans = [];
  for (let n = 1; n <= 7; n += 1) {
    const origin = { branch: n === 3 ? 'topic' : 'main', commit: commit(n), author: 'Ada', run_url: `https://ci.example/runs/${n}` };
    const { id } = await service.fetch('/execution/v1/executeplan', { templateId: found.id, title: `nightly ${n}`, batch: `b${n}`, origin });
    for (const OS of ['Linux', 'Windows']) {
      const capabilities = [{ key: 'OS', value: OS }];
      for (let left = 4; left > 0; left -= 1) {
        const [one] = await service.reserve(id, `box-${OS}`, { capabilities });
        const fails = { removes: OS === 'Windows' && n >= 5, pays: OS === 'Linux' && n % 2 === 0, counts: n === 7 }[one.testcase];
        await service.finish(one, fails ? { ...verdict('failed', 900), failure: WHY } : verdict('passed', 100 * n));
      }
    }
    plans.push(id);
  }
  return plans;
}

export async function over_time({ checks, browser }) {
  const service = await Service.start('over-time', FILE);
  const plans = await history(service);
  const text = (it) => it.innerText().then((it) => it.replaceAll(/\s+/g, ' '));

  await checks.check('which test broke last, since which commit, on which system: three clicks from the list of plans', () => browse(browser, service, {}, async (page) => {
    await page.goto('/');
    await page.getByRole('link', { name: 'nightly 7' }).click();
    const section = page.locator('#comparison');
    holds('what is new', (await text(section)).includes('2 newly failed, 1 still failed, 1 fixed since plan'), await text(section));
    await section.locator('summary', { hasText: 'still failed' }).click();
    await section.locator('li', { hasText: 'removes' }).getByRole('link', { name: 'history' }).click();
    const lead = await text(page.locator('.lead'));
    equal('the answer', lead, `It fails on OS=Windows since plan ${plans[4]}, commit ${commit(5).slice(0, 10)} (main).`);
  }));

  await checks.check('the list of tests is that of its JSON, and its filters narrow it', () => browse(browser, service, {}, async (page) => {
    await page.goto('/tests');
    const names = () => page.locator('tbody th a[href*="/tests/"]').allInnerTexts().then((all) => all.map((it) => it.replace(/^cart\s*/, '').trim()));
    const of = async (query) => (await service.fetch(`/tests.json${query}`)).tests.map((it) => it.testcase);
    equal('all tests', await names(), await of(''));
    equal('what needs attention first', (await names()).slice(0, 4), ['counts', 'counts', 'removes', 'pays']);
    await page.getByRole('link', { name: /flaky/ }).click();
    equal('flaky tests', await names(), ['pays']);
    await page.getByLabel('Name has').fill('REM');
    await page.getByLabel('Branch').selectOption('main');
    await page.getByRole('button', { name: 'Show' }).click();
    equal('found by a part of the name', await names(), ['removes', 'removes']);
    equal('address', new URL(page.url()).searchParams.get('branch'), 'main');
  }));

  await checks.check('the page of a test is that of its JSON', () => browse(browser, service, {}, async (page) => {
    const { tests } = await service.fetch('/tests.json');
    const id = tests.find((it) => it.testcase === 'removes').test_id;
    const json = await service.fetch(`/tests/${id}.json`);
    await page.goto(`/tests/${id}`);
    const rows = await page.locator('#runs tbody tr').count();
    equal('runs', rows, json.runs.length);
    equal('failures by message', await text(page.locator('#failures .message')), `3 × ${WHY}`);
    const strips = await page.locator('#systems svg').evaluateAll((all) => all.map((it) => it.getAttribute('aria-label')));
    equal('last runs in words', strips, ['7 passed, the newest at the right', '3 failed, 4 passed, the newest at the right']);
    await page.getByRole('link', { name: 'topic' }).click();
    equal('runs of a branch', await page.locator('#runs tbody tr').count(), 2);
  }));

  const { tests } = await service.fetch('/tests.json');
  const pages = { tests: '/tests', 'tests-none': '/tests?find=nothing', test: `/tests/${tests[2].test_id}`, 'plan-compared': `/plans/${plans[6]}` };
  for (const [title, path] of Object.entries(pages)) await look({ checks, browser }, service, title, path);
}
