// Takes the pictures of each page, light and dark.
import { join } from 'node:path';
import { browse, launch } from '../../tests/browser/browsing.mjs';
import { stopAll } from '../../tests/browser/processes.mjs';
import { live } from './shop.mjs';

const WIDTH = 1_280;
// Higher pages are cut: a picture shows what a page begins with.
const HIGHEST = 1_600;

async function picture(browser, service, name, path, loggedIn = true) {
  await browse(browser, service, { loggedIn, viewport: { width: WIDTH, height: 600 } }, async (page) => {
    await page.goto(path);
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      const clip = { x: 0, y: 0, width: WIDTH, height: Math.min(height, HIGHEST) };
      await page.screenshot({ path: join(process.env.PICTURES, `${name}-${colorScheme}.png`), fullPage: true, clip });
    }
  });
  console.log(`${name}: ${path}`);
}

const browser = await launch();
try {
  const { service, pages } = await live();
  for (const [name, path] of Object.entries(pages)) await picture(browser, service, name, path, name !== 'login');
} finally {
  await browser.close();
  await stopAll();
}
