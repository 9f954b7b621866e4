// Reads the JUnit files of tools that have no reporters of others.
import stream from './event-stream.cjs';

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

// The test cases with the attributes of the suites around them. `verdict` is the worst element in a case.
export function* cases(text) {
  const suites = [];
  let test;
  for (const found of text.matchAll(/<(\/?)(testsuite|testcase|failure|error|skipped)\b([^>]*?)(\/?)>/g)) {
    const [tag, closes, name, rest, isEmpty] = found;
    const it = Object.fromEntries([...rest.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, key, value]) => [key, decoded(value)]));
    if (name === 'testsuite' && closes) suites.pop();
    else if (name === 'testsuite' && !isEmpty) suites.push(it);
    else if (name === 'testcase' && !closes) {
      test = { ...it, suites: [...suites], line: Number(it.line) || undefined, ms: Number(it.time) * 1000, verdict: 'passed', words: {} };
      if (isEmpty) yield test;
    } else if (name === 'testcase') yield test;
    else if (!closes && test) {
      test.verdict = name === 'failure' ? 'failed' : name;
      const start = found.index + tag.length;
      const body = isEmpty ? '' : decoded(text.slice(start, text.indexOf('<', start)));
      test.words = { message: stream.cut(it.message, stream.MOST_MESSAGE), kind: it.type, text: stream.cut(body, stream.MOST_TEXT) };
    }
  }
}

// A file without its last element is cut.
export function isWhole(text) {
  return text.trimEnd().endsWith('</testsuites>');
}

function decoded(text) {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(hex ? parseInt(hex, 16) : Number(decimal));
  });
}
