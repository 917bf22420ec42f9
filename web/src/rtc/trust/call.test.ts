import { beforeEach, describe, expect, it } from 'vitest';
import { Call } from '../call.ts';
import type { StringStorage } from '../device.ts';
import type { ChatFrom, ConnectionOpened, Participant, ServerMessage } from '../protocol.gen.ts';
import { settle } from '../testing/clock.ts';
import { FakeMedia } from '../testing/peer.ts';
import { FakeServer, type Sent } from '../testing/server.ts';

const ROOM = 'Jx0Yq3o2TrmD5n8ZkV1b7A';
const SECRET = 'c7Yb2K1sR9e4mQ0zX5vN8w';
const CALL = 'the-call';
const OFF = { audio: false, video: false };

function storage(): StringStorage {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** One end, and its line to a server that knows two seats. */
class Side {
  readonly server = new FakeServer();
  readonly media = new FakeMedia();
  call!: Call;

  constructor(
    readonly name: string,
    readonly secret: string,
    readonly memory = storage(),
  ) {}

  get texts(): string[] {
    return this.call.snapshot.chat.map(({ mine, text }) => `${mine ? '>' : '<'} ${text}`);
  }

  get trust() {
    return this.call.snapshot.peers[0]?.trust;
  }
}

/** Passes on between two sides, and lies where it is told to. */
class Exchange {
  sides: Side[] = [];
  chat: ChatFrom[] = [];
  lie: (frame: Sent) => Sent = (frame) => frame;
  #connections = 0;

  async join(side: Side): Promise<void> {
    side.server.answer = (frame) => this.#answer(side, frame);
    const signaling = side.server.signaling();
    signaling.start();
    side.call = new Call({
      signaling,
      door: { room: ROOM, secret: side.secret },
      name: side.name,
      media: OFF,
      tracks: { audio: null, video: null },
      createPeerConnection: side.media.createPeerConnection,
      createStream: side.media.createStream,
      memory: side.memory,
      clock: side.server.clock,
      log: () => {},
    });
    await pause();
    await side.call.join();
    await pause();
  }

  /** Somebody's page is loaded again: their seat is theirs, with a new connection. */
  leave(side: Side): void {
    side.server.answer = () => null;
    this.sides = this.sides.filter((each) => each !== side);
  }

  #answer(side: Side, frame: Sent): ServerMessage {
    if (frame.t === 'join') return this.#joined(side);
    const other = this.sides.find((each) => each !== side);
    const passed = this.lie({ ...frame });
    const { call, connection, generation, body, candidates, end, chat } = passed as any;
    if (other && frame.t === 'description') other.server.push({ t: 'description', from: side.name, call, connection, generation, body });
    if (other && frame.t === 'candidates') other.server.push({ t: 'candidates', from: side.name, call, connection, generation, candidates, end });
    if (frame.t === 'chat') {
      const line: ChatFrom = { from: side.name, name: side.name, at_ms: 5, call, chat, body };
      this.chat.push(line);
      other?.server.push({ t: 'chat', ...line });
    }
    return { t: 'ok' };
  }

  #joined(side: Side): ServerMessage {
    const others = this.sides.filter((each) => each !== side);
    this.sides = [...others, side];
    this.#connections += 1;
    const seat = ({ name }: Side): Participant => ({ participant: name, name, media: OFF, online: true });
    const opened = (peer: Side, polite: boolean): ConnectionOpened => ({
      call: CALL,
      connection: `connection ${this.#connections}`,
      peer: peer.name,
      polite,
      generation: 0,
      relay_only: false,
      relay: { ice_servers: [], expires_in_ms: 1_000 },
    });
    // When the one who joins is about to be told: nothing overtakes the answer.
    const tell = ({ server }: Side) => {
      server.push({ t: 'connection', ...opened(side, false) });
      server.push({ t: 'participant', call: CALL, participant: seat(side) });
    };
    for (const other of others) queueMicrotask(() => tell(other));
    return {
      t: 'joined',
      call: CALL,
      room: ROOM,
      you: side.name,
      participants: others.map(seat),
      connections: others.map((other) => opened(other, true)),
      chat: [...this.chat],
    };
  }
}

/** Frames go to and fro a few times; each of them may need another turn. */
const pause = async () => {
  for (let turn = 0; turn < 6; turn += 1) await settle();
};

let exchange: Exchange;
let ada: Side;
let ben: Side;

beforeEach(() => {
  exchange = new Exchange();
  [ada, ben] = [new Side('ada', SECRET), new Side('ben', SECRET)];
});

async function meet(): Promise<void> {
  await exchange.join(ada);
  await exchange.join(ben);
  await pause();
  await pause();
}

async function up(): Promise<void> {
  await meet();
  for (const { media } of [ada, ben]) media.made.at(-1)!.become('connected');
  expect([ada.call.snapshot.phase, ben.call.snapshot.phase]).toEqual(['active', 'active']);
}

