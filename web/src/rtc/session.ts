import type { Prover } from './device.ts';
import type {
  ClientFrame,
  ClientInfo,
  Reset,
  ServerFrame,
  Welcome,
} from './protocol.gen.ts';

/** Refused twice with a fresh ticket each time: the session itself is not wanted any more. */
const REFUSALS = 2;

/** How a new socket came to carry a session; `other`: it is somebody else's, or nobody's any more. */
export type Opening = 'new' | 'resumed' | 'reset' | 'other';

/** The session as the client remembers it: what to greet with, and what the greeting led to. */
export class Session {
  readonly #device: Prover | Promise<Prover>;
  readonly #client: ClientInfo;
  #open: { session: string; epoch: string; token: string } | null = null;
  /** Whose session it was, null for a guest; undefined before the first. */
  #user: string | null | undefined;
  #refusals = 0;

  constructor(device: Prover | Promise<Prover>, client: ClientInfo) {
    this.#device = device;
    this.#client = client;
  }

  /** The first frame on a socket: `resume` when there is something to resume, else `hello`. */
  async greeting(id: string, ticket: string, lastSeq: number): Promise<ClientFrame> {
    const device = await this.#device;
    const open = this.#open;
    if (!open) {
      const proof = await device.proof(`dialtone hello\n${ticket}`);
      return { t: 'hello', id, ticket, device: proof, client: this.#client, features: [] };
    }
    return {
      t: 'resume',
      id,
      ticket,
      device: await device.proof(`dialtone resume\n${ticket}\n${open.session}`),
      session: open.session,
      epoch: open.epoch,
      resume_token: open.token,
      last_seq: lastSeq,
    };
  }

  /** Takes the answer to the greeting; null when the frame is none. */
  answered(frame: ServerFrame): Opening | null {
    if (frame.t === 'resumed' && this.#open) {
      this.#open.token = frame.resume_token;
      this.#refusals = 0;
      return 'resumed';
    }
    if (frame.t !== 'welcome' && frame.t !== 'reset') return null;
    return this.#begin(frame);
  }

  /** The greeting was refused as unauthorized. */
  refused(): void {
    this.#refusals += 1;
    if (this.#refusals >= REFUSALS) this.#open = null;
  }

  #begin(frame: Welcome | Reset): Opening {
    const user = frame.you.account?.user ?? null;
    // A welcome in place of a session we had is a reset too: the server knows nothing of us.
    const opening = this.#user === undefined ? 'new' : this.#user === user ? 'reset' : 'other';
    this.#user = user;
    this.#refusals = 0;
    this.#open = { session: frame.session, epoch: frame.epoch, token: frame.resume_token };
    return opening;
  }
}
