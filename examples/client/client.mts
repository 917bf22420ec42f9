// A client of a Dialtone server: prints who calls, or calls somebody. Node.js 20 or newer:
//
//   npx -p typescript tsc -p examples/client
//   node --experimental-websocket examples/client/out/client.mjs https://calls.example.org TOKEN [LOGIN]
//
// TOKEN is an API token with the scope `calls`, and to call somebody `people`.
const [origin = '', token = '', callee] = process.argv.slice(2);
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

/** A frame; docs/protocol.md says what is in it. */
type Frame = { t: string; seq?: number; re?: string } & Record<string, any>;

async function api(method: string, path: string): Promise<any> {
  const answer = await fetch(`${origin}/api/v1${path}`, { method, headers });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${path}: ${body.message}`);
  return body;
}

const base64url = (bytes: ArrayBuffer | Uint8Array) => Buffer.from(bytes as Uint8Array).toString('base64url');
const randomId = () => base64url(crypto.getRandomValues(new Uint8Array(16)));

/** Every run is a device of its own; a real client keeps its key. */
async function proof(ticket: string) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const text = new TextEncoder().encode(`dialtone hello\n${ticket}`);
  const signature = await crypto.subtle.sign(algorithm, pair.privateKey, text);
  return { key: base64url(await crypto.subtle.exportKey('raw', pair.publicKey)), signature: base64url(signature) };
}

const { ticket } = await api('POST', '/tickets');
const device = await proof(ticket);
const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/api/v1/ws`, 'dialtone.v1');
const send = (frame: Frame) => socket.send(JSON.stringify(frame));
let calling = false;
const ask = (t: string, body: object) => send({ t, id: t, ...body });

socket.onopen = () => send({ t: 'hello', ticket, device, client: { name: 'example', version: '1' }, features: [] });
socket.onclose = ({ code }) => process.exit(code === 1000 ? 0 : 1);
socket.onmessage = async ({ data }) => {
  const frame = JSON.parse(String(data)) as Frame;
  if (frame.seq !== undefined) send({ t: 'ack', ack: frame.seq }); // Or the server keeps them for us.
  if (frame.t === 'ping') send({ t: 'pong' });
  if (frame.t === 'error') throw new Error(frame.message);
  if (frame.t === 'people' && !callee) console.log(`${frame.me.name} is here`);
  // Who connects while it rings is told with the people they know.
  for (const ring of frame.t === 'ring' ? [frame] : (frame.incoming ?? [])) {
    ask('ringing', { ring: ring.ring });
    console.log(`${ring.from.name} calls`);
  }
  if (frame.t === 'ring_state') console.log(`it is ${frame.phase}`);
  if (frame.t === 'ring_ended') console.log(`the call is over: ${frame.reason}`);
  if (frame.t === 'ring_ended' && callee) socket.close(1000);
  if (frame.t === 'people' && callee && !calling) await call(callee);
};

/** Joins a call of a new room and asks them in. */
async function call(login: string) {
  calling = true;
  const people = await api('GET', `/people?query=${encodeURIComponent(login)}`);
  const person = people.find((one: any) => one.login === login);
  if (!person) throw new Error(`nobody is called ${login}`);
  const [room, call, ring, media] = [randomId(), randomId(), randomId(), { audio: true, video: false }];
  ask('join', { room, call, name: 'Example', media });
  ask('invite', { ring, call, to: person.user, media });
  console.log(`calling ${person.name}`);
}
