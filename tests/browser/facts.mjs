// What a page of a plan shows, and what the API says that it has to show, in the same form.
import { equal } from './checks.mjs';

// Runs in the page.
const read = () => {
  const text = (it) => it?.textContent.replace(/\s+/g, ' ').trim() ?? '';
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  // The symbol before a word is for the eye.
  const word = (it) => text(it).replace(/^[^\p{L}\p{N}]+/u, '');
  const count = (link) => link.querySelector('b') && [new URL(link.href).searchParams.get('state'), Number(text(link.querySelector('b')).replaceAll(',', ''))];
  return {
    state: text(document.querySelector('#progress .word')),
    tab: /\d+\/\d+/.exec(document.title)?.[0] ?? document.title,
    status: text(document.querySelector('#status')).replaceAll(',', ''),
    counts: Object.fromEntries(all('#counts a').map(count).filter(Boolean)),
    reasons: all('#reasons li').map((it) => text(it)),
    lanes: all('#lanes .lane').map((lane) => ({
      worker: text(lane.querySelector('.who bdi')),
      offers: text(lane.querySelector('.who .quiet')).replace(/^offers /, ''),
      tests: all('.test', lane).map((test) => `${text(test.querySelector('a'))} ${/attempt \d+/.exec(text(test))?.[0] ?? 'attempt 1'}`),
    })),
    tests: all('#tests tbody tr').map((row) => ({
      id: Number(row.id.slice(2)),
      state: word(row.cells[0]),
      name: text(row.querySelector('th a')),
      requires: text(row.cells[2]),
      attempts: Number(text(row.cells[5])),
      error: text(row.querySelector('th p')),
    })),
    leases: all('#leases tbody tr').map((row) => `${word(row.querySelector('.state'))} ${text(row.cells[2])} attempt ${text(row.cells[3])}`),
    capabilities: all('#capabilities tbody tr').map((row) => [...row.cells].map((cell) => (cell.matches('.n') ? word(cell).replaceAll(',', '') : word(cell)))),
    problems: all('#problems .named a').map((link) => Number(link.pathname.split('/').pop())).sort((a, b) => a - b),
  };
};

// How long a capability has been lacking, which grows.
const lasting = (line) => line.replace(/, for at least [^;]+/, '');

export async function ofPage(page) {
  const facts = await page.evaluate(read);
  return { ...facts, reasons: facts.reasons.map(lasting) };
}

const labels = (list) => list.map(({ key, value }) => `${key}=${value}`).join(', ') || 'any';
const STATES = { passed: 'passed', failed: 'failed', skipped: 'skipped' };
const stateOf = (it) => {
  if (it.state !== 'done') return it.state === 'reserved' ? 'running' : 'open';
  return STATES[it.verdict] ?? (it.error ? 'could not run' : 'no verdict');
};
const ids = (list) => list.map((it) => it.execution_id).sort((a, b) => a - b);
const EVENTS = { expired: 'lease lost', released: 'lease released', reset: 'reset' };
const WORST_FIRST = ['failed', 'could not run', 'no verdict', 'passed', 'skipped', 'running', 'open'];

// The line for screen readers changes at most every 10 s.
export const withoutStatus = ({ status, ...facts }) => facts;

// Counted from the list of executions; the status of the API and the page's own JSON have to agree with it.
export async function ofApi(service, plan) {
  const [items, status, json] = [await service.executions(plan), await service.status(plan), await service.fetch(`/plans/${plan}.json`)];
  const events = await service.fetch(`/testplan/v1/plans/${plan}/events?limit=1000`);
  const per = (list) => Object.fromEntries(WORST_FIRST.map((state) => [state, list.filter((it) => stateOf(it) === state).length]));
  const counts = per(items);
  const total = items.length;
  const done = items.filter((it) => it.state === 'done').length;
  equal('status of the API against its executions', [status.open, status.reserved, status.done], [counts.open, counts.running, done]);
  const words = { 'could not run': 'could_not_run', 'no verdict': 'no_verdict', running: 'reserved' };
  const inJson = Object.fromEntries(WORST_FIRST.map((state) => [state, json.counts[words[state] ?? state]]));
  equal('counts of the JSON of the page against the executions of the API', inJson, counts);
  const problems = items.filter((it) => ['failed', 'could not run'].includes(stateOf(it)));
  if (problems.length < 100) equal('problems of the JSON of the page', ids(json.problems.flatMap((group) => group.executions)), ids(problems));
  const isLive = counts.open + counts.running > 0;
  const ended = ['could not run', 'failed', 'no verdict'].find((state) => counts[state] > 0) ?? 'passed';
  const sets = [...new Set(items.map((it) => labels(it.labels)))].sort();
  const requiring = (set) => per(items.filter((it) => labels(it.labels) === set));
  const offers = (set) => json.capabilities.find((it) => labels(it.labels) === set)?.workers;
  return {
    state: counts.running ? 'running' : counts.open ? 'waiting' : ended,
    tab: `${done}/${total}`,
    status: `${done} of ${total} done: ${WORST_FIRST.filter((it) => counts[it]).map((it) => `${counts[it]} ${it}`).join(' ')}`,
    counts: Object.fromEntries([['all', total], ...WORST_FIRST.filter((it) => counts[it]).map((it) => [it.replaceAll(' ', '-'), counts[it]])]),
    reasons: json.waiting.map(lasting),
    lanes: isLive ? json.workers.map((it) => ({
      worker: it.name,
      offers: it.labels ? labels(it.labels) : '',
      // A worker may hold hundreds: three are named.
      tests: it.tests.slice(0, 3).map((test) => `${test.suite} ${test.testcase} attempt ${test.attempt}`),
    })) : [],
    tests: items.slice(0, 100).map((it) => ({
      id: it.execution_id,
      state: stateOf(it) + (it.flaky ? ', flaky' : ''),
      name: `${it.suite} ${it.testcase}`,
      requires: labels(it.labels),
      attempts: it.attempts,
      error: it.error?.split('\n')[0] ?? '',
    })),
    leases: events.items.filter((it) => EVENTS[it.kind]).map((it) => `${EVENTS[it.kind]} ${it.execution_id} attempt ${it.attempt}`).reverse(),
    capabilities: sets.map((set) => {
      const of = requiring(set);
      const workers = of.open > 0 && offers(set) === 0 ? 'none' : offers(set);
      return [set, workers, of.open, of.running, of.passed, of.failed, of['could not run'], of['no verdict'], of.skipped].map(String);
    }),
    problems: ids(json.problems.flatMap((group) => group.executions.slice(0, 10))),
  };
}
