// A site with a call in its page. Node.js 20 or newer, no dependencies:
//
//   dialtone dev --embed-origin http://localhost:3000
//   DIALTONE=http://localhost:8080 node examples/embed/site.mjs 3000
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { DIALTONE = 'http://localhost:8080' } = process.env;
const file = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const FILES = {
  '/': ['text/html', file('page.html').replaceAll('DIALTONE', DIALTONE)],
  '/page.js': ['text/javascript', file('page.js')],
};
// What a page with a policy of its own has to allow: the script, and the frame.
const POLICY = `default-src 'none'; connect-src 'self'; script-src 'self' ${DIALTONE}; frame-src ${DIALTONE}`;

const server = createServer((request, response) => {
  const [type, body] = FILES[request.url] ?? [];
  if (!body) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-security-policy': POLICY }).end(body);
});
server.listen(Number(process.argv[2] ?? 3000), '127.0.0.1', () => console.log(`ready http://localhost:${server.address().port}`));
