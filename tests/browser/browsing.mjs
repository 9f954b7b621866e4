// Browser contexts that record everything that a page must not do.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { equal } from './checks.mjs';
import { TOKEN } from './service.mjs';

const require = createRequire(join(process.env.BROWSER_MODULES, 'here'));
const { chromium } = require('playwright-core');
export const AXE = require('axe-core').source;

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM });

// A context whose `faults` has dialogs, requests to other hosts, and messages of the console.
export async function open(browser, service, { loggedIn = true, ...options } = {}) {
  const context = await browser.newContext({ baseURL: service.url, viewport: { width: 1200, height: 900 }, ...options });
  context.setDefaultTimeout(30_000);
  context.faults = [];
  const fault = (text) => context.faults.push(text);
  context.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${service.url}/`) && !url.startsWith('data:')) fault(`request to ${url}`);
  });
  context.on('dialog', (dialog) => {
    fault(`dialog: ${dialog.message()}`);
    dialog.dismiss().catch(() => {});
  });
  context.on('weberror', ({ error }) => fault(`error of a script: ${error().message}`));
  context.on('console', (message) => {
    // Chromium reports the status of a page that a check asks for although it does not exist.
    const isStatus = /^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text());
    if (['error', 'warning'].includes(message.type()) && !isStatus) fault(`console: ${message.text()}`);
  });
  if (loggedIn) {
    const answer = await context.request.post('/login', { form: { user: 'token', secret: TOKEN, next: '/' }, maxRedirects: 0 });
    equal('status of the login', answer.status(), 303);
  }
  return context;
}

export async function close(context) {
  await context.close();
  equal('what pages did that they must not', context.faults, []);
}

// Opens a context with a page for a while. That of a failed check stays open for its screenshot.
export async function browse(browser, service, options, run) {
  const context = await open(browser, service, options);
  try {
    const found = await run(await context.newPage(), context);
    await close(context);
    return found;
  } catch (error) {
    error.context = context;
    throw error;
  }
}
