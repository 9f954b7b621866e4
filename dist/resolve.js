'use strict';
// Where the binary comes from: the input `binary-path`, the tool cache, a verified download, a build of this checkout.
// The first that has one wins. What takes long or needs much is loaded only when it is needed.

const fs = require('node:fs');
const path = require('node:path');
const cache = require('./cache.js');
const { Failure, command, input, say } = require('./github.js');

/** Rust's names of what is released, by Node's names of operating system and processor. */
const TARGETS = {
  'linux-x64': 'x86_64-unknown-linux-musl',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
  'win32-x64': 'x86_64-pc-windows-msvc',
  // Windows runs it emulated.
  'win32-arm64': 'x86_64-pc-windows-msvc',
};

const GIVE_ONE = 'give the path of a testplan binary in the input binary-path';

/** The absolute path of the binary. */
async function resolve() {
  const given = input('binary-path');
  if (given) return found(explicit(given), 'the input binary-path');

  const manifest = require('./manifest.json');
  const { version } = manifest;
  const cached = cache.find(version);
  if (cached) return found(cached, 'the tool cache');
  const tried = [`tool cache: ${cache.describe(version)} is not there`];

  const fetched = await download(manifest, tried);
  if (fetched.binary) return found(fetched.binary, 'a download');

  const built = await require('./build.js').build(version, tried);
  if (built.binary) return found(built.binary, 'a build');

  const attempts = tried.map((attempt) => `\n- ${attempt}`).join('');
  const cure = fetched.cure ?? built.cure;
  throw new Failure(`There is no testplan ${version} for this machine.${attempts}\n${cure}, or ${GIVE_ONE}.`);
}

function explicit(given) {
  const binary = path.resolve(given);
  if (fs.statSync(binary, { throwIfNoEntry: false })?.isFile()) return binary;
  throw new Failure(
    `The input binary-path says ${given}, but ${binary} is not a file. ` +
      'Correct the path (it starts at the workspace), or leave the input out to have testplan found for you.',
  );
}

/** `{ binary }`, or a line in `tried` and perhaps a `cure`. Throws if what came is not what was released. */
async function download({ version, files }, tried) {
  const platform = `${process.platform}-${process.arch}`;
  const file = files[TARGETS[platform]];
  if (!file) {
    tried.push(`download: dist/manifest.json of this version lists none for ${TARGETS[platform] ?? platform}`);
    return {};
  }
  if (platform === 'win32-arm64') say('there is none for Windows on arm64; the one for x64 runs emulated');
  try {
    const bytes = await require('./download.js').download(file, version);
    return { binary: cache.store(version, (place) => fs.writeFileSync(place, bytes)) };
  } catch (error) {
    if (error instanceof Failure) throw error;
    tried.push(`download: ${error.message}`);
    return { cure: `Let this runner reach ${new URL(file.url).origin}` };
  }
}

function found(binary, where) {
  command('debug', `testplan is ${binary}, from ${where}`);
  return binary;
}

module.exports = { TARGETS, resolve };
