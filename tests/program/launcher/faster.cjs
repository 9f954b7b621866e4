'use strict';
// Loaded into the launcher by tests that are about time: what FASTER names runs a thousand times faster.

const faster = (process.env.FASTER ?? '').split(',');

if (faster.includes('pause')) {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (call, ms, ...rest) => setTimeout(call, ms / 1000, ...rest);
}
if (faster.includes('limit')) {
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 1000);
}
if (faster.includes('clock')) {
  const { now } = performance;
  performance.now = () => now.call(performance) * 1000;
}