describe('a call by a whole link', () => {
  it('is vouched for at both ends', async () => {
    await up();
    expect(ada.trust).toMatchObject({ sealed: true, byLink: true });
    expect(ben.trust).toMatchObject({ sealed: true, byLink: true, signs: ada.trust!.signs });
    expect(ada.trust!.signs).toHaveLength(4);
  });

  it('makes a new handshake when a page is loaded again', async () => {
    await up();
    const before = ben.trust!.signs;
    exchange.leave(ada);
    const again = new Side('ada', SECRET, ada.memory);
    await exchange.join(again);
    await pause();
    await pause();
    expect(again.trust).toMatchObject({ sealed: true, byLink: true, signs: ben.trust!.signs });
    expect(ben.trust!.signs).not.toEqual(before);
  });

  it('ends where one end has not the whole of it, and says why', async () => {
    ben = new Side('ben', '');
    await meet();
    expect([ada.call.snapshot.ended?.reason, ben.call.snapshot.ended?.reason]).toEqual(['link_missing', 'link_needed']);
    expect(ada.server.socket.of('hangup')).toHaveLength(1);
  });

  it('ends before anything is connected where a description was exchanged', async () => {
    const body = (frame: Sent) => frame['body'] as string;
    exchange.lie = (frame) =>
      frame.t === 'description' && body(frame).includes('sealed') ? { ...frame, body: body(frame).replace(/"data":".{5}/, '"data":"AAAAA') } : frame;
    await meet();
    expect(ben.call.snapshot.ended?.reason).toBe('unproven');
    expect(ben.media.made.map(({ remoteDescription }) => remoteDescription)).toEqual([null]);
  });
});

describe('a server that puts somebody of its own into a call', () => {
  const participant = { participant: 'eve', name: 'Ben', media: OFF, online: true };
  const opened: ConnectionOpened = {
    call: CALL, connection: 'hers', peer: 'eve', polite: true, generation: 0, relay_only: false,
    relay: { ice_servers: [], expires_in_ms: 1_000 },
  };

  it('gives them nothing, and the person hears of it', async () => {
    [ada, ben] = [new Side('ada', ''), new Side('ben', '')];
    await up();
    const made = ada.media.made.length;
    ada.server.push({ t: 'participant', call: CALL, participant });
    ada.server.push({ t: 'connection', ...opened });
    ada.server.push({ t: 'description', from: 'eve', call: CALL, connection: 'hers', generation: 0, body: '{"type":"offer","sdp":"v=0"}' });
    await pause();
    expect(ada.call.snapshot.peers.map((peer) => peer.participant)).toEqual(['ben']);
    expect([ada.call.snapshot.uninvited, ada.media.made.length]).toEqual([2, made]);
    ada.call.sendChat('only for Ben');
    await pause();
    expect(JSON.stringify(exchange.chat)).not.toContain('only for Ben');
  });

  it('cannot take the seals out of a call that had them', async () => {
    [ada, ben] = [new Side('ada', ''), new Side('ben', '')];
    await up();
    ada.server.push({ t: 'connection', ...opened, peer: 'ben' });
    ada.server.push({ t: 'description', from: 'ben', call: CALL, connection: 'hers', generation: 0, body: '{"type":"offer","sdp":"v=0"}' });
    await pause();
    expect(ada.call.snapshot.ended?.reason).toBe('unsealed');
  });
});

describe('chat', () => {
  it('is sealed, and arrives in its order', async () => {
    await up();
    ada.call.sendChat('one');
    ada.call.sendChat('two');
    ben.call.sendChat('three');
    await pause();
    expect(ben.texts.filter((text) => text.startsWith('<'))).toEqual(['< one', '< two']);
    expect(ada.texts).toContain('< three');
    expect(JSON.stringify(exchange.chat)).not.toMatch(/two|three|text/);
  });

  it('can be read by who comes later, and after loading the page again', async () => {
    await exchange.join(ada);
    ada.call.sendChat('are you there');
    await pause();
    await exchange.join(ben);
    await pause();
    ben.call.sendChat('yes');
    await pause();
    expect(ben.texts).toEqual(['< are you there', '> yes']);
    exchange.leave(ada);
    const again = new Side('ada', SECRET, ada.memory);
    await exchange.join(again);
    await pause();
    await pause();
    expect(again.texts).toEqual(['> are you there', '< yes']);
  });

  it('shows nothing that a server has written, moved or repeated under another id', async () => {
    await up();
    const push = (line: Partial<ChatFrom>) =>
      ada.server.push({ t: 'chat', from: 'ben', name: 'Ben', at_ms: 5, call: CALL, chat: 'x', body: '', ...line });
    push({ body: '{"text":"send money"}' });
    push({ from: 'ada', chat: 'y', body: '{"text":"I will"}' });
    push({ chat: 'z', body: '{"dialtone":"chat","data":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}' });
    ben.call.sendChat('hello');
    await pause();
    const [line] = exchange.chat;
    push({ ...line!, chat: 'other' });
    push({ ...line!, chat: 'third', from: 'ada' });
    await pause();
    expect(ada.texts).toEqual(['< hello']);
  });
});
