// Writes dist/manifest.json from the built binaries: what the launcher may download, and nothing else.
//
//   node scripts/manifest.mjs VERSION COMMIT BASE_URL FOLDER
//
// FOLDER holds one `testplan-TARGET` (with .exe for Windows) per target, as they will be found below BASE_URL; other
// files in it are left alone. The same files give the same bytes.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { TARGETS } = createRequire(import.meta.url)('../dist/resolve.js');

function check(holds, what) {
  if (holds) return;
  console.error(`error: ${what}\nusage: node scripts/manifest.mjs VERSION COMMIT BASE_URL FOLDER`);
  process.exit(2);
}

const [version, source, base, folder, ...rest] = process.argv.slice(2);
check(folder && rest.length === 0, 'four arguments are needed');
check(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version), `VERSION is ${version}, not like 1.2.3`);
check(/^[0-9a-f]{40}$/.test(source), `COMMIT is ${source}, not a full hash`);
check(URL.canParse(base) && new URL(base).protocol === 'https:', `BASE_URL is ${base}, not an https address`);

const files = {};
for (const target of [...new Set(Object.values(TARGETS))].sort()) {
  const name = `testplan-${target}${target.includes('windows') ? '.exe' : ''}`;
  const path = join(folder, name);
  check(existsSync(path), `there is no ${name} in ${folder}`);
  const bytes = readFileSync(path);
  check(bytes.length > 0, `${name} is empty`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  files[target] = { url: `${base.replace(/\/+$/, '')}/${name}`, sha256, size: bytes.length };
}

const manifest = new URL('../dist/manifest.json', import.meta.url);
writeFileSync(manifest, `${JSON.stringify({ version, source, files }, null, 2)}\n`);
