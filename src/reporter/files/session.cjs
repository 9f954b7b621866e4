// A session: the process of a tool stays, and testplan sends it one call after the other. docs/session-protocol.md describes
// the messages.
'use strict';

const net = require('node:net');
const readline = require('node:readline');
const stream = require('./event-stream.cjs');

const VERSION = 1;
// What an error of the tool itself ends a call with: neither a pass nor a failure.
const BROKEN = 70;

const settings = process.env.TESTPLAN_SESSION ? JSON.parse(process.env.TESTPLAN_SESSION) : undefined;
// Tests see the environment of their project.
delete process.env.TESTPLAN_SESSION;
let isServed = false;

// Whether this process is to serve a session. A tool that loads its reporter again within one does not.
function isWanted() {
  return settings !== undefined && !isServed;
}

function connected() {
  const address = settings.address;
  const at = address.startsWith('unix:') ? { path: address.slice(5) } : { host: '127.0.0.1', port: Number(address.split(':').pop()) };
  return new Promise((resolve, reject) => {
    const socket = net.connect(at, () => resolve(socket));
    socket.once('error', reject);
  });
}

// Serves calls until testplan ends the session or is gone. `run` gets the tests of a call as a map from file to names, and
// returns what the tool would have ended with. `obstacles` are why this project cannot have a session.
async function serve({ tool, obstacles }, run) {
  isServed = true;
  const socket = await connected();
  socket.on('error', () => socket.destroy());
  const send = (message) => socket.write(`${JSON.stringify(message)}\n`);
  send({ t: 'open', v: VERSION, pid: process.pid, secret: settings.secret });
  send({ t: 'hello', tool, obstacles });
  for await (const line of readline.createInterface({ input: socket, crlfDelay: Infinity })) {
    const message = JSON.parse(line);
    if (message.t === 'end') break;
    if (message.t !== 'call') continue;
    send({ t: 'started', n: message.n });
    Object.assign(process.env, message.variables);
    stream.begin(message.events, message.tests);
    let exit = BROKEN;
    try {
      exit = await run(byFile(message.tests));
    } catch (error) {
      stream.write('error', stream.failure(error));
      console.error(error);
    }
    stream.end();
    send({ t: 'done', n: message.n, exit });
  }
  await new Promise((resolve) => socket.end(`${JSON.stringify({ t: 'bye' })}\n`, resolve));
  socket.destroy();
}

function byFile(tests) {
  const files = new Map();
  for (const { suite, testcase } of tests) {
    if (!files.has(suite)) files.set(suite, []);
    files.get(suite).push(testcase);
  }
  return files;
}

const worker = settings?.worker;

module.exports = { isWanted, serve, worker };
