import { expect, it, vi } from 'vitest';
import { Account } from './account.svelte.ts';
import { ApiClient } from './api.ts';
import type { Me } from './apiTypes.ts';

const ADA: Me = {
  user: 'u1',
  login: 'ada',
  name: 'Ada',
  role: 'member',
  do_not_disturb: false,
  call_waiting: true,
  has_password: true,
  this_device: 'd1',
};
const SERVER = { version: '1', guests: true, passkeys: true, first_run: false, embed_origins: [] };

/** An account whose server answers as the table says; what is not in it is not there. */
function knowing(table: Record<string, unknown>) {
  const fetch = async (url: string | URL | Request, init: RequestInit = {}) => {
    const answer = table[`${init.method} ${new URL(String(url)).pathname.replace('/api/v1', '')}`];
    if (answer instanceof Error) throw answer;
    if (typeof answer === 'number') return new Response('{"code":"x","message":"y"}', { status: answer });
    return new Response(answer === undefined ? '{"code":"not_found","message":""}' : JSON.stringify(answer), {
      status: answer === undefined ? 404 : 200,
    });
  };
  return new Account(new ApiClient({ origin: 'https://dialtone.test', fetch }));
}

it('knows who is signed in', async () => {
  const account = knowing({ 'GET /server': SERVER, 'GET /me': ADA });
  const heard = vi.fn();
  account.subscribe(heard);
  await account.load();
  expect(account.me).toEqual(ADA);
  expect(account.server).toEqual(SERVER);
  expect(heard.mock.calls).toEqual([[ADA]]);
});

it('takes who is not signed in for a guest, also where there are no accounts', async () => {
  for (const table of [{ 'GET /server': SERVER, 'GET /me': 401 }, {}]) {
    const account = knowing(table);
    await account.load();
    expect(account.me).toBeNull();
    expect(account.revoked).toBe(false);
    expect(account.closedToMe).toBe(false);
  }
});

it('says when guests have no place', async () => {
  const closed = { ...SERVER, guests: false };
  const guest = knowing({ 'GET /server': closed, 'GET /me': 401 });
  await guest.load();
  expect(guest.closedToMe).toBe(true);
  const member = knowing({ 'GET /server': closed, 'GET /me': ADA });
  await member.load();
  expect(member.closedToMe).toBe(false);
});

it('does not forget anybody because the network, or the server, has a bad moment', async () => {
  const table: Record<string, unknown> = { 'GET /server': SERVER, 'GET /me': ADA };
  const account = knowing(table);
  await account.load();
  for (const trouble of [new TypeError('Failed to fetch'), 503, 429]) {
    table['GET /me'] = trouble;
    await account.load();
    expect(account.me).toEqual(ADA);
  }
});

it('notices at any request that the login was revoked', async () => {
  const account = knowing({ 'GET /server': SERVER, 'GET /me': ADA, 'GET /contacts': 401 });
  await account.load();
  const heard = vi.fn();
  account.subscribe(heard);
  await account.api.contacts.list();
  expect(account.me).toBeNull();
  expect(account.revoked).toBe(true);
  expect(heard.mock.calls).toEqual([[null]]);
  account.signedIn(ADA);
  expect(account.revoked).toBe(false);
});

it('signs out, unless the server could not be told', async () => {
  const table: Record<string, unknown> = { 'GET /server': SERVER, 'GET /me': ADA, 'POST /logout': new TypeError() };
  const account = knowing(table);
  await account.load();
  expect((await account.signOut()).ok).toBe(false);
  expect(account.me).toEqual(ADA);
  table['POST /logout'] = {};
  expect((await account.signOut()).ok).toBe(true);
  expect(account.me).toBeNull();
  expect(account.revoked).toBe(false);
});

it('tells others only when it is somebody else', async () => {
  const account = knowing({ 'GET /server': SERVER, 'GET /me': ADA, 'PATCH /me': { ...ADA, name: 'Ada L.' } });
  await account.load();
  const heard = vi.fn();
  account.subscribe(heard);
  await account.change({ name: 'Ada L.' });
  expect(account.me?.name).toBe('Ada L.');
  await account.load();
  expect(heard).not.toHaveBeenCalled();
});
