'use strict';
// Binaries kept between jobs, in the layout of @actions/tool-cache: <root>/testplan/<version>/<arch>/ is complete once
// <arch>.complete stands beside it.

const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('./github.js');

const NAME = process.platform === 'win32' ? 'testplan.exe' : 'testplan';

/** Where a version may be: the tool cache, or the job's own folder where that cannot be written. */
function places(version) {
  const roots = [process.env.RUNNER_TOOL_CACHE, process.env.RUNNER_TEMP].filter((root) => root);
  return roots.map((root) => path.resolve(root, 'testplan', version, process.arch));
}

/** The binary of a version, if one is kept whole. */
function find(version) {
  const whole = places(version).filter((place) => fs.existsSync(`${place}.complete`));
  return whole.map((place) => path.join(place, NAME)).find((binary) => fs.existsSync(binary));
}

/** Keeps what `write` writes to the path it is given. Nobody sees half a binary: it gets its name, then the marker. */
function store(version, write) {
  const troubles = [];
  for (const place of places(version)) {
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
      if (fs.existsSync(half)) fs.rmSync(half);
      troubles.push(error.message);
    }
  }
  const why = troubles.join('; ') || 'neither RUNNER_TOOL_CACHE nor RUNNER_TEMP is set';
  throw new Failure(`testplan ${version} could not be kept: ${why}. Make RUNNER_TEMP a folder to write to.`);
}

module.exports = { NAME, find, store };
