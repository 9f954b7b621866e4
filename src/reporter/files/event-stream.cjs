// Writes the lines of an event stream for the reporters beside this file. docs/event-stream.md describes the format.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');

const MOST_TEXT = 64 * 1024;
const MOST_MESSAGE = 4 * 1024;
const folder = process.cwd();
let target = process.env.TESTPLAN_EVENTS;
// Its file, which stays open: a line costs one call of the system.
let opened;
// In a session each call has a stream, tests and a pattern of its own.
let wanted;
let pattern;

// A lone surrogate is no text that every reader takes.
function clean(value) {
  return Buffer.from(util.stripVTControlCharacters(String(value ?? ''))).toString();
}

// Both ends of a text that is too long.
function cut(value, most) {
  const text = clean(value);
  if (text.length <= most) return text;
  const head = text.slice(0, most / 2);
  const tail = text.slice(text.length - most / 2);
  return clean(`${head}\n[… ${text.length - most} characters left out …]\n${tail}`);
}

// Relative to the folder of the start if it is below it, with `/`.
function file(name) {
  if (!name) return '';
  let text = String(name);
  if (text.startsWith('file:')) text = require('node:url').fileURLToPath(text);
  const relative = path.relative(folder, path.resolve(folder, text));
  const isBelow = relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
  return clean(isBelow ? relative : text).split(path.sep).join('/');
}

function titles(list) {
  return list.map((title) => Buffer.from(String(title)).toString());
}

// The words of whatever was thrown.
function failure(error) {
  if (error === null || typeof error !== 'object') {
    return { message: cut(error ?? 'it failed without an error', MOST_MESSAGE) };
  }
  const message = error.message || String(error.stack ?? '').split('\n    at ')[0] || error.name || 'it failed without a message';
  return { message: cut(message, MOST_MESSAGE), kind: clean(error.name), text: cut(error.stack, MOST_TEXT) };
}

// Newlines on both sides: what another process broke off must not spoil this line.
function write(t, event) {
  if (!target) return;
  try {
    const filled = Object.entries(event).filter(([, value]) => value !== '' && value !== false);
    opened ??= fs.openSync(target, 'a');
    fs.writeSync(opened, `\n${JSON.stringify({ t, pid: process.pid, ...Object.fromEntries(filled) })}\n`);
  } catch (error) {
    target = undefined;
    process.stderr.write(`testplan: the event stream cannot be written: ${error.message}\n`);
  }
}

// A call of a session begins.
function begin(events, tests) {
  target = events;
  wanted = new Set(tests.map(({ suite, testcase }) => `${suite}\t${testcase}`));
}

// It has ended.
function end() {
  if (opened !== undefined) fs.closeSync(opened);
  opened = undefined;
  target = undefined;
  wanted = undefined;
  pattern = undefined;
}

// The tests of a call of a session, or of TESTPLAN_SELECTION, a file with `FILE<tab>NAME` on each line; undefined if nothing is
// selected.
function selection() {
  if (wanted) return wanted;
  const list = process.env.TESTPLAN_SELECTION;
  if (!target || !list) return undefined;
  return new Set(fs.readFileSync(list, 'utf8').split('\n').filter(Boolean));
}

// How a selection and the reader of the stream call a test.
function key(name, list, project) {
  const joined = titles(list).join(' > ');
  return `${file(name)}\t${project ? `[${project}] ` : ''}${joined}`;
}

// Writes the file that TESTPLAN_LISTING names: tests with `file` and `titles`, and what could not be loaded.
function writeListing(tests, broken) {
  const named = tests.map((test) => ({ suite: file(test.file), testcase: titles(test.titles).join(' > ') }));
  fs.writeFileSync(process.env.TESTPLAN_LISTING, JSON.stringify({ tests: named, broken: broken.map(clean) }));
}

const isOn = () => target !== undefined && target !== '';

// A run that is to run no test.
function selectNothing() {
  wanted = new Set();
}

const setPattern = (it) => {
  pattern = it;
};
const ownPattern = () => pattern;

module.exports = {
  begin,
  clean,
  cut,
  end,
  failure,
  file,
  isOn,
  key,
  ownPattern,
  selectNothing,
  selection,
  setPattern,
  titles,
  write,
  writeListing,
  MOST_MESSAGE,
  MOST_TEXT,
};
