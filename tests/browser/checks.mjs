// Named checks: each prints a line, and a failed one what was expected and seen, and where its screenshots are.
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';

const PATIENCE = 30_000;
const shown = (value) => (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 2_000);

export class Mismatch extends Error {
  constructor(what, expected, seen) {
    super(`${what}\n  expected: ${shown(expected)}\n  seen:     ${shown(seen)}`);
  }
}

export function equal(what, seen, expected) {
  if (!isDeepStrictEqual(seen, expected)) throw new Mismatch(what, expected, seen);
}

export function holds(what, isTrue, seen) {
  if (!isTrue) throw new Mismatch(what, 'true', seen);
}

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Reads both sides again until they agree.
export async function untilEqual(what, read, expect, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    try {
      const [expected, seen] = [await expect(), await read()];
      if (isDeepStrictEqual(seen, expected)) return seen;
      throw new Mismatch(`${what}, within ${patience / 1000} s`, differing(expected, seen), differing(seen, expected));
    } catch (error) {
      // A side that contradicts itself was read while it changed.
      if (!(error instanceof Mismatch) || Date.now() > end) throw error;
    }
    await pause(50);
  }
}

export const until = async (what, read, patience) => {
  let last;
  await untilEqual(what, async () => Boolean((last = await read())), () => true, patience);
  return last;
};

// The members and entries that differ.
function differing(value, other) {
  const isObject = (it) => it !== null && typeof it === 'object';
  if (!isObject(value) || !isObject(other) || Array.isArray(value) !== Array.isArray(other)) return value;
  const entries = Object.entries(value).filter(([key, it]) => !isDeepStrictEqual(it, other[key]));
  return Object.fromEntries(entries.map(([key, it]) => [key, differing(it, other[key])]));
}

export class Checks {
  failed = 0;
  passed = 0;

  // Screenshots of failed checks are kept in `folder`.
  constructor(folder) {
    this.folder = folder;
  }

  async check(name, run) {
    const began = Date.now();
    const took = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
    try {
      const note = await run();
      this.passed += 1;
      console.log(`ok    ${name} (${took()})${note ? `: ${note}` : ''}`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL  ${name} (${took()})\n${error instanceof Mismatch ? error.message : error.stack}`);
      if (error.context) await this.keepScreenshots(name, error.context);
    }
  }

  async keepScreenshots(name, context) {
    for (const page of context.pages()) {
      const path = join(this.folder, `failed-${name.replaceAll(/[^a-z0-9]+/gi, '-').slice(0, 80)}.png`);
      // `caret: initial`: Playwright hides the caret with a style, which the pages' policy refuses.
      await page.screenshot({ path, caret: 'initial', timeout: 10_000 }).then(() => console.log(`  ${page.url()}: ${path}`), () => {});
    }
    await context.close();
  }
}
