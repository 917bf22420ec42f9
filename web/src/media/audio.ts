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

/** How long a context may take to run; one that is held back never does. */
const START_MS = 250;

/** The context, running; null where the browser wants a click first. Some ask for none. */
export async function startAudio(): Promise<AudioContext | null> {
  if (typeof AudioContext === 'undefined') return null;
  context ??= new AudioContext();
  if (context.state === 'running') return context;
  const late = new Promise((resolve) => setTimeout(resolve, START_MS));
  await Promise.race([context.resume().catch(() => undefined), late]);
  // Another look: `resume` has changed it.
  return (context.state as AudioContextState) === 'running' ? context : null;
}
