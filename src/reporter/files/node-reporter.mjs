// Reporter for node:test of Node 24: the verdicts, in the order of the report.
import stream from './event-stream.cjs';

let next = 0;
/// The titles of the open suites and tests of each file, by nesting.
const paths = new Map();

function path(data) {
  const file = data.file ?? '';
  if (!paths.has(file)) paths.set(file, []);
  const path = paths.get(file);
  path.length = Math.min(path.length, data.nesting);
  path[data.nesting] = data.name;
  return stream.titles(path);
}

function line(data) {
  return { id: `report ${(next += 1)}`, file: stream.file(data.file), titles: path(data), line: data.line };
}

// The process of a file is a test, too, unless it has others.
function isFile(data) {
  return data.nesting === 0 && (data.name === data.file || stream.file(data.name) === stream.file(data.file)) && data.line === 1;
}

function end(data, status) {
  const { details, skip, todo } = data;
  const why = [skip !== undefined && skip !== false ? skip : undefined, todo !== undefined && todo !== false ? todo : undefined].find((it) => it !== undefined);
  const error = details?.error;
  const cause = error?.cause ?? error;
  const words = status === 'failed' && error ? stream.failure(typeof cause === 'object' ? cause : error) : {};
  if (isFile(data)) {
    if (status === 'failed') stream.write('error', { file: stream.file(data.file), ...words });
    return;
  }
  if (details?.type === 'suite') {
    // Its tests have lines of their own; only what failed beside them is new.
    if (status === 'failed' && error?.failureType !== 'subtestsFailed') {
      stream.write('error', { file: stream.file(data.file), titles: path(data), ...words });
    }
    return;
  }
  const isSkip = skip !== undefined && skip !== false;
  const isTodo = todo !== undefined && todo !== false;
  const message = isTodo && !isSkip ? `todo${typeof todo === 'string' && todo ? `: ${todo}` : ''}` : stream.clean(typeof why === 'string' ? why : '');
  const verdict = isSkip || isTodo ? { status: 'skipped', message } : { status, ...words };
  stream.write('test_end', { ...line(data), ms: details?.duration_ms, ...verdict });
}

export default async function* report(source) {
  stream.write('run_start', { v: 1, tool: `node:test ${process.version}` });
  for await (const { type, data } of source) {
    if (type === 'test:start') path(data);
    else if (type === 'test:pass') end(data, 'passed');
    else if (type === 'test:fail') end(data, 'failed');
  }
  stream.write('run_end', {});
}
