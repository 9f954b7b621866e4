'use strict';
// One child at a time, and who gets the signals meanwhile.

const { spawn } = require('node:child_process');
const { constants } = require('node:os');

const windows = process.platform === 'win32';

/** What to do with a signal while a child runs; null if none runs. */
let onSignal = null;

/**
 * From now on signals go to the child that runs. Without a child they end this process at once.
 *
 * The runner signals this process alone, never its children: SIGINT, after 7.5 s SIGTERM, after 2.5 s SIGKILL.
 */
function listen() {
  for (const signal of ['SIGINT', windows ? 'SIGBREAK' : 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => (onSignal ? onSignal(signal) : exitBy(signal)));
  }
}

/** Ends this process with the exit code that shells give to a signal: 130 for SIGINT, 143 for SIGTERM. */
function exitBy(signal) {
  process.exit(128 + constants.signals[signal]);
}

/** Passes a signal on. On Windows the console has done so already, and kill() would end the child on the spot. */
function forward(child, signal) {
  if (!windows) child.kill(signal);
}

/** Ends a child with all its children, and then us. For a child with a process group of its own. */
function endAll(child, signal) {
  try {
    process.kill(windows ? child.pid : -child.pid, 'SIGTERM');
  } catch {
    // It has just ended.
  }
  exitBy(signal);
}

/**
 * Runs a program on our stdin, stdout and stderr until it ends: `{ code, signal }`, one of them null. Rejects if it
 * cannot be started. `started` is called with the child, `signalled` with the child and each signal; the other
 * options are spawn's. Not spawnSync: with that a SIGINT would kill us and leave the child behind.
 */
function run(program, args, { started = () => {}, signalled = forward, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options });
    child.on('error', (error) => {
      if (child.pid === undefined) reject(error);
    });
    if (child.pid === undefined) return;
    onSignal = (signal) => signalled(child, signal);
    child.on('exit', (code, signal) => {
      onSignal = null;
      resolve({ code, signal });
    });
    started(child);
  });
}

module.exports = { endAll, exitBy, listen, run };
