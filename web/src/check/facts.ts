// What a check has found out, before anybody says what it means.
import type { Cause } from '../state/deviceProblem.ts';
import type { Place, Transport } from './places.ts';

/** A device: `works`, or why it does not. */
export type DeviceFact = 'works' | Cause;

/** The answer to asking the server for the check. */
export type ServerFact = { answer: 'yes' } | { answer: 'offline' } | { answer: 'limit'; waitMs: number } | { answer: 'refused'; status: number };

/** A translation that a NAT made (RFC 8489, XOR-MAPPED-ADDRESS). */
export interface Mapping {
  /** How the internet sees us. */
  address: string;
  port: number;
  /** Which socket of ours that is; null where the browser keeps it to itself. */
  base: string | null;
}

export interface StunFact {
  asked: readonly Place[];
  /** URLs that did not answer. */
  silent: readonly string[];
  mappings: readonly Mapping[];
}

/** A way to the relay that was tried with data from one end to the other. */
export interface WayFact {
  place: Place;
  works: boolean;
}

/** What came over the relay; it is on the way up once and down once. */
export interface LineFact {
  by: Transport;
  roundTripMs: number;
  jitterMs: number;
  /** Part of the packets that did not arrive, 0 to 1. */
  loss: number;
  /** What arrived, in bits a second; null if nothing was sent to find out. */
  throughput: number | null;
  /** So much was sent that no more could have arrived. */
  capped: boolean;
}

/** Null, or absent: not looked at, or not yet. */
export interface Facts {
  /** The browser has WebRTC. */
  webrtc: boolean;
  /** The page has a secure context. */
  secure: boolean;
  camera: DeviceFact | null;
  microphone: DeviceFact | null;
  /** Whether the person has heard the test sound. */
  speaker: boolean | null;
  server: ServerFact | null;
  /** Whether a WebSocket carries words to the server and back. */
  socket: boolean | null;
  stun: StunFact | null;
  ways: readonly WayFact[] | null;
  line: LineFact | null;
}

export const NOTHING_YET: Facts = {
  webrtc: true,
  secure: true,
  camera: null,
  microphone: null,
  speaker: null,
  server: null,
  socket: null,
  stun: null,
  ways: null,
  line: null,
};
