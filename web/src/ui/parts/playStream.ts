import type { Attachment } from 'svelte/attachments';

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
    void play();
    return () => {
      element.srcObject = null;
    };
  };
}
