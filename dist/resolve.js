'use strict';
// Where the binary comes from: the input `binary-path`, the tool cache, a verified download, a build of this checkout.
// The first that has one wins. What takes long or needs much is loaded only when it is needed.

const fs = require('node:fs');
const path = require('node:path');
const cache = require('./cache.js');
const { exitBy, run } = require('./child.js');
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

/** For a binary to answer --version, in ms. A slow machine may scan it first. */
const LIMIT = 30_000;

/** The absolute path of the binary. A way that has none says why, and what may help, by `miss`. */
async function resolve() {
  const given = input('binary-path');
  if (given) return checked(explicit(given), given);
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

/** A binary that answers as testplan: any other program may end with 0, and the step would be green. */
async function checked(binary, given) {
  const problem = await answer(binary).catch((error) => `it could not be started: ${error.message}`);
  if (!problem) return binary;
  const cure = problem.includes('EACCES')
    ? 'Make it executable first (chmod +x): artifacts lose that permission.'
    : 'Name a testplan binary for this operating system and processor, or leave the input out to have it found for you.';
  throw new Failure(`The input binary-path says ${given}, but ${binary} is not testplan: ${problem}. ${cure}`);
}

/** What is wrong with the answer to --version, if anything is. */
async function answer(binary) {
  let said = '';
  let read;
  let timer;
  const started = (child) => {
    timer = setTimeout(() => child.kill('SIGKILL'), LIMIT);
    child.stdout.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(0, 100);
      if (said.length === 100) child.kill('SIGKILL');
    });
    // Not for ever: a child of it may keep the pipe.
    read = new Promise((done) => child.stdout.on('close', done) && child.on('exit', () => setTimeout(done, 1_000)));
  };
  const signalled = (child, signal) => child.kill('SIGKILL') && exitBy(signal);
  const { code, signal } = await run(binary, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'], started, signalled });
  clearTimeout(timer);
  await read;
  if (signal) return `--version was ended by ${signal}, took more than ${LIMIT / 1000} s or printed more than a line`;
  if (code === 0 && /^testplan \d+\.\d+\.\d+\S*\s*$/.test(said)) return null;
  return `--version ended with exit code ${code} and printed ${JSON.stringify(said)}`;
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
