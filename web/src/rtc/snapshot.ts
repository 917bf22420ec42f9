import type { AsideSnapshot } from './aside/aside.ts';
import type { ChatLine } from './chat.ts';
import type { EndReason, ErrorCode, MediaState, Path } from './protocol.gen.ts';
import type { SignalingState } from './signaling.ts';
import type { Quality } from './stats.ts';
import type { Trust } from './trust/channel.ts';
import type { Distrust } from './trust/handshake.ts';

/** Where a call is in its life. */
export type CallPhase =
  | 'idle'
  | 'joining'
  | 'waiting'
  | 'connecting'
  | 'active'
  | 'reconnecting'
  | 'ended'
  | 'refused';

/** Why a call is over: what the server said, we hung up, were signed out, or do not trust the other end. */
export type CallEndReason = EndReason | 'hung_up' | 'signed_out' | Distrust;

/** Another participant, and the connection to them. */
export interface PeerSnapshot {
  readonly participant: string;
  readonly name: string;
  /** What they say they send, and whether they hold the call. */
  readonly media: MediaState;
  /** Whether their signaling is connected; media may flow although it is not. */
  readonly online: boolean;
  readonly connection: 'connecting' | 'connected' | 'reconnecting';
  /** How the media travels; empty until it is known. */
  readonly path: '' | Path;
  /** Their sound and picture; another object when they have reloaded. */
  readonly stream: MediaStream | null;
  /** The screen they show, and its sound; null while they show none. */
  readonly screen: MediaStream | null;
  /** Null until there is something to measure. */
  readonly quality: Quality | null;
  /** What is known about who they are; null before there is a connection. */
  readonly trust: Trust | null;
}

/** A call at one moment. Never changes; every change makes another one. */
export interface CallSnapshot {
  readonly phase: CallPhase;
  readonly signaling: SignalingState;
  readonly me: { readonly name: string; readonly media: MediaState };
  readonly peers: readonly PeerSnapshot[];
  /** How often the server has tried to put somebody else into the call, who gets nothing. */
  readonly uninvited: number;
  readonly chat: readonly ChatLine[];
  /** Files and reactions. */
  readonly aside: AsideSnapshot;
  /** When it was connected for the first time, in milliseconds since the Unix epoch; a reload keeps it. */
  readonly startedAt: number | null;
  readonly ended: { readonly reason: CallEndReason; readonly durationMs: number } | null;
  readonly refusal: { readonly code: ErrorCode | 'offline'; readonly message: string } | null;
}
