// Whether a WebSocket to the server carries words, and not only opens.
import { SUBPROTOCOL } from '../../rtc/index.ts';

/** A server that says nothing for this long does not hear us. */
const PATIENCE_MS = 6_000;

/** Says something that is no frame: the server answers with a code of its own (4000 to 4999). */
export function socketAnswers(origin: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((answer) => {
    const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/api/v1/ws`, SUBPROTOCOL);
    const end = (works: boolean) => {
      clearTimeout(timer);
      answer(works);
      socket.close();
    };
    const timer = setTimeout(() => end(false), PATIENCE_MS);
    signal.addEventListener('abort', () => end(false));
    socket.addEventListener('open', () => socket.send(''));
    socket.addEventListener('close', ({ code }) => end(code >= 4000));
  });
}
