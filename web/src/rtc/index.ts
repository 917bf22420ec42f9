// Dialtone's client without a user interface: signaling, negotiation and measurement.
export { Call, type CallOptions } from './call.ts';
export type { Door } from './door.ts';
export type { CallEndReason, CallPhase, CallSnapshot, PeerSnapshot } from './snapshot.ts';
export { Outgoing, type OutgoingEnd, type OutgoingOptions, type OutgoingSnapshot } from './outgoing.ts';
export { People, type PeopleSnapshot } from './people.ts';
export { Rings, type IncomingRing, type RingOver, type RingsOptions, type RingsSnapshot } from './rings.ts';
export type { Aside, AsideSnapshot, AsideState, FileRefusal, Reacted } from './aside/aside.ts';
export type { FileLine, FileState } from './aside/files.ts';
export { MAX_FILE_BYTES, REACTIONS, type Reaction } from './aside/wire.ts';
export type { ChatLine } from './chat.ts';
export { decodeChat, MAX_CHAT_BYTES } from './bodies.ts';
export { DeviceKey, type DeviceOptions, type Prover, type StringStorage } from './device.ts';
export {
  Signaling,
  type Message,
  type SignalingOptions,
  type SignalingState,
  type StopReason,
} from './signaling.ts';
export { RequestError, type RequestErrorCode } from './requests.ts';
export type { Socket } from './line.ts';
export type { Visit } from './ticket.ts';
export type { Trust } from './trust/channel.ts';
export type { Distrust } from './trust/handshake.ts';
export type { Identity } from './trust/keyring.ts';
export { newSigningPair, SigningKey } from './trust/crypto.ts';
export { THRESHOLDS, type Quality, type QualityLabel } from './stats.ts';
export type { Kind, MediaFactory, Screen, Tracks } from './media.ts';
export { consoleLog, systemClock, type Clock, type Log } from './clock.ts';
export { randomId, toBase64Url } from './ids.ts';
export { pathOf, selectedPair, statsOf, type Stat } from './path.ts';
export type * from './protocol.gen.ts';
export { closeCodes, limits, SUBPROTOCOL } from './protocol.gen.ts';
