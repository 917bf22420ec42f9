import type { ServerMessage } from '../protocol.gen.ts';

const TRACKS = 'v=0\nm=audio\nm=video';

/**
 * Every message a server can send, as somebody would have it sent who wants to hear or see a person
 * for whom `ring` rings, before they have answered: as if they sat in its call already.
 */
export function hostileMessages(ring: string, call: string): Record<ServerMessage['t'], ServerMessage[]> {
  const [caller, connection] = ['caller', 'forced'];
  const relay = { ice_servers: [{ urls: ['turn:evil'], username: 'u', credential: 'p' }], expires_in_ms: 1_000 };
  const opened = { call, connection, peer: caller, generation: 0, relay_only: false, relay };
  const about = { call, connection, from: caller };
  const participant = { participant: caller, name: 'Eve', media: { audio: true, video: true }, online: true };
  const account = { user: 'me', name: 'Me', do_not_disturb: false, call_waiting: true };
  const from = { user: 'eve', name: 'Eve', contact: true };
  const offer = { ring, call, from, media: { audio: true, video: true }, waiting: false, expires_in_ms: 45_000 };
  const session = {
    session: 'other',
    epoch: 'other',
    resume_token: 'other',
    window_ms: 30_000,
    ping_ms: 25_000,
    you: { device: 'device', account },
    features: [],
  };
  const sides = [true, false];
  const described = (type: string) => JSON.stringify({ type, sdp: TRACKS });
  return {
    welcome: [{ t: 'welcome', ...session }],
    resumed: [{ t: 'resumed', resume_token: 'other', up_to: 0 }],
    reset: [{ t: 'reset', reason: 'new_epoch', ...session }],
    ok: [{ t: 'ok' }],
    error: [{ t: 'error', code: 'unavailable', message: '' }],
    ping: [{ t: 'ping' }],
    pong: [{ t: 'pong' }],
    joined: sides.map((polite) => {
      const connections = [{ ...opened, polite }];
      return { t: 'joined', call, room: 'room', you: 'me', participants: [participant], connections, chat: [] };
    }),
    participant: [{ t: 'participant', call, participant }],
    connection: sides.map((polite) => ({ t: 'connection', ...opened, polite })),
    connection_restart: [{ t: 'connection_restart', call, connection, generation: 1 }],
    description: ['offer', 'answer'].flatMap((type) =>
      [0, 1].map((generation) => ({ t: 'description', ...about, generation, body: described(type) })),
    ),
    candidates: [{ t: 'candidates', ...about, generation: 0, candidates: ['{"candidate":"c","sdpMid":"0"}'], end: true }],
    chat: [{ t: 'chat', ...about, chat: 'x', name: 'Eve', at_ms: 1, body: '{"text":"accept"}' }],
    call_ended: [{ t: 'call_ended', call, reason: 'glare' }],
    relay_credentials: [{ t: 'relay_credentials', call, relay }],
    people: [{ t: 'people', me: account, contacts: [], incoming: [offer], outgoing: [{ ring, call, to: 'me', phase: 'ringing' }] }],
    presence: [{ t: 'presence', contact: { user: 'eve', name: 'Eve', presence: 'available' } }],
    changed: [{ t: 'changed', what: 'history' }],
    ring: [{ t: 'ring', ...offer }, { t: 'ring', ...offer, media: { audio: false, video: true } }],
    ring_state: [{ t: 'ring_state', ring, call, to: 'me', phase: 'ringing' }],
    ring_ended: [{ t: 'ring_ended', ring, reason: 'accepted' }],
    go_away: [{ t: 'go_away', action: 'resume', after_ms: 0, jitter_ms: 0 }],
  };
}
