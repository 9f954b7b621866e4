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

/** `{ binary }`, or a line in `tried` and a `cure`. */
async function build(version, tried) {
  if (!fs.existsSync(path.join(ROOT, 'Cargo.toml'))) {
    tried.push(`build: ${ROOT} has no Cargo.toml`);
    return { cure: 'Use a released version of this action' };
  }
  // Told apart from a release, and from builds of other sources of the same version.
  const key = `${version}-src-${digest()}`;
  const built = cache.find(key);
  if (built) return { binary: built };

  const target = path.join(process.env.RUNNER_TEMP || path.join(ROOT, 'target'), 'testplan-build');
  const trouble = await cargo(target);
  if (trouble) {
    tried.push(`build: ${trouble.why}`);
    return { cure: trouble.cure };
  }
  const output = path.join(target, 'release', process.platform === 'win32' ? 'testplan.exe' : 'testplan');
  return { binary: cache.store(key, (place) => fs.copyFileSync(output, place)) };
}

/** Builds into a folder. Nothing if that went well. */
async function cargo(target) {
  say('building testplan from its source; this takes some minutes');
  command('group', 'cargo build');
  const args = ['build', '--release', '--locked', '--bin', 'testplan', '--target-dir', target];
  // In its own folder, where the workspace's toolchain and Cargo settings do not apply; without the one variable that
  // moves the output. In its own process group, so that it ends with all its compilers.
  const { CARGO_BUILD_TARGET, ...env } = process.env;
  try {
    const { code, signal } = await run('cargo', args, {
      cwd: ROOT,
      env,
      detached: process.platform !== 'win32',
      signalled: endAll,
    });
    if (code === 0) return null;
    return { why: `cargo ended with ${signal ?? `exit code ${code}`}`, cure: 'See what cargo said above' };
  } catch (error) {
    if (error.code !== 'ENOENT') return { why: `cargo could not be started: ${error.message}`, cure: 'Repair Rust' };
    return { why: 'there is no cargo on PATH', cure: 'Install Rust in a step before this one (https://rustup.rs)' };
  } finally {
    command('endgroup');
  }
}

/** What identifies the source: a checkout that the runner downloaded has no git folder to ask. */
function digest() {
  const sources = fs.readdirSync(path.join(ROOT, 'src'), { recursive: true, withFileTypes: true });
  const files = sources.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const hash = crypto.createHash('sha256');
  for (const file of [path.join(ROOT, 'Cargo.toml'), path.join(ROOT, 'Cargo.lock'), ...files.sort()]) {
    const bytes = fs.readFileSync(file);
    hash.update(`${path.relative(ROOT, file)}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex').slice(0, 16);
}

module.exports = { build };
