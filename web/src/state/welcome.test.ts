import { describe, expect, it, vi } from 'vitest';
import { failed } from './api.ts';
import { LOGIN, proposedLogin, Welcome } from './welcome.svelte.ts';
import { household, NOW, PASSWORD, signedIn } from './testing/household.ts';

const key = async () => ({ ok: true as const, value: { id: 'key-of-emmy' } });

it('makes the first administrator', async () => {
  const { browser, server } = household({ empty: true });
  const account = browser();
  await account.load();
  expect(account.server?.first_run).toBe(true);
  const forget = vi.fn();
  const welcome = new Welcome(account, 'first', key, forget);
  await welcome.look();
  expect(welcome.invitation).toMatchObject({ role: 'admin', first_run: true });
  expect(await welcome.withPassword('emmy', 'Emmy', 'symmetry conserves')).toBe(true);
  expect(account.me).toMatchObject({ login: 'emmy', role: 'admin', has_password: true });
  expect(forget).toHaveBeenCalledOnce();
  expect(server.world.tokens).toEqual([]);
});

it('makes an invited person’s account with a passkey, that signs in again', async () => {
  const { browser } = household();
  const account = browser();
  const welcome = new Welcome(account, 'invited', key, () => undefined);
  await welcome.look();
  expect(welcome.invitation).toMatchObject({ role: 'member', expires_at_ms: NOW + 2 * 86_400_000 });
  expect(await welcome.withPasskey('emmy', 'Emmy', 'Laptop')).toBe(true);
  expect(account.me).toMatchObject({ login: 'emmy', has_password: false });
  const passkeys = await account.api.passkeys.list();
  expect(passkeys).toMatchObject({ value: [{ id: 'key-of-emmy', name: 'Laptop' }] });
});

it('says what is wrong, and the link stays good for another try', async () => {
  const account = household().browser();
  const forget = vi.fn();
  const welcome = new Welcome(account, 'invited', async () => failed('passkey_cancelled'), forget);
  await welcome.look();
  expect(await welcome.withPassword('grace', 'Another Grace', 'symmetry conserves')).toBe(false);
  expect(welcome.making.error?.code).toBe('login_taken');
  expect(await welcome.withPasskey('emmy', 'Emmy', 'Laptop')).toBe(false);
  expect(welcome.making.error?.code).toBe('passkey_cancelled');
  expect(forget).not.toHaveBeenCalled();
  expect(await welcome.withPassword('emmy', 'Emmy', 'symmetry conserves')).toBe(true);
});

it('lets somebody back in who forgot the password', async () => {
  const { browser } = household();
  const ada = await signedIn(browser(), 'ada');
  const reset = await ada.api.admin.resetUser('u1');
  const token = reset.ok ? new URL(reset.value.link).hash.slice(1) : '';
  const grace = browser();
  const welcome = new Welcome(grace, token, key, () => undefined);
  await welcome.look();
  expect(welcome.invitation?.resets).toEqual({ login: 'grace', name: 'Grace Hopper' });
  expect(await welcome.withPassword('grace', 'Grace Hopper', 'nanoseconds of wire')).toBe(true);
  expect(grace.me?.user).toBe('u1');
  expect((await browser().api.login('grace', PASSWORD)).ok).toBe(false);
  expect((await browser().api.login('grace', 'nanoseconds of wire')).ok).toBe(true);
});

it('forgets a link that is refused, not one that could not be asked about', async () => {
  const { browser, server } = household();
  const forget = vi.fn();
  const refused = new Welcome(browser(), 'used already', key, forget);
  await refused.look();
  expect(refused.refused).toBe(true);
  expect(forget).toHaveBeenCalledOnce();
  for (const status of [429, 503]) {
    server.trouble = () => new Response('{"code":"x","message":""}', { status });
    const unlucky = new Welcome(browser(), 'invited', key, forget);
    await unlucky.look();
    expect(unlucky.refused).toBe(false);
  }
  expect(forget).toHaveBeenCalledOnce();
});

describe('proposedLogin', () => {
  it('is checked by a pattern that browsers take', () => {
    expect(() => new RegExp(LOGIN.source, 'v')).not.toThrow();
  });

  it('proposes what the server takes, or nothing', () => {
    expect(proposedLogin('Ada Lovelace')).toBe('ada.lovelace');
    expect(proposedLogin('  Émilie du Châtelet! ')).toBe('emilie.du.chatelet');
    expect(proposedLogin('林徽因')).toBe('');
    for (const name of ['x'.repeat(80), `${'x'.repeat(31)} y`, '<b>..</b>', '-']) {
      const proposed = proposedLogin(name);
      if (proposed) expect(proposed).toMatch(LOGIN);
      expect(proposed).not.toMatch(/^\.|\.$/);
    }
  });
});
