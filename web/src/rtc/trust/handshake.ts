import { readFrame, type Frame, type Hello, type Role } from './wire.ts';
import { limits } from '../protocol.gen.ts';

/**
 * Why an end is not talked to.
 *
 * - `link_needed`: the other end came by a link with a secret, this one without.
 * - `link_missing`: this end came by a link with a secret, the other one without.
 * - `unsealed`: the other end does not seal, and it should be able to.
 * - `unproven`: what it sealed first does not open: the secrets differ, or somebody is in between.
 * - `altered`: something that came before the connection was up is not what the other end has sent.
 */
export type Distrust = 'link_needed' | 'link_missing' | 'unsealed' | 'unproven' | 'altered';

/** What follows from an input. */
export type Step =
  | { readonly do: 'nothing' }
  /** Both hellos are known: keys can be made. The other end's as it was sent. */
  | { readonly do: 'agree'; readonly theirs: Hello; readonly text: string }
  /** Something that keys may open. */
  | { readonly do: 'open'; readonly counter: number; readonly data: Uint8Array<ArrayBuffer> }
  /** The other end does not seal, and nothing asks for it: go on without. */
  | { readonly do: 'go_plain' }
  /** Take it as it is. */
  | { readonly do: 'take' }
  /** It is not what an honest other end has sent. */
  | { readonly do: 'alarm' }
  | { readonly do: 'refuse'; readonly why: Distrust };

/** What one end brings into the handshake. */
export interface HandshakeOptions {
  readonly role: Role;
  /** It came by a link with a secret. */
  readonly link: boolean;
  /** The other end is known to seal: whoever does not, is not it. */
  readonly sealing: boolean;
}

const NOTHING: Step = { do: 'nothing' };

/**
 * The order of a handshake: two hellos, keys from both, and nothing but what these keys seal. Knows no
 * cryptography, no clock and no connection; what it says is done by {@link Channel}.
 *
 * | phase | event | result |
 * | --- | --- | --- |
 * | hello | a hello of the other role, once ours is made | agreed, or refused where only one end has a link's secret |
 * | hello, agreed | a plain description, as long as nothing sealed was opened | plain; refused where sealing is asked for |
 * | hello | silence | the same |
 * | hello | something sealed | nothing: the hello before it was lost, and comes again |
 * | agreed | something sealed | open it |
 * | agreed | anything else but a repeated hello | alarm |
 * | plain | something plain | take it |
 * | any but plain | a hello of our own role, or a second one that differs | alarm |
 */
export class Handshake {
  readonly #options: HandshakeOptions;
  #phase: 'hello' | 'agreed' | 'plain' | 'refused' = 'hello';
  #begun = false;
  #proven = false;
  #theirs: Extract<Frame, { kind: 'hello' }> | null = null;

  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  get phase(): 'hello' | 'agreed' | 'plain' | 'refused' {
    return this.#phase;
  }

  /** Whether something sealed was opened: the other end has the same keys. */
  get proven(): boolean {
    return this.#proven;
  }

  /** Something sealed was opened. */
  opened(): void {
    this.#proven = true;
  }

  /** Our own hello is made and sent. */
  begin(): Step {
    this.#begun = true;
    return this.#agree();
  }

  /** A body that came in a description's place. */
  description(body: unknown): Step {
    const frame = readFrame(body, limits.description_bytes);
    if (frame.kind === 'hello') return this.#hello(frame);
    const unproven = this.#phase === 'hello' || (this.#phase === 'agreed' && !this.#proven);
    if (unproven && frame.kind === 'plain') return this.#plain('take');
    return this.#later(frame);
  }

  /** A body that came in a candidate's place. */
  candidate(body: unknown): Step {
    const frame = readFrame(body, limits.candidate_bytes);
    // Of an end that does not seal, whose description was lost.
    if (!this.#proven && this.#phase !== 'plain' && frame.kind === 'plain') return NOTHING;
    return this.#later(frame);
  }

  /** Nothing was heard of the other end for long enough. */
  silence(): Step {
    return this.#phase === 'hello' && !this.#theirs ? this.#plain('go_plain') : NOTHING;
  }

  /** Nothing is taken from the other end any more. */
  refuse(why: Distrust): Step {
    this.#phase = 'refused';
    return { do: 'refuse', why };
  }

  #hello(frame: Extract<Frame, { kind: 'hello' }>): Step {
    if (this.#phase === 'plain' || this.#phase === 'refused') return NOTHING;
    if (frame.hello.role === this.#options.role) return { do: 'alarm' };
    // An end repeats its hello when it may have got lost.
    if (this.#theirs) return frame.text === this.#theirs.text ? NOTHING : { do: 'alarm' };
    const { link } = this.#options;
    if (frame.hello.link !== link) return this.refuse(link ? 'link_missing' : 'link_needed');
    this.#theirs = frame;
    return this.#agree();
  }

  #agree(): Step {
    if (!this.#begun || !this.#theirs || this.#phase !== 'hello') return NOTHING;
    this.#phase = 'agreed';
    return { do: 'agree', theirs: this.#theirs.hello, text: this.#theirs.text };
  }

  #plain(then: 'take' | 'go_plain'): Step {
    const { link, sealing } = this.#options;
    if (link || sealing) return this.refuse('unsealed');
    this.#phase = 'plain';
    return { do: then };
  }

  #later(frame: Frame): Step {
    if (this.#phase === 'refused') return NOTHING;
    if (this.#phase === 'plain') return frame.kind === 'plain' ? { do: 'take' } : NOTHING;
    if (frame.kind !== 'sealed') return { do: 'alarm' };
    if (this.#phase === 'hello') return NOTHING;
    return { do: 'open', counter: frame.counter, data: frame.data };
  }
}
