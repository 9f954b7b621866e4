'use strict';
// After the step, even a cancelled one: ends a binary that outlived it, and has what it still holds given back. Trouble
// here is told and never fails the job: leases that are not given back run out.

const fs = require('node:fs');
const { listen, run } = require('./child.js');
const { command } = require('./github.js');

/** From SIGTERM to SIGKILL, in ms. */
const GRACE = 6_000;
/** For giving back, in ms. */
const LIMIT = 30_000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function main() {
  const { STATE_binary: binary, STATE_pid: pid } = process.env;
  if (!binary) return;
  listen();
  await end(Number(pid), binary);
  await giveBack(binary);
}

/** Ends our binary if it still runs. Whoever else has its number by now is left alone. */
async function end(pid, binary) {
  if (!(pid > 0)) return;
  for (const [signal, wait] of [['SIGTERM', GRACE], ['SIGKILL', 1_000]]) {
    const began = performance.now();
    if (!isOurs(pid, binary)) return;
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    while (performance.now() - began < wait && isOurs(pid, binary)) await pause(20);
  }
}

/** Whether a process is `binary action`. Linux alone can tell for sure; elsewhere the runner ends what is left. */
function isOurs(pid, binary) {
  try {
    const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.some((word, at) => word === binary && words[at + 1] === 'action');
  } catch {
    return false;
  }
}

async function giveBack(binary) {
  let timer;
  let late = false;
  const started = (child) => {
    timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, LIMIT);
  };
  // An output of post would replace the step's own where a runner reads it: act, Gitea, Forgejo.
  const { GITHUB_OUTPUT, ...env } = process.env;
  const { code, signal } = await run(binary, ['action', '--post'], { started, env });
  clearTimeout(timer);
  if (late) throw new Error(`it did not end within ${LIMIT / 1000} s`);
  if (code !== 0) throw new Error(`it ended with ${signal ?? `exit code ${code}`}`);
}

main()
  .catch((error) => {
    command('warning', `What this step still held was perhaps not given back, and has to run out: ${error.message}.`);
  })
  .then(() => process.exit(0));
