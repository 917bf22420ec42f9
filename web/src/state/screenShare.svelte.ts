// The screen that this person shows in a call: chosen in the browser's dialog, and ended here or there.
import { openScreen } from '../media/capture.ts';
import { consoleLog, type Call, type Screen } from '../rtc/index.ts';
import type { Key } from './i18n/index.ts';

export class ScreenShare {
  readonly #call: Pick<Call, 'setScreen'>;
  readonly #open: () => Promise<Screen | null>;
  #screen: Screen | null = $state.raw(null);
  #asking = false;
  #closed = false;

  constructor(call: Pick<Call, 'setScreen'>, open: () => Promise<Screen | null> = openScreen) {
    this.#call = call;
    this.#open = open;
  }

  /** Whether a screen is shown. */
  get on(): boolean {
    return this.#screen !== null;
  }

  /** Asks which one, and shows it. What went wrong, if the person has to be told of it. */
  async start(): Promise<Key | null> {
    if (this.#asking || this.#closed || this.on) return null;
    this.#asking = true;
    try {
      const screen = await this.#open();
      if (!screen) return 'share.failed';
      // The call may have ended while the dialog was open.
      if (this.#closed) end(screen);
      else await this.#show(screen);
      return null;
    } catch (error) {
      this.stop();
      return problemOf(error);
    } finally {
      this.#asking = false;
    }
  }

  /** Shows it no longer. */
  stop(): void {
    const screen = this.#screen;
    if (!screen) return;
    this.#screen = null;
    end(screen);
    this.#tell(null).catch((error: unknown) => consoleLog('the screen could not be taken away', error));
  }

  /** The call is over, or no longer on the screen. */
  close(): void {
    this.stop();
    this.#closed = true;
  }

  async #show(screen: Screen): Promise<void> {
    this.#screen = screen;
    // Pressed in the browser's own bar, or the window that was shown is gone.
    screen.video.onended = () => this.#screen === screen && this.stop();
    await this.#tell(screen);
  }

  #tell(screen: Screen | null): Promise<void> {
    return this.#call.setScreen(screen);
  }
}

function end({ video, audio }: Screen): void {
  video.onended = null;
  video.stop();
  audio?.stop();
}

/** A dialog that was closed is an answer, and no problem. */
function problemOf(error: unknown): Key | null {
  const { name = '', message = '' } = (error ?? {}) as { name?: string; message?: string };
  if (name !== 'NotAllowedError' && name !== 'AbortError') return 'share.failed';
  return /system/i.test(message) ? 'share.failed.system' : null;
}
