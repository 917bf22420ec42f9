// A site with a call in its page. Node.js 20 or newer, no dependencies:
//
//   dialtone dev --embed-origin http://localhost:3000
//   DIALTONE=http://localhost:8080 API_TOKEN=dialtone_… node examples/embed/site.mjs 3000
//
// `/` has the element, `/own` a call without it, by the package (`npm run package` in web/).
// API_TOKEN has the scope `join` and is an administrator's. Without one, visitors come as guests.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { DIALTONE = 'http://localhost:8080', API_TOKEN = '' } = process.env;
const file = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const FILES = {
  '/': ['text/html', file('page.html').replaceAll('DIALTONE', DIALTONE)],
  '/page.js': ['text/javascript', file('page.js')],
  '/own': ['text/html', file('own.html').replaceAll('DIALTONE', DIALTONE)],
  '/own.js': ['text/javascript', file('own.js')],
};
// What a page with a policy of its own has to allow: the script, and the frame.
const POLICY = `default-src 'none'; connect-src 'self'; script-src 'self' ${DIALTONE}; frame-src ${DIALTONE}`;
/** The same for a page that makes the call itself. */
const OWN = `default-src 'none'; script-src 'self'; connect-src 'self' ${DIALTONE} ${DIALTONE.replace(/^http/, 'ws')}`;

/** A join token for one visitor. A real site asks who that is, and whether they may. */
async function joinToken(room, name) {
  const answer = await fetch(`${DIALTONE}/api/v1/join-tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ room, name, join_with: { audio: true, video: true } }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  return body.token;
}

/** A module of the package. */
function packaged(pathname) {
  const [, path] = pathname.match(/^\/rtc\/((?:[\w.-]+\/)?[\w-][\w.-]*\.js)$/) ?? [];
  return path && !path.includes('..') ? ['text/javascript', file(`../../web/src/rtc/dist/${path}`)] : [];
}

async function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://site');
  if (request.method === 'POST' && pathname === '/token') {
    const token = API_TOKEN && (await joinToken(searchParams.get('room'), searchParams.get('name')));
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token }));
  }
  const [type, body] = FILES[pathname] ?? packaged(pathname);
  if (!body) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': pathname === '/own' ? OWN : POLICY }).end(body);
}

const server = createServer((request, response) =>
  answer(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  }),
);
server.listen(Number(process.argv[2] ?? 3000), '127.0.0.1', () => console.log(`ready http://localhost:${server.address().port}`));
