// The call's side of `<dialtone-call>`, loaded only where a page shows this one in a frame.
import { account } from '../state/account.svelte.ts';
import type { App } from '../state/app.svelte.ts';
import { HELLO, isHangUp, readOpening, type News, type Opening } from './messages.ts';

/** Who shows this page, and what they want of it. */
export interface Host {
  opening: Opening;
  /** Tells them how the call is from now on, and does what they ask for. */
  serve(app: App): void;
}

/** A frame without the element around it says nothing; the call is there all the same. */
const PATIENCE_MS = 3_000;
const TRIES = 5;
const PAUSE_MS = 500;

/** Waits for the element around this page; null: there is none. */
export async function meetHost(): Promise<Host | null> {
  let give: (event: MessageEvent) => void;
  const opened = new Promise<MessageEvent>((resolve) => (give = resolve));
  const hear = (event: MessageEvent) => {
    if (event.source === parent && event.ports.length === 1 && readOpening(event.data)) give(event);
  };
  addEventListener('message', hear);
  parent.postMessage(HELLO, '*');
  const event = await Promise.race([opened, pause(PATIENCE_MS)]);
  removeEventListener('message', hear);
  const opening = event && readOpening(event.data);
  const port = event?.ports[0];
  // Browsers show this page only to those who may; whoever speaks is asked for it once more.
  if (!opening || !port || !(await mayEmbed(event.origin))) return null;
  return { opening, serve: (app) => serve(app, port) };
}

async function mayEmbed(origin: string): Promise<boolean> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const server = await account.api.server();
    if (server.ok) return server.value.embed_origins.includes(origin);
    await pause(PAUSE_MS);
  }
  return false;
}

function serve(app: App, port: MessagePort): void {
  port.onmessage = ({ data }) => {
    if (isHangUp(data) && app.engaged) app.hangUp();
  };
  $effect.root(() => {
    $effect(() => port.postMessage(newsOf(app)));
  });
}

function newsOf(app: App): News {
  const phase = app.session?.snapshot.phase ?? 'idle';
  return {
    state: app.callState,
    joined: app.screen === 'call' && phase !== 'idle' && phase !== 'joining',
    path: app.path,
    peers: app.peers,
    refused: app.turnedAway,
    reason: app.callState === 'ended' ? app.endedReason : '',
  };
}

function pause(ms: number): Promise<null> {
  return new Promise((done) => setTimeout(() => done(null), ms));
}
