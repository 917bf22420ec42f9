import { mount } from 'svelte';
import './ui/styles/tokens.css';
import './ui/styles/base.css';
import { account } from './state/account.svelte.ts';
import { App } from './state/app.svelte.ts';
import { speak } from './state/i18n/current.svelte.ts';
import { takeToken } from './state/oneTimeToken.ts';
import { preferences } from './state/preferences.svelte.ts';
import { forgetOpening, keepPush } from './state/push.ts';
import { parseRoute } from './state/route.ts';
import Root from './ui/Root.svelte';

// Before anything else: what follows the # of a one-time link is a secret.
if (parseRoute(location.pathname).page === 'welcome') takeToken();
forgetOpening();

await speak(preferences.language);

mount(Root, { target: document.getElementById('app')!, props: { app: new App() } });

keepPush();
addEventListener('online', () => account.unreachable && void account.load());
