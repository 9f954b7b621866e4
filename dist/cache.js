'use strict';
// Binaries kept between jobs, in the layout of @actions/tool-cache: <root>/testplan/<version>/<arch>/ is complete once
// <arch>.complete stands beside it.

const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('./github.js');

const NAME = process.platform === 'win32' ? 'testplan.exe' : 'testplan';

/** The tool cache, and the job's own folder where that cannot be written. Nothing that other users could fill. */
function roots() {
  return [process.env.RUNNER_TOOL_CACHE, process.env.RUNNER_TEMP].filter((root) => root);
}

function folder(root, version) {
  return path.resolve(root, 'testplan', version, process.arch);
}

/** The binary of a version, if one is kept whole. */
function find(version) {
  return roots()
    .map((root) => folder(root, version))
    .filter((place) => fs.existsSync(`${place}.complete`))
    .map((place) => path.join(place, NAME))
    .find((binary) => fs.existsSync(binary));
}

/** Where `find` looks first, for people. */
function describe(version) {
  const [root] = roots();
  return root ? folder(root, version) : 'RUNNER_TOOL_CACHE';
}

/** Keeps what `write` writes to the path it is given. Nobody sees half a binary: it gets its name, then the marker. */
function store(version, write) {
  const troubles = [];
  for (const root of roots()) {
    const place = folder(root, version);
    const binary = path.join(place, NAME);
    const half = `${binary}.${process.pid}`;
    try {
      fs.mkdirSync(place, { recursive: true });
      write(half);
      fs.chmodSync(half, 0o755);
      fs.renameSync(half, binary);
      fs.writeFileSync(`${place}.complete`, '');
      return binary;
    } catch (error) {
      fs.rmSync(half, { force: true });
      troubles.push(error.message);
    }
  }
  const why = troubles.join('; ') || 'neither RUNNER_TOOL_CACHE nor RUNNER_TEMP is set';
  throw new Failure(`testplan ${version} is here, but could not be kept: ${why}. Make RUNNER_TEMP a folder to write to.`);
}

module.exports = { describe, find, store };
