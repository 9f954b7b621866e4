'use strict';
// Where the binary comes from: the input `binary-path`, the tool cache, a verified download, a build of this checkout.
// The first that has one wins. What takes long or needs much is loaded only when it is needed.

const fs = require('node:fs');
const path = require('node:path');
const cache = require('./cache.js');
const { Failure, input, say } = require('./github.js');

/** Rust's names of what is released, by Node's names of operating system and processor. */
const TARGETS = {
  'linux-x64': 'x86_64-unknown-linux-musl',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
  'win32-x64': 'x86_64-pc-windows-msvc',
  'win32-arm64': 'x86_64-pc-windows-msvc', // Windows runs it emulated.
};

/** The absolute path of the binary. A way that has none says why, and what may help, by `miss`. */
async function resolve() {
  const given = input('binary-path');
  if (given) return explicit(given);
  const manifest = require('./manifest.json');
  const { version } = manifest;
  const missed = [];
  const miss = (why, cure) => void missed.push({ why, cure });

  const cached = cache.find(version);
  if (cached) return cached;
  miss(`tool cache: no ${version} for ${process.arch} in ${process.env.RUNNER_TOOL_CACHE || 'RUNNER_TOOL_CACHE'}`);
  const binary = (await download(manifest, miss)) ?? (await require('./build.js').build(version, miss));
  if (binary) return binary;

  const attempts = missed.map(({ why }) => `\n- ${why}`).join('');
  const { cure } = missed.find((missing) => missing.cure);
  throw new Failure(
    `There is no testplan ${version} for this machine.${attempts}\n` +
      `${cure}, or give the path of a testplan binary in the input binary-path.`,
  );
}

function explicit(given) {
  const binary = path.resolve(given);
  if (fs.statSync(binary, { throwIfNoEntry: false })?.isFile()) return binary;
  throw new Failure(
    `The input binary-path says ${given}, but ${binary} is not a file. ` +
      'Correct the path (it starts at the workspace), or leave the input out to have testplan found for you.',
  );
}

/** Throws if what came is not what was released: then nothing may be built in its place. */
async function download({ version, files }, miss) {
  const platform = `${process.platform}-${process.arch}`;
  const file = files[TARGETS[platform]];
  if (!file) return miss(`download: dist/manifest.json of this version lists none for ${TARGETS[platform] ?? platform}`);
  if (platform === 'win32-arm64') say('there is none for Windows on arm64; the one for x64 runs emulated');
  try {
    const bytes = await require('./download.js').download(file, version);
    return cache.store(version, (place) => fs.writeFileSync(place, bytes));
  } catch (error) {
    if (error instanceof Failure) throw error;
    return miss(`download: ${error.message}`, `Let this runner reach ${new URL(file.url).origin}`);
  }
}

module.exports = { TARGETS, resolve };
