// A service of its own for the run, and its API.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { start, stop } from './processes.mjs';

export const TOKEN = 'for-this-run-alone';

export class Service {
  // Plans are started from `file`, the content of a testplan.yml as an object. A service that was stopped goes on under its name.
  static async start(name, file, env = {}) {
    const service = new Service();
    service.project = file.project;
    service.folder = join(process.env.WORK, name);
    mkdirSync(service.folder, { recursive: true });
    writeFileSync(join(service.folder, 'testplan.yml'), JSON.stringify(file));
    // For workers: to read the tests of large templates takes seconds.
    writeFileSync(join(service.folder, 'work.yml'), JSON.stringify({ ...file, templates: file.templates.slice(0, 1) }));
    service.env = { TESTCENTER_TOKEN: TOKEN };
    const options = ['serve', '--listen', '127.0.0.1:0', '--data', 'data', '--durability', 'normal'];
    service.process = start(process.env.TESTPLAN, options, { cwd: service.folder, env: { ...service.env, ...env }, log: join(service.folder, 'log') });
    let said = '';
    for await (const chunk of service.process.stdout) {
      said += chunk;
      if (said.includes('\n')) break;
    }
    const found = /listening on (http:\S+)/.exec(said);
    if (!found) throw new Error(`${process.env.TESTPLAN} serve did not start: ${said} (${join(service.folder, 'log')})`);
    service.url = found[1];
    service.env.TESTCENTER_URL = service.url;
    return service;
  }

  async fetch(path, body, headers = {}) {
    const options = { headers: { authorization: `Token ${TOKEN}`, ...headers } };
    if (body !== undefined) {
      options.method = 'POST';
      options.body = JSON.stringify(body);
      options.headers['content-type'] = 'application/json';
    }
    const answer = await fetch(this.url + path, options);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${text}`);
    return JSON.parse(text);
  }

  status = (plan) => this.fetch(`/execution/v1/status/${plan}`);

  async executions(plan) {
    const items = [];
    for (let after = 0; after !== undefined; ) {
      const page = await this.fetch(`/testplan/v1/plans/${plan}/executions?limit=1000&after=${after}`);
      items.push(...page.items);
      after = page.next;
    }
    return items;
  }

  // The number of the new plan.
  async execute(template, batch = template, title = template) {
    const found = await this.fetch(`/execution/v1/testplans?type=template&project=${this.project}&title=${template}`);
    const started = await this.fetch('/execution/v1/executeplan', { templateId: found.id, title, batch });
    return started.id;
  }

  stop = () => stop(this.process);

  // The answer, whatever it is.
  ask = (plan, worker, capabilities, { timeout = 600_000, max, headers } = {}) =>
    this.fetch(`/execution/v1/reserve/${plan}`, { capabilities, timeout, ...(max && { max, seconds: 80_000 }) }, { 'testplan-worker': worker, ...headers });

  // One execution after the other, or several with `max`.
  async reserve(plan, worker, { capabilities = [], ...options } = {}) {
    const granted = await this.ask(plan, worker, capabilities, options);
    if (granted.execution_id === undefined) throw new Error(`nothing was reserved: ${granted.status}`);
    return [granted, ...(granted.more ?? [])];
  }

  finish = ({ execution_id, lease }, result) => this.fetch(`/execution/v1/finished/${execution_id}`, { lease, ...result });

  work(plan, name, ...options) {
    const parameters = ['work', '--config', 'work.yml', '--plan-id', String(plan), '--workers', '1', '--out', `out-${name}`, ...options];
    const child = start(process.env.TESTPLAN, parameters, { cwd: this.folder, env: this.env, log: join(this.folder, `${name}.log`) });
    child.stdout.resume();
    return child;
  }
}

export const verdict = (word, duration_ms = 1_200) => ({ outcome: { verdict: word, duration_ms } });
