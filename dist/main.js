'use strict';
// Finds the testplan binary, runs `testplan action` in its own place, and ends as it ended. Everything else (inputs,
// outputs, reports) is the binary's. No npm dependencies: what is here is all that runs.

const { listen, run } = require('./child.js');
const { Failure, command, saveState } = require('./github.js');
const { resolve } = require('./resolve.js');

/** The launcher's own trouble; the same number as trouble with the service, see "Exit codes" in the README. */
const TROUBLE = 3;

async function main() {
  listen();
  const binary = await resolve();
  command('debug', `testplan is ${binary}`);
  const { code, signal } = await launch(binary);
  if (signal === null) return code;
  const memory = signal === 'SIGKILL' ? ' The machine may have run out of memory.' : '';
  command('error', `testplan was ended by ${signal} before it could say how the tests went.${memory}`);
  return TROUBLE;
}

async function launch(binary) {
  try {
    return await run(binary, ['action'], { started: (child) => remember(binary, child.pid) });
  } catch (error) {
    const cure =
      error.code === 'EACCES'
        ? 'Make it executable first (chmod +x): artifacts lose that permission.'
        : 'Check that it is a testplan binary for this operating system and processor.';
    throw new Failure(`${binary} could not be started: ${error.message}. ${cure}`);
  }
}

// Before the wait: the runner reads the state even of a step that it killed.
function remember(binary, pid) {
  try {
    saveState({ binary, pid });
  } catch (error) {
    command('warning', `Should this step be cancelled, its leases have to run out: no state for post (${error.message}).`);
  }
}

main()
  .catch((error) => {
    command('error', error instanceof Failure ? error.message : `The launcher of testplan failed: ${error.stack}`);
    return TROUBLE;
  })
  .then((code) => process.exit(code));
