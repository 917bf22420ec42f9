import { beforeEach, expect, it, vi } from 'vitest';
import type { Call, CallSnapshot, Trust } from '../rtc/index.ts';
import { account } from './account.svelte.ts';
import { CallSession } from './session.svelte.ts';

const BEN = { user: 'ben', name: 'Ben' };
const PHONE: Trust = { sealed: true, byLink: false, key: 'phone', user: 'ben', signs: [1, 2, 3, 4], altered: 0 };

let stored: Map<string, string>;

beforeEach(() => {
  stored = new Map();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('document', { addEventListener: () => undefined, removeEventListener: () => undefined });
  vi.spyOn(account, 'me', 'get').mockReturnValue({ user: 'ada', name: 'Ada' } as never);
});

/** A call with Ben, of which nothing counts but what is known of the other end. */
function meet(trust: Trust | null): { session: CallSession; standing: string | null; sealing: boolean } {
  const peers = [{ name: 'Ben', media: { audio: true, video: true }, trust }];
  const snapshot = { phase: 'active', peers, chat: [], aside: { state: 'closed', files: [], reactions: [] }, me: { media: {} }, startedAt: null } as unknown as CallSnapshot;
  const expectSealed = vi.fn();
  const session = new CallSession({ snapshot, subscribe: () => () => undefined, expectSealed } as unknown as Call, BEN);
  session.stop();
  return { session, standing: session.meet(), sealing: expectSealed.mock.calls.length > 0 };
}

it('knows a person’s device again, and tells when it is another one', () => {
  expect(meet(PHONE)).toMatchObject({ standing: 'first', sealing: false });
  const again = meet(PHONE);
  expect(again).toMatchObject({ standing: 'known', sealing: true });
  expect(again.session.meet()).toBeNull();
  const other = meet({ ...PHONE, key: 'laptop' });
  expect([other.standing, other.session.lock.state, other.session.lock.text]).toEqual(['new', 'none', 'lock.none.new']);
});

it('keeps what was compared for the calls to come, and for that device alone', () => {
  const { session } = meet(PHONE);
  expect([session.comparison, session.lock.state]).toEqual([null, 'none']);
  session.compare(true);
  expect([session.comparison, session.lock.state]).toEqual(['match', 'compared']);
  expect(meet({ ...PHONE, signs: [5, 6, 7, 8] }).session.lock).toMatchObject({ state: 'compared', text: 'lock.compared.before' });
  expect(meet({ ...PHONE, key: 'laptop' }).session.lock.state).toBe('none');
});

it('claims nothing of another device in the same call before it has signed', () => {
  const { session } = meet(PHONE);
  session.compare(true);
  const peer = { ...session.snapshot.peers[0]!, trust: { ...PHONE, key: null, user: '', signs: null } };
  session.snapshot = { ...session.snapshot, peers: [peer] };
  expect([session.standing, session.lock.state]).toEqual([null, 'none']);
});

it('says what differs, and remembers nothing of it', () => {
  const { session } = meet(PHONE);
  session.compare(false);
  expect([session.comparison, session.lock.state]).toEqual(['differ', 'none']);
  expect(meet(PHONE).standing).toBe('known');
});

it('takes nobody for the person who says to be somebody else, or does not seal', () => {
  expect(meet({ ...PHONE, user: 'eve', key: 'hers' }).standing).toBe('new');
  expect(meet({ ...PHONE, user: '', key: 'guest' }).standing).toBe('new');
  expect(meet({ ...PHONE, sealed: false }).standing).toBeNull();
  expect(meet({ ...PHONE, key: null }).standing).toBeNull();
  expect(meet(null).standing).toBeNull();
  expect(stored.size).toBe(0);
});
