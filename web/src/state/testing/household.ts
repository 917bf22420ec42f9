// Somebody at a browser, before a fake server with a household on it.
import { Account } from '../account.svelte.ts';
import { ApiClient } from '../api.ts';
import { FakeApi } from './fakeApi.ts';
import { emptyWorld, livelyWorld } from './fakeWorld.ts';

/** A Sunday, so that "yesterday" and "Friday" are what they are; the fake server's password is one for all. */
export const NOW = new Date(2026, 10, 22, 15, 30).getTime();
export const PASSWORD = 'correct horse battery';

export function household({ empty = false } = {}) {
  const server = new FakeApi(empty ? emptyWorld(NOW) : livelyWorld(NOW), () => NOW);
  const browser = () => new Account(new ApiClient({ origin: 'https://dialtone.test', fetch: server.browser() }));
  return { server, browser };
}

export async function signedIn(account: Account, login: string): Promise<Account> {
  const me = await account.api.login(login, PASSWORD);
  if (!me.ok) throw new Error(me.error.message);
  account.signedIn(me.value);
  return account;
}
