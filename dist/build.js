'use strict';
// A binary from this checkout, for machines that have none released, or cannot reach it.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const cache = require('./cache.js');
const { endAll, run } = require('./child.js');
const { command, say } = require('./github.js');

/** The action's checkout. GITHUB_ACTION_PATH is set for composite actions only. */
const ROOT = path.resolve(__dirname, '..');

/** The binary, or `miss` says why there is none and what may help. */
async function build(version, miss) {
  const { CARGO_BUILD_TARGET, ...env } = process.env; // It would move the output.
  if (!fs.existsSync(path.join(ROOT, 'Cargo.toml'))) {
    return miss(`build: ${ROOT} has no Cargo.toml`, 'Use a released version of this action');
  }
  // Told apart from a release, and from builds of other sources of the same version.
  const key = `${version}-src-${digest()}`;
  const built = cache.find(key);
  if (built) return built;

  const target = path.join(env.RUNNER_TEMP || path.join(ROOT, 'target'), 'testplan-build');
  const args = ['build', '--release', '--locked', '--bin', 'testplan', '--target-dir', target];
  say('building testplan from its source; this takes some minutes');
  command('group', 'cargo build');
  try {
    // In its own folder, where the workspace's toolchain and Cargo settings do not apply. In its own process group, to
    // end with all its compilers.
    const detached = process.platform !== 'win32';
    const { code, signal } = await run('cargo', args, { cwd: ROOT, env, detached, signalled: endAll });
    if (code !== 0) return miss(`build: cargo ended with ${signal ?? `exit code ${code}`}`, 'See what cargo said above');
  } catch (error) {
    const why = error.code === 'ENOENT' ? 'there is no cargo on PATH' : `cargo could not be started: ${error.message}`;
    return miss(`build: ${why}`, 'Install Rust in a step before this one (https://rustup.rs)');
  } finally {
    command('endgroup');
  }
  return cache.store(key, (place) => fs.copyFileSync(path.join(target, 'release', cache.NAME), place));
}

/** What identifies the source: a checkout that the runner downloaded has no git folder to ask. */
function digest() {
  const entries = fs.readdirSync(path.join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  const sources = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const hash = crypto.createHash('sha256');
  for (const file of [path.join(ROOT, 'Cargo.toml'), path.join(ROOT, 'Cargo.lock'), ...sources.sort()]) {
    const bytes = fs.readFileSync(file);
    hash.update(`${path.relative(ROOT, file)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

module.exports = { build };
