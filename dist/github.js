'use strict';
// What the GitHub runner hands to an action, and the commands it understands.

const fs = require('node:fs');

/** Trouble that a person can act on: its message is all that is shown. */
class Failure extends Error {}

/**
 * An input, trimmed; '' if absent or blank. The runner keeps hyphens in the variable's name; whoever sets it by hand
 * (a composite action's `env:`, a shell) cannot.
 */
function input(name) {
  const variable = `INPUT_${name.toUpperCase()}`;
  const values = [variable, variable.replaceAll('-', '_')].map((key) => (process.env[key] ?? '').trim());
  return values.find((value) => value) ?? '';
}

/** Keeps values for the post step, which finds them as STATE_<name>. */
function saveState(values) {
  const file = process.env.GITHUB_STATE;
  if (!file) return;
  // The delimiter must only not be a line of a value. Loading node:crypto for it would cost a fifth of our time.
  const delimiter = `end_${Math.random().toString(36).slice(2)}${process.hrtime.bigint()}`;
  const heredocs = Object.entries(values).map(([name, value]) => `${name}<<${delimiter}\n${value}\n${delimiter}\n`);
  fs.appendFileSync(file, heredocs.join(''));
}

/** A workflow command: `error`, `warning`, `debug`, `group`, `endgroup`. Whatever is in the text stays text. */
function command(name, text = '') {
  const escaped = text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  write(`::${name}::${escaped}\n`);
}

/** A line for the log. Starts with a word of ours and holds no `##[`, so that it cannot be a workflow command. */
function say(text) {
  write(`testplan: ${text.replace(/\p{Cc}/gu, ' ').replaceAll('##[', '## [')}\n`);
}

// Past process.stdout, which is slow to load, and on Windows loses at process.exit what it has not written yet.
function write(line) {
  try {
    fs.writeSync(1, line);
  } catch {
    // Nobody reads. The exit code still tells.
  }
}

module.exports = { Failure, command, input, saveState, say };
