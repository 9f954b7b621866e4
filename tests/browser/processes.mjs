// The processes of a run. All are ended with it, each by its own process group.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

const running = new Set();

export function start(command, parameters, { env = {}, cwd, log }) {
  const file = openSync(log, 'a');
  const child = spawn(command, parameters, { cwd, detached: true, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', file] });
  running.add(child);
  child.ended = once(child, 'exit').then(([code, signal]) => {
    running.delete(child);
    return code ?? signal;
  });
  return child;
}

// The whole group: a worker has the test that it runs below it.
export function kill(child, signal = 'SIGKILL') {
  if (!running.has(child)) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

export async function stop(child) {
  kill(child, 'SIGTERM');
  const timer = setTimeout(() => kill(child), 10_000);
  await child.ended;
  clearTimeout(timer);
}

export async function stopAll() {
  await Promise.all([...running].map(stop));
}

process.on('exit', () => [...running].forEach((child) => kill(child)));
