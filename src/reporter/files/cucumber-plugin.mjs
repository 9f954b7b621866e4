// Plugin for cucumber-js 13: with TESTPLAN_SELECTION only the scenarios that are named there run. In a session it is also what
// starts them: cucumber-js waits for its plugins before it loads anything, and the support code is then loaded once.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { placesOf, titlesOf } from './cucumber-names.mjs';
import stream from './event-stream.cjs';
import session from './session.cjs';

export default {
  type: 'plugin',
  coordinator({ transform }) {
    if (session.isWanted()) return serve();
    const wanted = stream.selection();
    delete process.env.TESTPLAN_SELECTION;
    if (!wanted) return undefined;
    const documents = new Map();
    transform('pickles:filter', (found) =>
      found.filter(({ pickle, gherkinDocument }) => {
        if (!documents.has(gherkinDocument)) documents.set(gherkinDocument, placesOf(gherkinDocument));
        const place = documents.get(gherkinDocument).get(pickle.astNodeIds.at(-1));
        return wanted.has(stream.key(pickle.uri, titlesOf(place, pickle)));
      }),
    );
    return undefined;
  },
};

// Calls of a session, then the end of the process.
async function serve() {
  const require = createRequire(fs.realpathSync(process.argv[1]));
  const { version } = JSON.parse(fs.readFileSync(require.resolve('@cucumber/cucumber/package.json'), 'utf8'));
  const api = await import(pathToFileURL(require.resolve('@cucumber/cucumber/api')));
  const words = process.argv.slice(2);
  const environment = { cwd: process.cwd(), stdout: process.stdout, stderr: process.stderr, env: process.env };
  const { runConfiguration } = await api.loadConfiguration(
    { file: values(words, 'c', 'config').at(-1), profiles: values(words, 'p', 'profile'), provided: words },
    environment,
  );
  let all;
  let paths = [];
  // Hooks of the run belong to the session: the first call begins it, and its end ends it.
  const run = async (hooks) => {
    const support = { ...all, beforeTestRunHookDefinitions: [], afterTestRunHookDefinitions: [], ...hooks };
    const sources = { ...runConfiguration.sources, paths };
    const { success } = await api.runCucumber({ ...runConfiguration, sources, support }, environment);
    return success;
  };
  await session.serve({ tool: `cucumber-js ${version}`, obstacles: [] }, async (files) => {
    const isFirst = all === undefined;
    all ??= await api.loadSupport(runConfiguration, environment);
    paths = [...files.keys()].map(pattern);
    const { beforeTestRunHookDefinitions } = all;
    return (await run(isFirst ? { beforeTestRunHookDefinitions } : {})) ? 0 : 1;
  });
  let isFine = true;
  if (all?.afterTestRunHookDefinitions.length > 0) {
    stream.selectNothing();
    const { afterTestRunHookDefinitions } = all;
    isFine = await run({ afterTestRunHookDefinitions });
  }
  process.exit(isFine ? 0 : 1);
}

// The values of an option, as cucumber-js reads them: `-c x`, `-cx`, `--config x` and `--config=x`.
function values(words, short, long) {
  return words.flatMap((word, at) => {
    if (word === `-${short}` || word === `--${long}`) return words.slice(at + 1, at + 2);
    if (word.startsWith(`--${long}=`)) return [word.slice(long.length + 3)];
    return /^-\w./.test(word) && word.startsWith(`-${short}`) ? [word.slice(2)] : [];
  });
}

// A file among patterns. A backslash escapes nothing there, and a brace cannot be escaped at all.
function pattern(file) {
  return file.replace(/[[*?(@]/g, '[$&]').replace(/[{\\]/g, '?');
}
