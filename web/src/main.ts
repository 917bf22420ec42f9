import { mount } from 'svelte';
import './ui/styles/tokens.css';
import './ui/styles/base.css';
import { account } from './state/account.svelte.ts';
import { App } from './state/app.svelte.ts';
import { embedded, invitation } from './state/embedded.ts';
import { speak } from './state/i18n/current.svelte.ts';
import { takeToken } from './state/oneTimeToken.ts';
import { prefer, preferences } from './state/preferences.svelte.ts';
import { forgetOpening, keepPush } from './state/push.ts';
import { parseRoute } from './state/route.ts';
import Root from './ui/Root.svelte';

// Before anything else: what follows the # of a one-time link is a secret.
if (parseRoute(location.pathname).page === 'welcome') takeToken();
forgetOpening();

/** Not awaited by this module: what is loaded here may import what every page has, and would wait for it. */
async function start(): Promise<void> {
  const host = embedded ? await (await import('./embed/frame.svelte.ts')).meetHost() : null;
  if (host?.opening.name) prefer({ name: host.opening.name });
  invitation.token = host?.opening.token ?? '';

  await speak(host?.opening.language || preferences.language);

  const app = new App();
  mount(Root, { target: document.getElementById('app')!, props: { app } });
  host?.serve(app);

  keepPush();
  addEventListener('online', () => account.unreachable && void account.load());
}

void start();
