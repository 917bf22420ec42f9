import { settle } from './clock.ts';

type Content = string | ArrayBuffer;

/**
 * One end of a data channel. What is sent waits in it, and counts as buffered, until the test lets it
 * {@link flow} to the other end.
 */
export class PipeEnd extends EventTarget {
  readyState: RTCDataChannelState = 'connecting';
  binaryType: BinaryType = 'blob';
  bufferedAmountLowThreshold = 0;
  bufferedAmount = 0;
  /** The most that was ever buffered. */
  mostBuffered = 0;
  other: PipeEnd | null = null;
  readonly waiting: Content[] = [];

  get channel(): RTCDataChannel {
    return this as unknown as RTCDataChannel;
  }

  send(content: Content): void {
    if (this.readyState !== 'open') throw new Error('InvalidStateError');
    this.waiting.push(content);
    this.bufferedAmount += sizeOf(content);
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedAmount);
  }

  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  /** Both ends are told. */
  close(): void {
    for (const end of [this, this.other]) {
      if (!end || end.readyState === 'closed') continue;
      end.readyState = 'closed';
      end.dispatchEvent(new Event('close'));
    }
  }

  /** Something comes, whoever says it. */
  receive(data: unknown): void {
    if (this.readyState === 'open') this.dispatchEvent(new MessageEvent('message', { data }));
  }

  /** The oldest message goes over; false when there is none. */
  flow(): boolean {
    const content = this.waiting.shift();
    if (content === undefined) return false;
    const before = this.bufferedAmount;
    this.bufferedAmount -= sizeOf(content);
    const low = this.bufferedAmountLowThreshold;
    if (before > low && this.bufferedAmount <= low) this.dispatchEvent(new Event('bufferedamountlow'));
    this.other?.receive(content);
    return true;
  }
}

/** A channel between two ends, not open yet. */
export function pipe(): [PipeEnd, PipeEnd] {
  const [a, b] = [new PipeEnd(), new PipeEnd()];
  [a.other, b.other] = [b, a];
  return [a, b];
}

/** Lets all that is said and answered go over. */
export async function drain(...ends: PipeEnd[]): Promise<void> {
  await settle();
  while (ends.map((end) => end.flow()).includes(true)) await settle();
}

function sizeOf(content: Content): number {
  return typeof content === 'string' ? content.length : content.byteLength;
}
