// Why a call is over, in kind words: what happened, and whether anything needs doing.
import type { CallSnapshot, RingOver } from '../rtc/index.ts';
import type { Key } from './i18n/index.ts';

export interface Ending {
  title: Key;
  text: Key;
  /** Something went wrong, as opposed to people having finished. */
  wrong: boolean;
  /** The link leads nowhere any more. */
  closed?: true;
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  hung_up: { title: 'ended.hangup.title', text: 'ended.hangup.mine', wrong: false },
  hangup: { title: 'ended.hangup.title', text: 'ended.hangup.text', wrong: false },
  left: { title: 'ended.left.title', text: 'ended.left.text', wrong: false },
  connect_failed: { title: 'ended.connect_failed.title', text: 'ended.connect_failed.text', wrong: true },
  connection_lost: { title: 'ended.connection_lost.title', text: 'ended.connection_lost.text', wrong: true },
  replaced: { title: 'ended.replaced.title', text: 'ended.replaced.text', wrong: false },
  kicked: { title: 'ended.kicked.title', text: 'ended.kicked.text', wrong: true, closed: true },
  signed_out: { title: 'ended.signed_out.title', text: 'ended.signed_out.text', wrong: true },
  link_needed: { title: 'ended.link_needed.title', text: 'ended.link_needed.text', wrong: true },
  link_missing: { title: 'ended.link_missing.title', text: 'ended.link_missing.text', wrong: true },
  unsealed: { title: 'ended.unsealed.title', text: 'ended.unsealed.text', wrong: true },
  unproven: { title: 'ended.unproven.title', text: 'ended.unproven.text', wrong: true },
  altered: { title: 'ended.altered.title', text: 'ended.altered.text', wrong: true },
  server_stopped: { title: 'ended.server_stopped.title', text: 'ended.server_stopped.text', wrong: true },
};

/** A reason this version does not know is an ended call all the same. */
export function endingOf(reason: string): Ending {
  return ENDINGS[reason] ?? { title: 'ended.hangup.title', text: 'ended.unknown.text', wrong: false };
}

export interface Refusal {
  title: Key;
  text: Key;
  /** Trying again is of no use. */
  closed?: true;
}

export function refusalOf(code: string): Refusal {
  if (code === 'call_full') return { title: 'refused.call_full.title', text: 'refused.call_full.text' };
  if (code === 'gone') return { title: 'refused.gone.title', text: 'refused.gone.text', closed: true };
  if (code === 'offline') return { title: 'refused.offline.title', text: 'refused.offline.text' };
  if (code === 'unavailable' || code === 'limit') {
    return { title: 'refused.unavailable.title', text: 'refused.unavailable.text' };
  }
  return { title: 'refused.other.title', text: 'refused.other.text' };
}

/** The reason as it is told outside, in the words of the protocol; empty while nothing has ended. */
export function endedReason(snapshot: Pick<CallSnapshot, 'ended' | 'refusal'> | null): string {
  const reason = snapshot?.ended?.reason ?? snapshot?.refusal?.code ?? '';
  return reason === 'hung_up' ? 'hangup' : reason;
}

/** What is said when somebody else has ended a ring; null where nothing needs to be. */
export function ringOverText(reason: RingOver, answering: boolean): Key | null {
  switch (reason) {
    case 'answered_elsewhere':
      return 'incoming.over.answered';
    case 'declined_elsewhere':
      return 'incoming.over.declined';
    case 'cancelled':
    case 'no_answer':
      return 'incoming.over.missed';
    default:
      return answering ? 'incoming.over.late' : null;
  }
}
