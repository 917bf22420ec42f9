// Receives the webhooks of a Dialtone server and prints them. Node.js 20 or newer, no dependencies:
//
//   WEBHOOK_SECRET=whsec_… TLS_CERT=cert.pem TLS_KEY=key.pem node receiver.mjs 8443
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const { WEBHOOK_SECRET = '', TLS_CERT = 'cert.pem', TLS_KEY = 'key.pem' } = process.env;
const TOLERANCE_S = 300; // Older deliveries may be recordings of somebody else's.
const MAX_BYTES = 64 * 1024;
const seen = new Set(); // A delivery can come twice. A real receiver keeps this in its database.

/** Whether one of the signatures in `t=…,v1=…,v1=…` is that of the body, and is fresh. */
export function verify(secret, header, body, nowS = Date.now() / 1000) {
  const parts = header.split(',').map((part) => part.split('='));
  const time = parts.find(([name]) => name === 't')?.[1] ?? '';
  if (!(Math.abs(nowS - Number(time)) <= TOLERANCE_S)) return false;
  const expected = createHmac('sha256', secret).update(`${time}.`).update(body).digest();
  const signatures = parts.filter(([name]) => name === 'v1').map(([, hex]) => Buffer.from(hex ?? '', 'hex'));
  return signatures.some((one) => one.length === expected.length && timingSafeEqual(one, expected));
}

async function read(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const server = createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, async (request, response) => {
  const body = await read(request).catch(() => null);
  if (!body) return response.writeHead(413).end();
  if (!verify(WEBHOOK_SECRET, request.headers['dialtone-signature'] ?? '', body)) {
    return response.writeHead(401).end();
  }
  const event = JSON.parse(body);
  if (!seen.has(event.id)) {
    seen.add(event.id);
    console.log(`${event.event} ${event.people.map(({ name }) => name).join(' and ')}`);
  }
  response.writeHead(204).end(); // Whatever is not 2xx is delivered again.
});
server.listen(Number(process.argv[2] ?? 8443), () => console.log(`listening on ${server.address().port}`));
