'use strict';
// A binary from the release, byte for byte the one that dist/manifest.json names.

const crypto = require('node:crypto');
const http = require('node:http');
const { Failure, say } = require('./github.js');

const ATTEMPTS = 3;
/** For one attempt, all of it, in ms: 15 MB at 1 Mbit/s. */
const LIMIT = 120_000;
/** Before the second attempt, in ms; twice that before the third. */
const PAUSE = 1_000;

/**
 * The verified bytes of a file of the manifest. An Error says that it could not be had. A Failure says that something
 * else came, which must be neither run nor worked around.
 */
async function download(file, version) {
  // Node heeds HTTPS_PROXY and NO_PROXY only when told to. Older Nodes are told by NODE_USE_ENV_PROXY=1 from outside.
  http.setGlobalProxyFromEnv?.();
  say(`downloading ${file.url}`);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return verified(await get(file), file, version);
    } catch (error) {
      if (error instanceof Failure) throw error;
      const why = error.cause?.message ?? error.message;
      if (error.final) throw new Error(`${file.url} ${why}`);
      if (attempt === ATTEMPTS) throw new Error(`${file.url} failed ${ATTEMPTS} times, last with: ${why}`);
      say(`attempt ${attempt} of ${ATTEMPTS} failed: ${why}`);
      await new Promise((done) => setTimeout(done, PAUSE * attempt));
    }
  }
}

/** In memory, so that nothing reaches the disk before it is verified; little more than what is expected. */
async function get({ url, size }) {
  const response = await fetch(url, { signal: AbortSignal.timeout(LIMIT) });
  const { ok, status } = response;
  // Too busy, too slow or broken may pass; another refusal stays.
  const final = status < 500 && status !== 429 && status !== 408;
  if (!ok) throw Object.assign(new Error(`answered ${status}`), { final });
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > size) break;
  }
  return Buffer.concat(chunks);
}

function verified(bytes, { url, sha256, size }, version) {
  const actual = crypto.createHash('sha256').update(bytes).digest('hex');
  if (actual === sha256) return bytes;
  const came = bytes.length > size ? `more than ${size} bytes` : `${bytes.length} bytes with SHA-256 ${actual}`;
  throw new Failure(
    `What came from ${url} is not testplan ${version}: ${came}, where dist/manifest.json has ${size} bytes with ` +
      `SHA-256 ${sha256}. It was neither run nor kept. A proxy that changes downloads is the usual reason: let this ` +
      'address through unchanged, or give the path of a testplan binary that you trust in the input binary-path.',
  );
}

module.exports = { download };
