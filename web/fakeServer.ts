// Puts the fake API behind the development server, for work on the screens without a real one:
// `npm run dev -- --mode fake` (a household of six, password "correct horse battery") or
// `--mode fake-empty` (nobody yet; /welcome#first makes the administrator).
import type { IncomingMessage } from 'node:http';
import type { Plugin } from 'vite';
import { FakeApi } from './src/state/testing/fakeApi.ts';
import { emptyWorld, livelyWorld } from './src/state/testing/fakeWorld.ts';

export function fakeServer(mode: string): Plugin {
  const now = Date.now();
  const api = new FakeApi(mode === 'fake-empty' ? emptyWorld(now) : livelyWorld(now));
  return {
    name: 'fake-server',
    configureServer(server) {
      server.middlewares.use('/api/v1', async (incoming, outgoing) => {
        const answer = await api.handle(await requestOf(incoming));
        answer.headers.delete('x-set-cookie');
        outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
        outgoing.end(await answer.text());
      });
    },
  };
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const cookie = /dialtone_fake=([^;]*)/.exec(incoming.headers.cookie ?? '')?.[1] ?? '';
  return new Request(`http://localhost/api/v1${incoming.url}`, {
    method: incoming.method!,
    headers: { 'x-cookie': cookie },
    ...(body ? { body } : {}),
  });
}
