import { beforeEach, expect, it } from 'vitest';
import { People } from './people.ts';
import type { Account, Contact } from './protocol.gen.ts';
import { settle } from './testing/clock.ts';
import { FakeServer } from './testing/server.ts';

const ADA: Account = { user: 'ada', name: 'Ada', do_not_disturb: false, call_waiting: true };
const BEN: Contact = { user: 'ben', name: 'Ben', presence: 'offline' };

let server: FakeServer;
let people: People;

beforeEach(async () => {
  server = new FakeServer();
  const signaling = server.signaling();
  people = new People(signaling, () => {});
  signaling.start();
  await settle();
});

it('knows nobody before the server has told', () => {
  expect(people.snapshot).toEqual({ me: null, contacts: [] });
});

it('knows whom the server tells, whole each time', () => {
  const heard: unknown[] = [];
  people.subscribe((snapshot) => heard.push(snapshot));
  server.push({ t: 'people', me: ADA, contacts: [BEN], incoming: [], outgoing: [] });
  expect(people.snapshot).toEqual({ me: ADA, contacts: [BEN] });
  server.push({ t: 'people', me: { ...ADA, do_not_disturb: true }, contacts: [], incoming: [], outgoing: [] });
  expect(people.snapshot).toEqual({ me: { ...ADA, do_not_disturb: true }, contacts: [] });
  expect(heard).toHaveLength(2);
});

it('follows the presence of contacts, and of nobody else', () => {
  server.push({ t: 'people', me: ADA, contacts: [BEN], incoming: [], outgoing: [] });
  server.push({ t: 'presence', contact: { ...BEN, presence: 'busy' } });
  server.push({ t: 'presence', contact: { user: 'eve', name: 'Eve', presence: 'available' } });
  expect(people.snapshot.contacts).toEqual([{ ...BEN, presence: 'busy' }]);
});
