import { expect, it } from 'vitest';
import { DeviceKey, type StringStorage } from './device.ts';
import { fromBase64Url, randomId } from './ids.ts';
import { FakeClock } from './testing/clock.ts';

function storage(): StringStorage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** Claims as the pages of one browser share them. */
function claims() {
  const held = new Set<string>();
  return { held, claim: async (name: string) => !held.has(name) && Boolean(held.add(name)) };
}

it('proves itself with a signature the public key verifies', async () => {
  const device = await DeviceKey.create();
  const proof = await device.proof('dialtone hello\nticket');
  const raw = fromBase64Url(proof.key) as Uint8Array<ArrayBuffer>;
  const signature = fromBase64Url(proof.signature) as Uint8Array<ArrayBuffer>;
  expect([raw.length, raw[0], signature.length]).toEqual([65, 4, 64]);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('raw', raw, algorithm, false, ['verify']);
  const text = new TextEncoder().encode('dialtone hello\nticket');
  expect(await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, text)).toBe(true);
});

it('is the same device after a reload, and another one in another tab', async () => {
  const tab = storage();
  const first = await DeviceKey.load(tab);
  expect((await DeviceKey.load(tab)).key).toBe(first.key);
  expect((await DeviceKey.load(storage())).key).not.toBe(first.key);
});

it('is another device in a duplicated tab, and stays that one', async () => {
  const clock = new FakeClock();
  const { held, claim } = claims();
  const original = await DeviceKey.load(storage(), { claim, clock });
  const copy = storage();
  await DeviceKey.load(copy, { claim, clock });
  const copied = copy.getItem('dialtone.device')!;
  const loading = DeviceKey.load(copy, { claim, clock });
  await clock.advance(1_000);
  await clock.advance(1_000);
  const fresh = await loading;
  expect(copy.getItem('dialtone.device')).not.toBe(copied);
  expect(fresh.key).not.toBe(original.key);
  expect(held.size).toBe(3);
});

it('waits for a reloading page to give its claim up', async () => {
  const clock = new FakeClock();
  const tab = storage();
  const { held, claim } = claims();
  const before = await DeviceKey.load(tab, { claim, clock });
  const loading = DeviceKey.load(tab, { claim, clock });
  await clock.advance(70);
  held.clear();
  await clock.advance(70);
  await clock.advance(70);
  expect((await loading).key).toBe(before.key);
});

it('makes a new device where the stored one is damaged', async () => {
  const tab = storage();
  for (const damage of ['', '{', 'null', '{"kty":"EC","x":"AA","y":"AA"}']) {
    tab.setItem('dialtone.device', damage);
    expect((await DeviceKey.load(tab)).key).toHaveLength(87);
  }
});

it('makes ids of 22 characters', () => {
  expect(randomId()).toMatch(/^[\w-]{22}$/);
});
