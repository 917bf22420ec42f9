// One AudioContext for the page: browsers allow only a few, and want a click before it runs.

let context: AudioContext | null = null;

export function audioContext(): AudioContext | null {
  if (typeof AudioContext === 'undefined') return null;
  // After a reload nobody has clicked yet: it would stay silent, and the browser complain.
  if (navigator.userActivation?.hasBeenActive === false) return null;
  context ??= new AudioContext();
  if (context.state === 'suspended') void context.resume().catch(() => undefined);
  return context;
}
