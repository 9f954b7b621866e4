// Plugin for cucumber-js 13: with TESTPLAN_SELECTION only the scenarios that are named there run.
import { placesOf, titlesOf } from './cucumber-names.mjs';
import stream from './event-stream.cjs';

export default {
  type: 'plugin',
  coordinator({ transform }) {
    const wanted = stream.selection();
    delete process.env.TESTPLAN_SELECTION;
    if (!wanted) return;
    const documents = new Map();
    transform('pickles:filter', (found) =>
      found.filter(({ pickle, gherkinDocument }) => {
        if (!documents.has(gherkinDocument)) documents.set(gherkinDocument, placesOf(gherkinDocument));
        const place = documents.get(gherkinDocument).get(pickle.astNodeIds.at(-1));
        return wanted.has(stream.key(pickle.uri, titlesOf(place, pickle)));
      }),
    );
  },
};
