import type { Attachment } from 'svelte/attachments';

/** Pause before what stopped by itself is played again: what made it stop may take a moment. */
const AGAIN_MS = 250;

/** Shows a stream in a media element. `blocked` is told when the browser refuses to play it aloud. */
export function playStream(stream: MediaStream | null, blocked?: (is: boolean) => void): Attachment<HTMLMediaElement> {
  return (element) => {
    element.srcObject = stream;
    if (!stream) return;
    const play = () =>
      element.play().then(
        () => blocked?.(false),
        // A newer stream interrupts play() as well (AbortError); only a refusal needs the person.
        (error: Error) => error.name === 'NotAllowedError' && blocked?.(true),
      );
    // Nobody can pause a call: browsers do, when what played the sound is gone. They then play
    // neither sound nor picture any more until they are given the stream anew.
    const playAnew = () => {
      if (!element.paused) return;
      element.srcObject = null;
      element.srcObject = stream;
      void play();
    };
    let again: ReturnType<typeof setTimeout>;
    const paused = () => {
      clearTimeout(again);
      again = setTimeout(playAnew, AGAIN_MS);
    };
    element.addEventListener('pause', paused);
    void play();
    return () => {
      element.removeEventListener('pause', paused);
      clearTimeout(again);
      element.srcObject = null;
    };
  };
}
