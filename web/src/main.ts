import { mount } from 'svelte';
import './ui/styles/tokens.css';
import './ui/styles/base.css';
import { App } from './state/app.svelte.ts';
import { keepPush } from './state/push.ts';
import Root from './ui/Root.svelte';

mount(Root, { target: document.getElementById('app')!, props: { app: new App() } });
keepPush();
