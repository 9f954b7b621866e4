// Runs the checks one after the other, in one browser and against two services.
import { rmSync } from 'node:fs';
import { launch } from './browsing.mjs';
import { Checks } from './checks.mjs';
import { prepare } from './fixture.mjs';
import { stopAll } from './processes.mjs';

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(128 + 15));

// Side by side: much of both groups is waiting.
const GROUPS = [['watched', 'navigation', 'plain', 'keyboard', 'actions', 'hostile'], ['streams', 'over_time', 'looks']];
const only = process.env.ONLY.split(',').filter(Boolean);
const began = Date.now();
const browser = await launch();
const checks = new Checks(process.env.SCREENSHOTS);

async function runGroup(files, run) {
  for (const file of files.filter((it) => only.length === 0 || only.includes(it))) {
    const module = await import(`./${file}.mjs`);
    await module[file](run);
  }
}

try {
  const run = { checks, browser, ...(await prepare()) };
  await Promise.all(GROUPS.map((files) => runGroup(files, run)));
} finally {
  await browser.close();
  await stopAll();
  rmSync(process.env.WORK, { recursive: true, force: true });
}
if (checks.passed + checks.failed === 0) throw new Error(`ONLY=${process.env.ONLY} selects no check: expected ${GROUPS.flat().join(', ')}`);
const seconds = Math.round((Date.now() - began) / 1000);
console.log(`${checks.passed} checks passed, ${checks.failed} failed, in ${seconds} s`);
process.exitCode = checks.failed === 0 ? 0 : 1;
