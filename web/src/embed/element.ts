// `<dialtone-call>`: a call in a page of another site. That page runs this script, and gets to know how
// the call is; camera, keys and what is said stay in the frame, which is of the server's origin.
import { eventsOf } from './events.ts';
import { callAddress, newLink } from './link.ts';
import { HANG_UP, isHello, openingMessage, readNews, type News } from './messages.ts';

/** What the frame may ask the person for. */
const ALLOWED = [
  'microphone',
  'camera',
  'display-capture',
  'speaker-selection',
  'autoplay',
  'fullscreen',
  'picture-in-picture',
  'screen-wake-lock',
  'clipboard-write',
];

/** A page that was loaded and says nothing for this long is not the call: the browser has refused it. */
const SILENCE_MS = 10_000;

/** Where this script came from. */
const script = document.currentScript;
const SERVER = script instanceof HTMLScriptElement ? new URL(script.src).origin : '';

const style = new CSSStyleSheet();
style.replaceSync(`
  :host { display: block; min-width: 320px; height: 640px; }
  :host([hidden]) { display: none; }
  iframe { display: block; width: 100%; height: 100%; border: 0; }
`);

type ErrorCode = 'bad_link' | 'no_answer';

class DialtoneCall extends HTMLElement {
  static readonly observedAttributes = ['link'];
  readonly #root = this.attachShadow({ mode: 'open' });
  #frame: HTMLIFrameElement | null = null;
  #port: MessagePort | null = null;
  #news: News | null = null;
  #silence: ReturnType<typeof setTimeout> | undefined;
  readonly #hear = (event: MessageEvent) => this.#heard(event);

  /** A link to a call that nobody has been in; whoever has it can join. */
  static newLink(): string {
    return newLink(SERVER);
  }

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [style];
  }

  /** `idle`, `lobby`, `connecting`, `active`, `reconnecting` or `ended`; empty until the call is there. */
  get state(): string {
    return this.#news?.state ?? '';
  }

  /** Leaves the call, as the button in it does. */
  hangUp(): void {
    this.#port?.postMessage(HANG_UP);
  }

  connectedCallback(): void {
    addEventListener('message', this.#hear);
    this.#open();
  }

  disconnectedCallback(): void {
    removeEventListener('message', this.#hear);
    this.#close();
  }

  attributeChangedCallback(_: string, before: string | null, after: string | null): void {
    if (this.isConnected && before !== after) this.#open();
  }

  #open(): void {
    this.#close();
    const link = this.getAttribute('link');
    if (!link) return;
    const address = callAddress(link, SERVER);
    if (!address) return this.#fail('bad_link', `This is no link to a call on ${SERVER || 'the server that embed.js comes from'}.`);
    const frame = document.createElement('iframe');
    frame.title = this.title || 'Dialtone';
    frame.allow = ALLOWED.join('; ');
    frame.referrerPolicy = 'no-referrer';
    frame.addEventListener('load', () => this.#expect());
    frame.src = address;
    this.#frame = frame;
    this.#root.append(frame);
  }

  #close(): void {
    clearTimeout(this.#silence);
    this.#port?.close();
    this.#frame?.remove();
    this.#port = null;
    this.#frame = null;
    this.#news = null;
  }

  /** The frame is loaded; only the call in it would say so itself. */
  #expect(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (!this.#port) this.#fail('no_answer', `The call did not open. Does ${SERVER} run, and is it started with --embed-origin ${location.origin}?`);
    }, SILENCE_MS);
  }

  #heard({ source, origin, data }: MessageEvent): void {
    const window = this.#frame?.contentWindow;
    if (!window || source !== window || origin !== SERVER || !isHello(data)) return;
    // The page in the frame may have been loaded again: what was before is over.
    this.#port?.close();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = (event) => this.#told(readNews(event.data));
    const opening = { name: this.#text('name'), token: this.#text('token'), language: this.#text('lang') };
    window.postMessage(openingMessage(opening), SERVER, [port2]);
  }

  #text(attribute: string): string {
    return this.getAttribute(attribute) ?? '';
  }

  #told(news: News | null): void {
    if (!news) return;
    const events = eventsOf(this.#news, news);
    this.#news = news;
    for (const { type, detail } of events) this.#tell(type, detail);
  }

  #fail(code: ErrorCode, message: string): void {
    this.#tell('error', { code, message });
  }

  #tell(type: string, detail: Record<string, unknown>): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

if (!customElements.get('dialtone-call')) customElements.define('dialtone-call', DialtoneCall);
