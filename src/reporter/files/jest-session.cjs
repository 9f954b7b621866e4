// Runner for jest 30 that serves a session: files come from testplan, one after the other, with the names of their tests.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');
const session = require('./session.cjs');
const stream = require('./event-stream.cjs');

const { require: requireOfJest, version } = ofJest();
const { default: TestRunner } = requireOfJest('jest-runner');
const { readInitialOptions } = requireOfJest('jest-config');

module.exports = class SessionRunner extends TestRunner {
  async runTests(tests, watcher, options) {
    const [{ context }] = tests;
    const known = new Map(tests.map((test) => [stream.file(test.path), test]));
    const globalConfig = this._globalConfig;
    let hasFailed = false;
    this.on('test-file-success', ([, result]) => {
      hasFailed ||= result.numFailingTests > 0 || Boolean(result.testExecError);
    });
    this.on('test-file-failure', () => {
      hasFailed = true;
    });
    // jest calls each process that runs its tests itself worker 1.
    this.on('test-file-start', () => {
      process.env.JEST_WORKER_ID = String(session.worker + 1);
    });
    await session.serve({ tool: `jest ${version}`, obstacles: await obstacles(tests, globalConfig) }, async (files) => {
      hasFailed = false;
      stream.write('run_start', { v: 1, tool: `jest ${version}`, final_files: true });
      for (const [file, names] of files) {
        const test = known.get(file) ?? { context, path: path.resolve(file) };
        const testNamePattern = pattern(names);
        stream.setPattern(new RegExp(testNamePattern, 'i'));
        this._globalConfig = Object.freeze({ ...globalConfig, testNamePattern });
        // In this process: it stays.
        await super.runTests([test], watcher, { ...options, serial: true });
      }
      stream.write('run_end', {});
      return hasFailed ? 1 : 0;
    });
    this._globalConfig = globalConfig;
  }
};

// jest joins titles by blanks; ` > ` stands between them here, or is in one of them.
function pattern(names) {
  const escaped = names.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replaceAll(' > ', '(?: > | )'));
  return `^(?:${escaped.join('|')})$`;
}

async function obstacles(tests, globalConfig) {
  const found = [];
  if (new Set(tests.map((test) => test.context)).size > 1) found.push('several projects share one run of jest');
  if (Object.keys(globalConfig.coverageThreshold ?? {}).length > 0) found.push('`coverageThreshold` is for all tests of a run');
  const at = process.argv.findIndex((word) => /^(-c|--config)(=|$)/.test(word));
  const config = at < 0 ? undefined : process.argv[at].includes('=') ? process.argv[at].split('=').slice(1).join('=') : process.argv[at + 1];
  const { config: own } = await readInitialOptions(config?.startsWith('{') ? undefined : config);
  if (own.runner && own.runner !== 'jest-runner') found.push(`the project has the runner ${JSON.stringify(own.runner)}`);
  return found;
}

// What jest itself loads, which may not be beside the project.
function ofJest() {
  const roots = [path.dirname(fs.realpathSync(process.argv[1] ?? '.')), process.cwd()];
  const find = (name) => {
    for (const root of roots) {
      try {
        return createRequire(path.join(root, 'x')).resolve(name);
      } catch {
        // Not from here.
      }
    }
    return undefined;
  };
  for (const name of ['jest', 'jest-cli', '@jest/core', 'jest-config']) {
    const file = find(`${name}/package.json`);
    if (file) roots.unshift(path.dirname(file));
  }
  const core = find('@jest/core/package.json');
  return {
    require: (name) => require(find(name) ?? name),
    version: core ? JSON.parse(fs.readFileSync(core, 'utf8')).version : '',
  };
}
